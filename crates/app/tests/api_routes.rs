//! Every path of the API over a real socket, against a market of which every number is known.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/api.rs"]
mod api;

use api::{ALERT, KNOWN, Rig};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn close(value: &Value, expected: f64) {
    let number = value.as_f64().unwrap_or_else(|| panic!("{value} instead of {expected}"));
    assert!((number - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{number} instead of {expected}");
}

#[test]
fn every_described_path_answers() {
    let rig = Rig::new();
    let description = rig.json("/api/v1/openapi.json");
    let mut asked = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get").filter(|it| it["responses"]["200"].is_object()) else { continue };
        let mut query: Vec<String> = Vec::new();
        if path.contains("simulate") || path.ends_with("/cost") || path.ends_with("/route") {
            query = vec!["side=buy".into(), "size=1".into(), format!("instrument={KNOWN}")];
        }
        if path.ends_with("/evidence") {
            continue; // of alerts whose frames are kept
        }
        let filled = path
            .replace("{alert}", ALERT)
            .replace("{id}", KNOWN)
            .replace("{symbol}", KNOWN)
            .replace("{canonical}", "BTC-USDT");
        let filled = if query.is_empty() { filled } else { format!("{filled}?{}", query.join("&")) };
        let answer = rig.get(&filled);
        let kinds = keys(&operation["responses"]["200"]["content"]).join(" ");
        assert_eq!(answer.status, 200, "{filled}: {answer:?}");
        let kind = answer.header("content-type").unwrap().split(';').next().unwrap();
        assert!(kinds.contains(kind), "{filled}: {kind} is none of {kinds}");
        if kind == "application/json" {
            assert!(answer.json().is_object(), "{filled}");
        }
        asked += 1;
    }
    assert!(asked >= 18, "{asked} paths");
}

#[test]
fn the_classic_paths_have_their_names_and_fields() {
    let rig = Rig::new();
    let health = rig.json("/health");
    for field in ["status", "uptime_seconds", "memory_mb", "connections", "symbols", "monitoring"] {
        assert!(!health[field].is_null(), "{field}: {health}");
    }
    assert_eq!(health["status"], "degraded", "two of three were never heard of");
    let monitoring = &health["monitoring"][KNOWN];
    assert_eq!(monitoring["validity"], "live");
    assert_eq!(monitoring["reconnect_count"], 0);
    close(&monitoring["latency_avg_ms"], monitoring["latency_avg_ms"].as_f64().unwrap().clamp(5.0, 6.0));
    assert!(monitoring["last_update_age_ms"].as_f64().unwrap() >= 29_000.0);
    let silent = &health["monitoring"]["binance:BTCUSDT"];
    assert!(silent["latency_avg_ms"].is_null() && silent["last_update_age_ms"].is_null(), "{silent}");

    let symbols = rig.json("/symbols");
    assert_eq!(symbols["symbols"], json!([KNOWN, "binance:BTCUSDT", "binance-usdm:BTCUSDT"]));
    assert_eq!(symbols["groups"]["BTC-USDT"], json!([KNOWN, "binance:BTCUSDT"]));
    let stats = rig.json("/stats");
    for field in ["uptime_seconds", "queues", "drops", "conflation", "burst_protection"] {
        assert!(!stats[field].is_null(), "{field}: {stats}");
    }
    assert!(stats["burst_protection"]["requests"].as_u64() >= Some(3));

    let told = rig.json(&format!("/simulate/{KNOWN}?side=buy&size=60"));
    for field in [
        "symbol",
        "side",
        "order_size",
        "quantity_filled",
        "vwap",
        "best_price",
        "slippage",
        "slippage_bps",
        "levels_consumed",
        "fills",
        "fully_filled",
    ] {
        assert!(!told[field].is_null(), "{field}: {told}");
    }
    assert_eq!((&told["symbol"], &told["side"]), (&json!(KNOWN), &json!("buy")));
    assert_eq!((&told["order_size"], &told["quantity_filled"]), (&json!(60.0), &json!(60.0)));
    close(&told["vwap"], 6_070.0 / 60.0);
    close(&told["best_price"], 101.0);
    close(&told["slippage"], 10.0 / 60.0);
    close(&told["slippage_bps"], 10.0 / 60.0 / 101.0 * 1e4);
    assert_eq!((&told["levels_consumed"], &told["fully_filled"]), (&json!(2), &json!(true)));
    let expected = json!([
        { "price": 101.0, "qty": 50.0, "cumulative_qty": 50.0, "cumulative_cost": 5050.0 },
        { "price": 102.0, "qty": 10.0, "cumulative_qty": 60.0, "cumulative_cost": 6070.0 },
    ]);
    assert_eq!(told["fills"], expected);
}

#[test]
fn orders_that_cannot_be_filled_tell_why() {
    let rig = Rig::new();
    let simulate = |query: &str| rig.get(&format!("/api/v1/simulate?{query}"));
    let told = simulate(&format!("instrument={KNOWN}&side=sell&size=2000")).json();
    assert_eq!((&told["quantity_filled"], &told["fully_filled"]), (&json!(1100.0), &json!(false)));
    assert_eq!(told["reasons"]["fully_filled"], "not_fillable");
    let told = simulate(&format!("instrument={KNOWN}&side=buy&notional=10000")).json();
    close(&told["slippage_mid_bps"], (10_000.0 / (50.0 + 4_950.0 / 102.0) - 100.0) * 100.0);
    assert!(told["order_size"].is_null());
    let told = simulate("instrument=binance:BTCUSDT&side=buy&contracts=1").json();
    assert_eq!((&told["vwap"], &told["validity"]), (&Value::Null, &json!("empty")));
    assert_eq!(told["reasons"]["vwap"], "book_invalid");
    for wrong in [
        "side=buy",
        "side=hold&size=1",
        "side=buy&size=0",
        "side=buy&size=-1",
        "side=buy&size=NaN",
        "side=buy&size=1e99",
        "side=buy&size=1&notional=1",
        "side=buy&size=",
        "side=buy&size=0x10",
        "size=1",
    ] {
        let answer = simulate(&format!("instrument={KNOWN}&{wrong}"));
        assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed"), "{wrong}");
    }
    assert_eq!(simulate("side=buy&size=1").status, 400);
}

#[test]
fn the_cost_of_an_order_is_told_with_its_reasons() {
    let rig = Rig::new();
    let cost = |query: &str| rig.get(&format!("/api/v1/cost?instrument={KNOWN}&{query}"));
    let market = "volatility_annual_pct=57.314920&daily_volume=6000"; // 3 % a day
    let told = cost(&format!("side=buy&size=60&{market}&horizon_seconds=86400&slices=10&risk_aversion=0")).json();
    close(&told["slippage_mid"], 10.0 / 60.0 + 1.0);
    close(&told["fee"], 6.07);
    close(&told["net_cost"], 76.07);
    close(&told["net_cost_bps"], 76.07 / 6_000.0 * 1e4);
    let near = |field: &str, expected: f64| {
        assert!((told[field].as_f64().unwrap() - expected).abs() < 1e-4, "{field}: {told}")
    };
    near("impact_root_bps", 20.0);
    near("impact_permanent_bps", 0.942);
    near("schedule_cost_bps", 0.471 - 0.0471 + 110.0 + 0.142 * 300.0 * 0.01f64.powf(0.6));
    assert_eq!(told["schedule"]["trajectory"].as_array().unwrap().len(), 11);
    assert_eq!(told["schedule"]["frontier"].as_array().unwrap().len(), 24);
    let told = cost("side=buy&size=60&limit=101&fee_tier=vip5").json();
    assert_eq!(
        (&told["quantity_rests"], &told["taker_fee_bps"], &told["maker_fee_bps"]),
        (&json!(10.0), &json!(3.0), &json!(0.0))
    );
    assert!(told["schedule"].is_null() && told["reasons"]["schedule"].is_string(), "{told}");
    let told = cost("side=sell&size=2000").json();
    assert_eq!((&told["net_cost"], &told["reasons"]["net_cost"]), (&Value::Null, &json!("not_fillable")));
    for wrong in [
        "",
        "horizon_seconds=-1",
        "horizon_seconds=NaN",
        "slices=0",
        "risk_aversion=-1",
        "risk_aversion=inf",
        "fills=1001",
    ] {
        let query = if wrong.is_empty() { "side=buy".to_owned() } else { format!("side=buy&size=1&{wrong}") };
        assert_eq!((cost(&query).status, cost(&query).problem().as_str()), (400, "malformed"), "{wrong}");
    }
    let answer = cost("side=buy&size=1&fee_tier=platinum").json();
    assert_eq!(answer["candidates"][0], "regular");
    let fills = cost("side=buy&size=60&fills=5").json()["fills"].clone();
    assert_eq!(
        (&fills[0]["price"], &fills[1]["qty"], fills.as_array().unwrap().len()),
        (&json!(101.0), &json!(10.0), 2)
    );
    let fees = rig.json(&format!("/api/v1/instruments/{KNOWN}/fees"));
    assert_eq!((&fees["product"], &fees["tier"]), (&json!("okx-spot"), &json!("regular")));
    assert_eq!(fees["tiers"][0], json!({ "name": "regular", "maker_bps": 8.0, "taker_bps": 10.0 }));
}

#[test]
fn a_book_is_exact_to_the_depth_or_band_that_is_asked_for() {
    let rig = Rig::new();
    let book = rig.json(&format!("/api/v1/instruments/{KNOWN}/book"));
    let (bids, asks) = (json!([["99.0", "1000"], ["90.0", "100"]]), json!([["101.0", "50"], ["102.0", "1000"]]));
    let plain = |levels: &Value| -> Vec<[f64; 2]> {
        let number = |text: &Value| text.as_str().unwrap().parse::<f64>().unwrap();
        levels.as_array().unwrap().iter().map(|level| [number(&level[0]), number(&level[1])]).collect()
    };
    assert_eq!((plain(&book["bids"]), plain(&book["asks"])), (plain(&bids), plain(&asks)));
    assert_eq!((&book["id"], &book["validity"], &book["sequence"]), (&json!(KNOWN), &json!("live"), &json!(7)));
    assert_eq!(book["complete"], true);
    let age = book["age_ms"].as_f64().unwrap();
    assert!((29_000.0..60_000.0).contains(&age), "{age}");
    assert!(book["at"].as_str().unwrap().ends_with('Z') && book["at_ms"].as_f64().unwrap() > 1.6e12);
    // 100 bps around 100 reach to 99 and 101.
    let band = rig.json(&format!("/api/v1/instruments/{KNOWN}/book?band_bps=100"));
    assert_eq!((plain(&band["bids"]).len(), plain(&band["asks"]).len()), (1, 1));
    let one = rig.json(&format!("/api/v1/instruments/{KNOWN}/book?depth=1"));
    assert_eq!((plain(&one["bids"]), plain(&one["asks"])), (vec![[99.0, 1000.0]], vec![[101.0, 50.0]]));
    let silent = rig.json("/api/v1/instruments/binance:BTCUSDT/book");
    assert_eq!(
        (&silent["validity"], &silent["complete"], &silent["at"]),
        (&json!("empty"), &json!(false), &Value::Null)
    );
    for wrong in ["depth=0", "depth=5001", "depth=-1", "depth=x", "band_bps=-1", "band_bps=10001", "band_bps=NaN"] {
        let answer = rig.get(&format!("/api/v1/instruments/{KNOWN}/book?{wrong}"));
        assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed"), "{wrong}");
    }
}

#[test]
fn every_number_is_there_or_says_why_not() {
    let rig = Rig::new();
    let told = rig.json(&format!("/api/v1/instruments/{KNOWN}/metrics"));
    close(&told["values"]["mid"], 100.0);
    close(&told["values"]["spread_bps"], 200.0);
    assert_eq!((&told["values"]["basis_spot_bps"], told["reasons"]["mid"].is_null()), (&Value::Null, true));
    for (name, value) in told["values"].as_object().unwrap() {
        assert_eq!(value.is_null(), told["reasons"][name].is_string(), "{name}");
    }
    let catalogue = rig.json("/api/v1/catalogue");
    let columns = catalogue["columns"].as_array().unwrap();
    assert_eq!(columns.len(), told["values"].as_object().unwrap().len());
    let words: BTreeSet<&str> =
        catalogue["reasons"].as_array().unwrap().iter().map(|word| word["id"].as_str().unwrap()).collect();
    assert!(told["reasons"].as_object().unwrap().values().all(|reason| words.contains(reason.as_str().unwrap())));
    assert_eq!(catalogue["reasons"][0]["id"], "present");
    for (index, word) in catalogue["validities"].as_array().unwrap().iter().enumerate() {
        assert_eq!(word["index"], index);
    }
    let silent = rig.json("/api/v1/instruments/binance:BTCUSDT/metrics");
    assert!(silent["values"].as_object().unwrap().values().all(Value::is_null), "{silent}");
}

#[test]
fn the_past_is_told_by_column_and_time() {
    let rig = Rig::new();
    let path = format!("/api/v1/instruments/{KNOWN}/metrics/history");
    let all = rig.json(&format!("{path}?columns=mid,spread_bps,basis_spot_bps"));
    let times: Vec<f64> = all["at_ms"].as_array().unwrap().iter().map(|at| at.as_f64().unwrap()).collect();
    assert!((28..=31).contains(&times.len()) && times.is_sorted(), "{times:?}");
    for column in ["mid", "spread_bps", "basis_spot_bps"] {
        assert_eq!(all["values"][column].as_array().unwrap().len(), times.len());
    }
    let text = rig.get(&format!("{path}?columns=mid")).text();
    assert_eq!(text.matches("\"at_ms\"").count(), 1, "no name stands twice: {text}");
    assert_eq!(all["values"]["mid"][20], 100.0);
    assert!(all["reasons"]["basis_spot_bps"]["0"].is_string(), "{}", all["reasons"]);
    let some = rig.json(&format!("{path}?from_ms={}&to_ms={}", times[5], times[9]));
    assert_eq!((some["at_ms"].as_array().unwrap().len(), &some["columns"]), (5, &json!(["mid"])));
    let coarse = rig.json(&format!("{path}?resolution=10s"));
    assert!((3..=4).contains(&coarse["at_ms"].as_array().unwrap().len()));
    assert_eq!(coarse["resolution_ms"], 10_000);
    assert_eq!(rig.get(&format!("{path}?resolution=1m")).problem(), "malformed");
    let unknown = rig.get(&format!("{path}?columns=mid,spred_bps"));
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "unknown-column"));
    assert_eq!(unknown.json()["candidates"][0], "spread_bps");
    assert_eq!(rig.json(&format!("{path}?from_ms=1e300&to_ms=-1e300"))["at_ms"], json!([]));
}

#[test]
fn trades_and_what_was_traded_at_which_price() {
    let rig = Rig::new();
    let told = rig.json(&format!("/api/v1/instruments/{KNOWN}/trades"));
    let trades = told["trades"].as_array().unwrap();
    assert_eq!((trades.len(), &told["seen"]), (2, &json!(2)));
    assert_eq!((&trades[0]["side"], &trades[1]["side"]), (&json!("buy"), &json!("sell")));
    let number = |text: &Value| text.as_str().unwrap().parse::<f64>().unwrap();
    assert_eq!((number(&trades[0]["price"]), number(&trades[0]["size"])), (101.0, 3.5));
    assert_eq!(rig.json(&format!("/api/v1/instruments/{KNOWN}/trades?limit=1"))["trades"][0], trades[1]);
    let profile = rig.json(&format!("/api/v1/instruments/{KNOWN}/profile"));
    let sum = |rows: &Value, side: &str| rows.as_array().unwrap().iter().map(|row| number(&row[side])).sum::<f64>();
    assert_eq!((sum(&profile["session"], "buy"), sum(&profile["rolling"], "sell")), (3.5, 1.0));
    assert_eq!(profile["rolling_seconds"], 180);
}

#[test]
fn past_columns_of_the_heatmap_are_frames_one_after_another() {
    let rig = Rig::new();
    let decimals = rig.json(&format!("/api/v1/instruments/{KNOWN}"))["price_decimals"].as_u64().unwrap();
    let unit = 10_i64.pow(decimals as u32);
    let answer = rig.get(&format!("/api/v1/instruments/{KNOWN}/relief"));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    let (mut rest, mut times) = (&answer.body[..], Vec::new());
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        let frame = &rest[4..4 + length];
        assert_eq!((frame[0], frame[1], frame[3]), (1, 4, 0), "version, kind and validity");
        let word = |at: usize| i64::from_le_bytes(frame[at..at + 8].try_into().unwrap());
        let rows = u32::from_le_bytes(frame[56..60].try_into().unwrap()) as usize;
        assert_eq!(length, 24 + 40 + rows * 4);
        assert_eq!((word(40), word(48)), (99 * unit, 101 * unit), "best bid and ask in units");
        times.push(word(16));
        rest = &rest[4 + length..];
    }
    assert!((28..=31).contains(&times.len()) && times.is_sorted(), "{times:?}");
    let ms = times[3] as f64 / 1e6;
    let one = rig.get(&format!("/api/v1/instruments/{KNOWN}/relief?from_ms={ms}&to_ms={ms}"));
    assert!(one.body.len() < answer.body.len() / 20 && !one.body.is_empty(), "{}", one.body.len());
    assert!(rig.get("/api/v1/instruments/binance:BTCUSDT/relief").body.is_empty());
}

#[test]
fn books_of_one_group_are_one_book_and_who_is_left_out_is_named() {
    let rig = Rig::new();
    let groups = rig.json("/api/v1/groups");
    assert_eq!(groups["groups"][0], json!({ "canonical": "BTC-USDT", "instruments": [KNOWN, "binance:BTCUSDT"] }));
    let book = rig.json("/api/v1/groups/btc-usdt/book?depth=1");
    assert_eq!(book["asks"], json!([{ "price": "101", "size": "50", "parts": [{ "id": KNOWN, "size": "50" }] }]));
    assert_eq!(book["left_out"], json!([{ "id": "binance:BTCUSDT", "reason": "empty" }]));
    assert_eq!((&book["validity"], &book["complete"]), (&json!("live"), &json!(false)));
    assert_eq!(rig.get("/api/v1/groups/btc-usd/book").problem(), "unknown-group");
    let split = rig.json("/api/v1/groups/btc-usdt/route?side=buy&size=60");
    assert_eq!((&split["parts"][0]["id"], &split["parts"][0]["quantity"]), (&json!(KNOWN), &json!(60.0)));
    close(&split["total"], 6_070.0 * 1.001);
    assert_eq!((&split["saved"], &split["quantity_unfilled"]), (&json!(0.0), &json!(0.0)));
    assert_eq!((&split["parts"][1]["alone"], &split["parts"][1]["reason"]), (&Value::Null, &json!("book_invalid")));
    let split = rig.json("/api/v1/groups/btc-usdt/route?side=buy&size=60&fee_tier=platinum");
    assert_eq!(
        (split["left_out"].as_array().unwrap().len(), &split["left_out"][0]["reason"]),
        (2, &json!("fee_unknown"))
    );
    assert_eq!((&split["quantity_unfilled"], &split["reasons"]["saved"]), (&json!(60.0), &json!("no_data")));
}

#[test]
fn a_name_is_resolved_or_refused_with_what_could_be_meant() {
    let rig = Rig::new();
    for name in [KNOWN, "btc-usdt", "OKX:BTC-USDT"] {
        let answer = rig.get(&format!("/api/v1/instruments/{name}"));
        if name == "btc-usdt" {
            assert_eq!((answer.status, answer.problem().as_str()), (409, "ambiguous-instrument"), "two venues have it");
        } else {
            assert_eq!(answer.json()["id"], KNOWN);
        }
    }
    let ambiguous = rig.get("/api/v1/instruments/btcusdt");
    assert_eq!(ambiguous.problem(), "ambiguous-instrument");
    assert_eq!(ambiguous.json()["candidates"], json!(["binance:BTCUSDT", "binance-usdm:BTCUSDT"]));
    let unknown = rig.get("/api/v1/instruments/okx:BTC-USDR/metrics");
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "unknown-instrument"));
    assert_eq!(unknown.json()["candidates"][0], KNOWN);
    let replay = rig.get("/api/v1/instruments?source=replay");
    assert_eq!((replay.status, replay.problem().as_str()), (409, "no-replay"));
    assert_eq!(rig.get("/api/v1/instruments?source=tape").problem(), "malformed");
}

#[test]
fn long_answers_are_compressed_for_those_who_can_read_it() {
    let rig = Rig::new();
    let plain = rig.get("/api/v1/catalogue");
    assert_eq!(plain.header("content-encoding"), None);
    let packed = rig.ask("GET", "/api/v1/catalogue", &[("Accept-Encoding", "gzip")], b"");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() * 3 < plain.body.len(), "{} of {}", packed.body.len(), plain.body.len());
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain.body);
    let short = rig.ask("GET", "/api/v1/alerts", &[("Accept-Encoding", "gzip")], b"");
    assert_eq!(short.header("content-encoding"), None);
}

#[test]
fn the_description_hangs_together() {
    let rig = Rig::new();
    let description = rig.json("/api/v1/openapi.json");
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let schemas: BTreeSet<&str> = keys(&description["components"]["schemas"]).into_iter().collect();
    let text = description.to_string();
    for part in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains(name), "{name} is nowhere described");
    }
    let mut names = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} stands twice");
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 10), "{method} {path}");
            assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object());
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].is_string(), "{path}: {parameter}");
            }
        }
    }
}

#[test]
fn the_page_of_the_description_needs_no_outside_host_and_explains_every_refusal() {
    let rig = Rig::new();
    let page = rig.get("/api/v1/docs");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let text = page.text();
    for word in ["http://", "https://", "onclick", "<style", "style=\""] {
        assert!(!text.contains(word), "{word}");
    }
    for file in ["/api/v1/docs.js", "/api/v1/docs.css"] {
        assert!(text.contains(file));
        let text = rig.get(file).text();
        assert!(text.len() > 500 && !text.contains("://"), "{file}");
    }
    let kinds = kinds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(kinds.len() >= 15, "{kinds:?}");
    for kind in kinds {
        assert!(text.contains(&format!("id=\"{kind}\"")), "{kind} is not explained");
    }
}

/// Every kind of problem that stands in the sources.
fn kinds(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(kinds(&path));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for call in text.split("Problem::new(").skip(1) {
            let mut parts = call.split('"');
            let (before, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            if before.len() < 100 && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
                found.insert(kind.to_owned());
            }
        }
    }
    found
}

#[test]
fn when_the_run_has_ended_what_needs_the_engine_says_so() {
    let rig = Rig::new();
    rig.state.questions.end();
    let answer = rig.get(&format!("/api/v1/instruments/{KNOWN}/book"));
    assert_eq!((answer.status, answer.problem().as_str()), (503, "busy"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(rig.get("/health").status, 200);
}
