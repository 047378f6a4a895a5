//! `fees.yaml`: what the exchanges charge.

use super::node::{Node, same};
use super::problem::{Problems, hint};
use super::table::Table;
use fathometer_engine::cost::fees::{self, Product, Rates, Tier};

/// Beyond 10 % it is a slip: a rate written in another unit.
const BPS_MAX: f64 = 1_000.0;

/// Reads the file's tree.
pub fn read(node: &Node, problems: &Problems) -> Vec<fees::Table> {
    let Some(file) = Table::open(node, "", problems) else { return Vec::new() };
    let tables = Product::ALL.into_iter().filter_map(|product| table(&file, product, problems)).collect();
    file.finish();
    tables
}

fn table(file: &Table<'_>, product: Product, problems: &Problems) -> Option<fees::Table> {
    let table = file.table(product.name())?;
    let discount_pct = table.number("discount_pct", 0.0..=100.0).unwrap_or(0.0);
    let discount = table.bool("discount").unwrap_or(false);
    let tiers = table.table("tiers").map(|tiers| {
        let read = tiers.entries().iter().filter_map(|(key, node)| {
            let rates = rates(node, &tiers.name(&key.name), problems)?;
            Some(Tier { name: key.name.clone(), rates })
        });
        read.collect::<Vec<_>>()
    });
    let tiers = tiers.unwrap_or_default();
    let tier = table.text("tier").unwrap_or("regular").to_owned();
    let names: Vec<&str> = tiers.iter().map(|tier| tier.name.as_str()).collect();
    if !names.iter().any(|name| same(name, &tier)) {
        let at = table.node("tier").map_or(&table.at, |node| &node.at);
        problems.error(
            at,
            format!("`{}` is no tier of `{}`: `{tier}`{}", table.name("tier"), product.name(), hint(&tier, &names)),
        );
    }
    table.finish();
    Some(fees::Table { product, tier, discount_pct, discount, tiers })
}

fn rates(node: &Node, path: &str, problems: &Problems) -> Option<Rates> {
    let table = Table::open(node, path, problems)?;
    let rate = |key| {
        if table.node(key).is_none() {
            table.missing(&table.at, &table.name(key));
        }
        table.number(key, -BPS_MAX..=BPS_MAX)
    };
    let (maker_bps, taker_bps) = (rate("maker_bps"), rate("taker_bps"));
    table.finish();
    Some(Rates { maker_bps: maker_bps?, taker_bps: taker_bps? })
}
