//! Decimal texts: whoever reads them, they are the same number or none.

use fathometer_engine::scan::{is_canonical, units_of};
use fathometer_engine::units::{Decimal, MAX_DECIMALS, MAX_UNITS, parse_units};

/// The first byte is the number of decimal places, the rest the text.
pub fn numbers(data: &[u8]) {
    let Some((first, text)) = data.split_first() else { return };
    let decimals = first % (MAX_DECIMALS + 1);
    let plain = parse_units(text, decimals);
    assert_eq!(units_of(text, decimals), plain.ok(), "{text:?} at {decimals}");
    if let Ok(units) = plain {
        assert!(units.abs() <= MAX_UNITS);
        let number = Decimal::parse(text).expect("what has units is a number");
        let again = number.to_string();
        assert_eq!(parse_units(again.as_bytes(), decimals), Ok(units), "{text:?} written as {again}");
        assert!(is_canonical(again.as_bytes()) || units < 0, "{again} is what we write");
    }
}

/// Numbers of all shapes.
pub fn seeds() -> Vec<Vec<u8>> {
    let texts =
        ["70123.40000000", "0.00000001", "-1.5", "1e-7", "9007199254740993", "00.10", "123456789.123456789", "."];
    let at = |text: &str, decimals: u8| [&[decimals], text.as_bytes()].concat();
    texts.iter().flat_map(|text| [0, 2, 8, 18].map(|decimals| at(text, decimals))).collect()
}
