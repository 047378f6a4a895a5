//! `instruments.yaml`: what is watched, and how each exchange writes it.

use super::exchanges::EXCHANGES;
use super::node::{Node, Value};
use super::problem::{Problems, hint};
use super::table::Table;
use fathometer_engine::instrument::{Kind, Venue};
use serde::Serialize;

/// One instrument across exchanges.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wanted {
    /// Name across exchanges: `BTC-USDT-PERP`.
    pub id: String,
    /// For people.
    pub name: String,
    /// What kind of thing is traded.
    pub kind: Kind,
    /// Base coin.
    pub base: String,
    /// Quote currency.
    pub quote: String,
    /// Whether it is watched.
    pub enabled: bool,
    /// Where, and under which symbol.
    pub symbols: Vec<(Venue, String)>,
}

/// The ids that a file's tree names, whether or not the rest of each item is right.
pub fn ids(node: &Node) -> Vec<String> {
    let Some(Value::List(items)) = node.get("instruments").map(|node| &node.value) else { return Vec::new() };
    items.iter().filter_map(|item| item.id().map(str::to_owned)).collect()
}

/// Reads the file's tree.
pub fn read(node: &Node, problems: &Problems) -> Vec<Wanted> {
    let Some(file) = Table::open(node, "", problems) else { return Vec::new() };
    let mut all: Vec<Wanted> = Vec::new();
    if let Some(list) = file.node("instruments") {
        match &list.value {
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let Some(wanted) = instrument(item, index, problems) else { continue };
                    if all.iter().any(|other| other.id == wanted.id) {
                        problems.error(&item.at, format!("instrument `{}` is listed twice; remove one", wanted.id));
                    } else {
                        all.push(wanted);
                    }
                }
            }
            other => problems
                .error(&list.at, format!("`instruments` wants a list (each item begins with `- id:`), not {other}")),
        }
    }
    file.finish();
    all
}

fn instrument(node: &Node, index: usize, problems: &Problems) -> Option<Wanted> {
    let table = Table::open(node, format!("instruments[{index}]"), problems)?;
    let id = table.text("id");
    let name = table.text("name");
    let kind = table.word("type", &["spot", "perpetual", "futures"]).map(|word| match word {
        "spot" => Kind::Spot,
        "perpetual" => Kind::Perpetual,
        _ => Kind::Future,
    });
    let (base, quote) = (table.text("base"), table.text("quote"));
    let enabled = table.bool("enabled").unwrap_or(true);
    let mut symbols = Vec::new();
    match table.table("exchange_symbols") {
        Some(places) => {
            for (key, node) in places.entries() {
                let exchange = key.name.as_str();
                if !EXCHANGES.contains(&exchange) {
                    problems.error(&key.at, format!("unknown exchange `{exchange}`{}", hint(exchange, &EXCHANGES)));
                } else if let Some(symbol) = symbol(node, &places.name(exchange), problems) {
                    symbols.push((venue(exchange, kind.unwrap_or(Kind::Spot), quote.unwrap_or_default()), symbol));
                }
            }
        }
        None => problems.error(
            &table.at,
            format!("`{}` is missing: it says how each exchange writes it", table.name("exchange_symbols")),
        ),
    }
    for (key, missing) in
        [("id", id.is_none()), ("type", kind.is_none()), ("base", base.is_none()), ("quote", quote.is_none())]
    {
        // A key that is there but wrong was told of already.
        if missing && !table.entries().iter().any(|(written, _)| written.name == key) {
            problems.error(&table.at, format!("`{}` is missing", table.name(key)));
        }
    }
    table.finish();
    let (id, base, quote) = (id?.to_owned(), base?.to_uppercase(), quote?.to_uppercase());
    Some(Wanted { name: name.unwrap_or(&id).to_owned(), id, kind: kind?, base, quote, enabled, symbols })
}

fn symbol(node: &Node, path: &str, problems: &Problems) -> Option<String> {
    if let Value::Text(symbol) = &node.value {
        return Some(symbol.clone());
    }
    let table = Table::open(node, path, problems)?;
    let symbol = table.text("symbol").map(str::to_owned);
    if symbol.is_none() && !table.entries().iter().any(|(written, _)| written.name == "symbol") {
        problems.error(&table.at, format!("`{}` is missing", table.name("symbol")));
    }
    if let Some(stream) = table.text("stream")
        && let Some(levels) = partial_depth(stream)
    {
        let text = format!(
            "`stream: {stream}` names a partial book: its {levels} levels span about 2 USD for BTCUSDT, so depth within \
                 10 bps cannot be measured from it; the full book is used"
        );
        problems.warn(&table.node("stream").unwrap_or(node).at, text);
    }
    table.finish();
    symbol
}

/// How many levels a partial-depth stream has (`btcusdt@depth20@100ms`, `books5`).
fn partial_depth(stream: &str) -> Option<u32> {
    let binance = stream.split('@').find_map(|part| part.strip_prefix("depth"));
    binance.or_else(|| stream.strip_prefix("books")).and_then(|levels| levels.parse().ok())
}

fn venue(exchange: &str, kind: Kind, quote: &str) -> Venue {
    match (exchange, kind) {
        ("okx", _) => Venue::Okx,
        (_, Kind::Spot | Kind::Option) => Venue::Binance,
        (_, Kind::Perpetual | Kind::Future) if quote.eq_ignore_ascii_case("USD") => Venue::BinanceCoinm,
        (_, Kind::Perpetual | Kind::Future) => Venue::BinanceUsdm,
    }
}
