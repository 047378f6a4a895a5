//! For Prometheus: `/metrics`, in OpenMetrics text where the asker knows it, else in the classic text form.

mod market;
mod operation;
mod page;

use super::problem::Problem;
use super::{Api, Routes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use page::Page;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The paths of this file.
pub fn router() -> Routes {
    OpenApiRouter::<Arc<Api>>::new().routes(routes!(metrics))
}

/// Everything that is told, gathered anew at each scrape.
struct Scrape(Arc<Api>);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        operation::write(&mut page, &self.0)?;
        market::write(&mut page, &self.0.main)
    }
}

/// OpenMetrics text of everything.
///
/// # Errors
/// None that a text in memory can have.
pub fn open_metrics(api: &Arc<Api>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(api.clone())));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

/// The classic form of an OpenMetrics text: there the head of a counter carries the name that its samples have, and nothing
/// says where the text ends.
pub fn classic(text: &str) -> String {
    let head = |line: &'static str, text: &str| text.strip_prefix(line).map(str::to_owned);
    let counters: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut out = String::with_capacity(text.len());
    for line in text.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let told = ["# HELP ", "# TYPE "].into_iter().find_map(|word| Some((word, head(word, line)?)));
        match told {
            Some((word, rest)) => {
                let (name, rest) = rest.split_once(' ').unwrap_or((&rest, ""));
                let total = if counters.contains(name) { "_total" } else { "" };
                out += &format!("{word}{name}{total} {rest}\n");
            }
            None => {
                out += line;
                out.push('\n');
            }
        }
    }
    out
}

/// Latency, rates, books, queues, connections, process, and every market metric by instrument, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "OpenMetrics text, or the classic form where the asker does not accept it",
        body = String, content_type = "text/plain")))]
async fn metrics(Shared(api): Shared<Arc<Api>>, headers: HeaderMap) -> Response {
    let Ok(text) = open_metrics(&api) else {
        return Problem::busy("the metrics could not be written down").into_response();
    };
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepted.contains("application/openmetrics-text") {
        ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response()
    } else {
        ([(header::CONTENT_TYPE, CLASSIC)], classic(&text)).into_response()
    }
}

#[cfg(test)]
mod tests;
