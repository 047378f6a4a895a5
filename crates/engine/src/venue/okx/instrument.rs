//! What OKX says its instruments are: the same items over HTTP and over the `instruments` channel.

use super::node::Node;
use super::plan::index_of;
use crate::event::{Event, Stamped};
use crate::instrument::{Contract, Instrument, Kind, Venue};
use crate::registry::Registry;
use crate::units::{Decimal, MAX_DECIMALS};
use crate::venue::{Decoded, infer};

/// Events of one item, if its instrument is known: the lists name thousands that nobody watches.
pub(super) fn events(item: &Node<'_>, registry: &Registry, out: &mut Decoded) -> Result<(), String> {
    let symbol = item.need("instId")?;
    let Some(instrument) = registry.find(Venue::Okx, symbol.as_bytes()) else { return Ok(()) };
    let mut push = |event| out.events.push(Stamped { instrument, ts_venue: None, ts_engine: None, event });
    push(Event::Instrument(Box::new(told(symbol, item)?)));
    if let Some(state) = item.text("state") {
        // Orders are collected but not matched before the opening.
        push(Event::Status { state: state.to_owned(), may_cross: state == "preopen" });
    }
    Ok(())
}

fn told(symbol: &str, item: &Node<'_>) -> Result<Instrument, String> {
    let mut told = infer(Venue::Okx, symbol);
    // Base and quote are given for spot only; else the symbol, or its family where it was renamed, tells them.
    let family = item.text("instFamily").or(item.text("uly")).unwrap_or(index_of(symbol));
    let (base, quote) = family.split_once('-').unwrap_or_default();
    if told.base.is_empty() {
        told.base = item.text("baseCcy").unwrap_or(base).to_owned();
        told.quote = item.text("quoteCcy").unwrap_or(quote).to_owned();
    }
    told.kind = match item.text("instType") {
        Some("SWAP") => Kind::Perpetual,
        Some("FUTURES") => Kind::Future,
        Some("OPTION") => Kind::Option,
        _ => told.kind,
    };
    told.tick = positive(item, "tickSz")?;
    told.lot = positive(item, "lotSz")?;
    if told.kind != Kind::Spot {
        told.contract = contract(&told, item)?;
    }
    Ok(told)
}

/// What a contract is worth: `ctVal` times `ctMult`, counted in `ctValCcy`.
fn contract(told: &Instrument, item: &Node<'_>) -> Result<Contract, String> {
    let (Some(value), Some(currency)) = (positive(item, "ctVal")?, item.text("ctValCcy")) else {
        return Ok(Contract::Unknown);
    };
    let factor = positive(item, "ctMult")?.unwrap_or(Decimal { mantissa: 1, decimals: 0 });
    let Some(value) = product(value, factor) else { return Ok(Contract::Unknown) };
    Ok(match item.text("ctType") {
        Some("inverse") if currency == told.quote => Contract::Inverse(value),
        // Options say neither; theirs count base coins.
        Some("linear") | None if currency == told.base => Contract::Linear(value),
        _ => Contract::Unknown,
    })
}

fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let decimals = a.decimals + b.decimals; // each is 18 at most
    let exact = Decimal::new(a.mantissa.checked_mul(b.mantissa)?, decimals.min(MAX_DECIMALS));
    (decimals <= MAX_DECIMALS).then_some(exact)
}

/// A number above zero; `None` where it is missing, empty or zero, all of which say "not given".
fn positive(item: &Node<'_>, key: &str) -> Result<Option<Decimal>, String> {
    let Some(text) = item.text(key) else { return Ok(None) };
    let number = Decimal::parse(text.as_bytes()).map_err(|e| format!("{key} of an instrument: {e}"))?;
    Ok((number.mantissa > 0).then_some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_of(text: &str) -> Instrument {
        let item = Node::parse(text.as_bytes()).unwrap();
        told(item.need("instId").unwrap(), &item).unwrap()
    }

    #[test]
    fn contracts_are_worth_what_the_list_says() {
        let one = |mantissa, decimals| Decimal { mantissa, decimals };
        for (text, contract, tick, lot) in [
            (
                r#"{"instType":"SPOT","instId":"BTC-USDT","baseCcy":"BTC","quoteCcy":"USDT","ctVal":"","ctType":"","tickSz":"0.1","lotSz":"0.00000001","state":"live"}"#,
                Contract::Base,
                one(1, 1),
                one(1, 8),
            ),
            (
                r#"{"instType":"SWAP","instId":"BTC-USDT-SWAP","instFamily":"BTC-USDT","baseCcy":"","quoteCcy":"","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC","ctType":"linear","tickSz":"0.1","lotSz":"0.01"}"#,
                Contract::Linear(one(1, 2)),
                one(1, 1),
                one(1, 2),
            ),
            (
                r#"{"instType":"SWAP","instId":"BTC-USD-SWAP","ctVal":"100","ctMult":"1","ctValCcy":"USD","ctType":"inverse","tickSz":"0.1","lotSz":"1"}"#,
                Contract::Inverse(one(100, 0)),
                one(1, 1),
                one(1, 0),
            ),
            (
                r#"{"instType":"OPTION","instId":"BTC-USD-210924-66000-C","ctVal":"1","ctMult":"0.01","ctValCcy":"BTC","ctType":"","tickSz":"0.0005","lotSz":"1"}"#,
                Contract::Linear(one(1, 2)),
                one(5, 4),
                one(1, 0),
            ),
        ] {
            let told = told_of(text);
            assert_eq!((told.contract, told.tick, told.lot), (contract, Some(tick), Some(lot)), "{text}");
        }
    }

    #[test]
    fn a_contract_of_unheard_currency_is_not_guessed() {
        let text = r#"{"instType":"SWAP","instId":"A-USDT-SWAP","ctVal":"1","ctValCcy":"X","ctType":"linear"}"#;
        assert_eq!(told_of(text).contract, Contract::Unknown);
        assert_eq!(told_of(text).tick, None);
    }
}
