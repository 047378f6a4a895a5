//! The description of the API as OpenAPI 3.1: what the handlers say of themselves, with what holds for all of them.

use super::problem::Problem;
use super::replay::Action;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, License, OpenApi, Ref, RefOr, ResponseBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

const ABOUT: &str = "Order books, metrics and the state of the program, live or from a recording. Every number carries its \
    validity: null with a reason where it cannot be vouched for. Refusals are application/problem+json and say what to do.";

const TAGS: [(&str, &str); 9] = [
    ("about", "What this server is, and what its words mean"),
    ("market", "Books, metrics, trades and costs"),
    ("surveillance", "What is watched for, what was found, and what people do about it"),
    ("stream", "Changes as they come"),
    ("operation", "How the program itself is doing"),
    ("replay", "Recordings, opened beside the live run"),
    ("classic", "The paths that tools of this kind have always had"),
    ("prometheus", "For Prometheus"),
    ("screens", "For this program's own screens"),
];

/// Adds to what the handlers say what holds for all: how refusals look, what a token is, names of operations.
pub fn complete(description: &mut OpenApi) {
    description.info.description = Some(ABOUT.to_owned());
    description.info.license = Some(License::new("MIT OR Apache-2.0"));
    let used = |tag: &str| description.paths.paths.values().flat_map(operations).any(|it| has_tag(it, tag));
    let tags = TAGS.iter().filter(|(name, _)| used(name));
    let tag = |(name, help): &(&str, &str)| {
        utoipa::openapi::tag::TagBuilder::new().name(*name).description(Some(*help)).build()
    };
    description.tags = Some(tags.map(tag).collect());
    let components = description.components.get_or_insert_default();
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    if let Some(RefOr::T(order)) = components.schemas.get_mut(Action::name().as_ref()) {
        close(order); // what the handler does not know it refuses
    }
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    // Either: a server on this machine alone wants no token.
    description.security =
        Some(vec![SecurityRequirement::default(), SecurityRequirement::new("token", Vec::<String>::new())]);
    for (path, item) in &mut description.paths.paths {
        for (method, operation) in [("get", &mut item.get), ("post", &mut item.post)] {
            if let Some(operation) = operation {
                finish(method, path, operation);
            }
        }
    }
}

/// Says of a choice between objects that none has other fields than its own.
fn close(choice: &mut Schema) {
    let Schema::OneOf(choice) = choice else { return };
    for item in &mut choice.items {
        if let RefOr::T(Schema::Object(object)) = item {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

fn operations(item: &PathItem) -> impl Iterator<Item = &Operation> {
    [&item.get, &item.post].into_iter().flatten()
}

fn has_tag(operation: &Operation, tag: &str) -> bool {
    operation.tags.iter().flatten().any(|known| known == tag)
}

fn finish(method: &str, path: &str, operation: &mut Operation) {
    let words: Vec<&str> = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    operation.operation_id = Some(format!("{method}_{}", words.join("_")));
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let refusal = ResponseBuilder::new()
        .description("What went wrong, and what to do")
        .content("application/problem+json", problem)
        .build();
    operation.responses.responses.entry("default".to_owned()).or_insert(RefOr::T(refusal));
}

/// Serves it, and the page that shows it.
pub fn router<S: Clone + Send + Sync + 'static>(description: &OpenApi) -> axum::Router<S> {
    let json = description.to_json().unwrap_or_default();
    let file = |kind: &'static str, policy: Option<&'static str>, text: &'static str| {
        move || async move { answer(kind, policy, text) }
    };
    axum::Router::new()
        .route("/api/v1/openapi.json", get(move || async move { answer("application/json", None, json) }))
        .route("/api/v1/docs", get(file("text/html; charset=utf-8", Some(POLICY), include_str!("docs/docs.html"))))
        .route("/api/v1/docs.js", get(file("text/javascript; charset=utf-8", None, include_str!("docs/docs.js"))))
        .route("/api/v1/docs.css", get(file("text/css; charset=utf-8", None, include_str!("docs/docs.css"))))
}

/// The page's own script and style, and questions to its own server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn answer(kind: &'static str, policy: Option<&'static str>, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(policy) = policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    response
}
