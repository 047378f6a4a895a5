//! Who reads slowly, or not at all.

use crate::kit::{Demo, ID, Ladder, Reader};
use fathometer::api::stream::session::STILL_MAX;
use fathometer_edge::clock;
use futures_util::StreamExt;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

/// Everything there is, as fast as it goes.
async fn subscribe_to_all(reader: &mut Reader) {
    for (id, kind) in [(1u64, "book"), (2, "metrics"), (3, "relief")] {
        let mut wish = json!({ "op": "subscribe", "id": id, "kind": kind, "instruments": "*", "rate_hz": 20 });
        if kind == "book" {
            wish["depth"] = json!(200);
        }
        reader.say(&wish).await;
    }
}

#[test]
fn who_stands_still_changes_nothing_for_others_and_is_cut_off() {
    let demo = Demo::start();
    let counts = || {
        let counts = &demo.state().streams.counts;
        let (conflated, cut) = (counts.conflated.load(Ordering::Relaxed), counts.cut.load(Ordering::Relaxed));
        (counts.connected.load(Ordering::Relaxed), conflated, cut)
    };
    demo.runtime.block_on(async {
        let small = Some(4_096);
        let mut still = Reader::open_with(demo.address, "/api/v1/stream", small).await;
        subscribe_to_all(&mut still).await;
        let mut trickle = Reader::open_with(demo.address, "/api/v1/stream", small).await;
        subscribe_to_all(&mut trickle).await;
        let mut paused = Reader::open_with(demo.address, "/api/v1/stream", small).await;
        subscribe_to_all(&mut paused).await;
        let trickling = tokio::spawn(async move {
            let mut byte = [0];
            while matches!(trickle.socket.get_mut().read(&mut byte).await, Ok(1)) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });

        // Meanwhile one who reads: every update, in time.
        let mut reader = Reader::greeted(demo.address, "").await;
        reader.subscribe(1, "book", json!({ "rate_hz": 20 })).await;
        let (mut ladder, began, mut delays) = (Ladder::default(), Instant::now(), Vec::new());
        let limit = STILL_MAX * 6;
        while counts().2 < 2 || began.elapsed() < Duration::from_secs(5) {
            assert!(began.elapsed() < limit, "nobody was cut off: {:?}", counts());
            let told = reader.text().await;
            assert!(told["type"] == "update", "{told}");
            ladder.take(&told);
            delays.push(clock::now().0 as f64 / 1e6 - told["at_ms"].as_f64().unwrap());
        }
        assert!(began.elapsed() >= STILL_MAX, "cut off after {:?}", began.elapsed());
        delays.sort_by(f64::total_cmp);
        let (median, most) = (delays[delays.len() / 2], delays[delays.len() * 99 / 100]);
        eprintln!(
            "{} updates while three others stand still: at most {most:.1} ms old, median {median:.1} ms",
            delays.len()
        );
        assert!(delays.len() as f64 > began.elapsed().as_secs_f64() * 5.0, "{} updates", delays.len());
        assert!(most < 1_000.0, "{most}");

        // What the third one finds when it comes back late is either the end, or snapshots that lead on.
        let (conflated, _) = (counts().1, counts().2);
        let mut ends = 0;
        while let Ok(Some(next)) = tokio::time::timeout(Duration::from_secs(5), paused.socket.next()).await {
            match next {
                Ok(_) if ends < 100_000 => ends += 1,
                _ => break,
            }
        }
        drop((still, paused));
        trickling.abort();
        eprintln!("{conflated} updates conflated, {ends} messages read after standing still");
        let began = Instant::now();
        while counts().0 > 1 {
            assert!(began.elapsed() < limit, "{} readers are left", counts().0);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    demo.end();
}

#[test]
fn who_falls_behind_gets_snapshots_instead_of_holes() {
    let demo = Demo::start();
    demo.runtime.block_on(async {
        let mut slow = Reader::open_with(demo.address, "/api/v1/stream", Some(4_096)).await;
        let hello = slow.text().await;
        assert_eq!(hello["limits"]["depth_max"], 200);
        subscribe_to_all(&mut slow).await;
        tokio::time::sleep(STILL_MAX - Duration::from_secs(1)).await;
        // The same topic, read in time, from now on.
        let mut reader = Reader::greeted(demo.address, "").await;
        reader.subscribe(1, "book", json!({ "rate_hz": 20, "depth": 200 })).await;
        let reading = tokio::spawn(async move {
            let (mut ladder, mut past) = (Ladder::default(), BTreeMap::new());
            let until = Instant::now() + Duration::from_secs(12);
            while Instant::now() < until {
                ladder.take(&reader.text().await);
                past.insert(ladder.sequence, ladder.clone());
            }
            past
        });
        let (mut ladder, mut late, mut skipped, mut begun) = (Ladder::default(), BTreeMap::new(), 0, false);
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            let told = slow.text().await;
            if told["type"] == "conflated" {
                skipped += told["skipped"].as_u64().unwrap();
            }
            if told["kind"] == "book" && told["type"] == "update" && told["instrument"] == ID {
                begun |= told["snapshot"] == true;
                assert!(begun);
                ladder.take(&told); // which holds it to having no hole
                late.insert(ladder.sequence, ladder.clone());
            }
        }
        let past = reading.await.unwrap();
        let same: Vec<_> = late.iter().filter(|(sequence, _)| past.contains_key(sequence)).collect();
        for (sequence, ladder) in &same {
            assert_eq!(past.get(sequence), Some(*ladder));
        }
        eprintln!("{skipped} updates conflated, {} ladders compared after it", same.len());
        assert!(skipped > 0 && same.len() > 20, "{skipped} {}", same.len());
    });
    demo.end();
}
