//! Snapshot and changes are the book.

use crate::kit::{Demo, ID, Ladder, Reader};
use fathometer_edge::clock;
use fathometer_engine::output::Validity;
use fathometer_engine::units::Side;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

#[test]
fn snapshot_and_changes_are_the_book_at_every_sequence() {
    let demo = Demo::start();
    demo.runtime.block_on(async {
        let mut reader = Reader::greeted(demo.address, "").await;
        reader.subscribe(1, "book", json!({ "rate_hz": 20, "depth": 100 })).await;
        let (mut ladder, mut past) = (Ladder::default(), Vec::new());
        let (mut same_as_engine, mut same_as_snapshot) = (0, 0);
        for number in 0..80 {
            let told = reader.text().await;
            assert_eq!(
                (&told["kind"], &told["instrument"], &told["validity"]),
                (&json!("book"), &json!(ID), &json!("live"))
            );
            assert_eq!(told["snapshot"], number == 0, "{told}");
            ladder.take(&told);
            assert!(
                ladder.sides.iter().all(|side| (90..=100).contains(&side.len())),
                "{:?}",
                ladder.sides.each_ref().map(BTreeMap::len)
            );
            past.push(ladder.clone());
            if number % 8 == 7 {
                // The engine's own book, and a reader who has just come: both are at some sequence that was seen.
                let own = engine_ladder(&demo).await;
                let mut other = Reader::greeted(demo.address, "").await;
                other.subscribe(5, "book", json!({ "rate_hz": 20, "depth": 100 })).await;
                let mut fresh = Ladder::default();
                fresh.take(&other.text().await);
                while ladder.sequence < fresh.sequence || ladder.last_update_id < own.last_update_id {
                    ladder.take(&reader.text().await);
                    past.push(ladder.clone());
                }
                for seen in &past {
                    if seen.last_update_id == own.last_update_id {
                        assert_eq!(seen.sides, own.sides);
                        same_as_engine += 1;
                    }
                    if seen.sequence == fresh.sequence {
                        assert_eq!(seen, &fresh);
                        same_as_snapshot += 1;
                    }
                }
            }
        }
        assert!(same_as_engine >= 3 && same_as_snapshot >= 8, "{same_as_engine} {same_as_snapshot}");
    });
    demo.end();
}

async fn engine_ladder(demo: &Demo) -> Ladder {
    demo.state()
        .ask(|engine| {
            let id = engine.registry().all().iter().position(|info| info.id() == ID).unwrap();
            let id = fathometer_engine::instrument::InstrumentId(id as u32);
            let (book, scale) = (engine.book(id).unwrap(), engine.registry().get(id).scale);
            let text = |side| {
                let levels = book.levels(side).take(100);
                let text = |units, decimals| fathometer::api::stamp::decimal(units, decimals);
                levels.map(|l| (text(l.price.0, scale.price), text(l.size.0, scale.size))).collect()
            };
            let status = engine.status(id).unwrap();
            assert_eq!(status.validity, Validity::Live);
            Ladder { sequence: 0, last_update_id: status.last_update_id, sides: [text(Side::Bid), text(Side::Ask)] }
        })
        .await
        .unwrap()
}

#[test]
fn the_classic_push_has_its_fields_once_a_second() {
    let demo = Demo::start();
    demo.runtime.block_on(async {
        let mut reader = Reader::open(demo.address, "/ws/okx:BTC-USDT").await;
        let mut times = Vec::new();
        // The order flow's window has to fill first; until then its number is null, and why is said.
        let told = reader.text().await;
        assert_eq!(told["ofi"].is_null(), told["reasons"]["ofi"] == "warmup", "{told}");
        tokio::time::sleep(Duration::from_secs(11)).await;
        while reader.text().await["timestamp_ms"].as_f64().unwrap() < clock::now().0 as f64 / 1e6 - 500.0 {}
        for _ in 0..4 {
            let told = reader.text().await;
            let fields =
                ["mid_price", "spread", "imbalance", "ofi", "microprice", "total_bid_volume", "total_ask_volume"];
            for field in fields {
                assert!(told[field].is_number(), "{field}: {told}");
            }
            assert_eq!(told["symbol"], "BTC-USDT");
            assert!(told["bid_levels"].as_u64().unwrap() > 10 && told["ask_levels"].as_u64().unwrap() > 10, "{told}");
            assert!(told["timestamp"].as_str().unwrap().ends_with('Z'), "{told}");
            assert_eq!((&told["validity"], &told["reasons"]), (&json!("live"), &json!({})));
            times.push(told["timestamp_ms"].as_f64().unwrap());
        }
        for pair in times.windows(2).skip(1) {
            assert!((pair[1] - pair[0] - 1_000.0).abs() < 400.0, "{times:?}");
        }
    });
    demo.end();
}
