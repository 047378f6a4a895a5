//! What OKX's answers over HTTP say: `{"code":"0","msg":"","data":[...]}`.

use super::decode::{Reader, settle, time};
use super::node::Node;
use crate::event::{Control, DepthKind};
use crate::registry::Registry;
use crate::venue::{Decoded, query};

/// The most levels per side that `/market/books` gives, and how many it gives when it is not told.
const BOOK_LIMIT_MAX: u32 = 400;
const BOOK_LIMIT_DEFAULT: u32 = 1;

/// Reads the answer to a request.
pub(super) fn reply(request: &str, status: u16, body: &[u8], registry: &mut Registry, out: &mut Decoded) {
    out.clear();
    let message = match Node::parse(body) {
        Ok(message) => message,
        Err(_) if status != 200 => return out.controls.push(refused(status, None)),
        Err(text) => return out.controls.push(Control::Malformed { text }),
    };
    if status != 200 || message.int("code") != Ok(Some(0)) {
        return out.controls.push(refused(status, Some(&message)));
    }
    let path = request.split_once('?').map_or(request, |(path, _)| path);
    let channel = match path {
        "/api/v5/public/time" => "time",
        "/api/v5/public/instruments" => "instruments",
        "/api/v5/public/open-interest" => "open-interest",
        "/api/v5/public/mark-price" => "mark-price",
        "/api/v5/public/funding-rate" => "funding-rate",
        "/api/v5/market/index-tickers" => "index-tickers",
        "/api/v5/market/books" => "books",
        _ => return out.controls.push(Control::Unknown),
    };
    let read = |registry: &mut Registry, out: &mut Decoded| {
        let data = message.list("data")?;
        if channel == "time" {
            let ts = data.first().map_or(Ok(None), |item| time(item, "ts"))?.ok_or("ts is missing")?;
            out.controls.push(Control::Time(ts));
            return Ok(false);
        }
        // A book is asked for by name; the others may list whole markets, of which only the known are of interest.
        let add = channel == "books";
        let mut reader = Reader { registry, out, of_arg: query(request, "instId"), add, widened: false };
        if add {
            let limit = query(request, "sz").and_then(|n| n.parse().ok()).unwrap_or(BOOK_LIMIT_DEFAULT);
            reader.books(DepthKind::Snapshot, limit.min(BOOK_LIMIT_MAX), data)?;
        } else {
            reader.items(channel, DepthKind::Snapshot, data)?;
        }
        Ok(reader.widened)
    };
    settle(path, read, registry, out);
}

fn refused(status: u16, message: Option<&Node<'_>>) -> Control {
    let code = message.and_then(|m| m.int("code").ok().flatten()).filter(|code| *code != 0);
    let words = message.and_then(|m| m.text("msg")).unwrap_or("no reason given");
    Control::Error { code: code.unwrap_or(i64::from(status)), text: format!("HTTP {status}: {words}") }
}
