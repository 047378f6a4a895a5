//! Folders, environment and flags, read through one `check`.

use super::*;

fn load(files: &[(&str, &str)], environment: &[(&str, &str)], flags: &[&str]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let sources = Sources {
        folder: (!files.is_empty()).then(|| folder.path().to_owned()),
        environment: environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
    };
    let prefix = format!("{}/", folder.path().display());
    Config::load(sources).map_err(|failure| failure.text.replace(&prefix, ""))
}

/// Every one of `expected` stands in the message.
fn check(files: &[(&str, &str)], expected: &[&str]) {
    let text = load(files, &[], &[]).unwrap_err();
    for part in expected {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn zero_configuration_watches_bitcoin_and_ether_on_both_exchanges() {
    let config = load(&[], &[], &[]).unwrap();
    assert_eq!(config.watched().len(), 8);
    assert!(config.watched().contains(&(Venue::BinanceUsdm, "ETHUSDT".into())));
    assert_eq!(config.venue(Venue::Binance).unwrap().endpoints.ws, "wss://stream.binance.com:9443");
    assert_eq!(config.venue(Venue::Okx).unwrap().endpoints.rest, "https://www.okx.com");
    assert_eq!(config.venues.len(), Venue::ALL.len());
    assert_eq!(config.venue(Venue::Okx).unwrap().connection, exchanges::Connection::default());
    assert_eq!(config.features, features::Features::default(), "features.yaml holds the defaults");
    assert!(config.warnings.is_empty());
}

#[test]
fn a_folder_of_another_system_works_with_a_warning_for_partial_depth() {
    let exchanges = "binance:\n  enabled: true\n  websocket:\n    futures: wss://fstream.binance.com/ws\n    spot: wss://stream.binance.com:9443/ws\n  connection:\n    rate_limit_per_second: 10\n    reconnect_delay_seconds: 5\n    max_reconnect_attempts: 10\nokx:\n  enabled: true\n  websocket:\n    futures: wss://ws.okx.com:8443/ws/v5/public\n    spot: wss://ws.okx.com:8443/ws/v5/public\n";
    let instruments = "instruments:\n  - id: BTC-USDT-PERP\n    name: \"BTC/USDT Perpetual\"\n    type: perpetual\n    base: BTC\n    quote: USDT\n    enabled: true\n    exchange_symbols:\n      binance: {symbol: BTCUSDT, stream: btcusdt@depth20@100ms}\n      okx: {symbol: BTC-USDT-SWAP}\n";
    let alerts = "thresholds:\n  BTC-USDT-PERP:\n    spread_warning: {threshold: 3.0, zscore: 2.0}\n    depth_critical: {threshold: 200000}\n";
    let features = "zscore: {enabled: true, window_size: 300, min_samples: 30, reset_on_gap: true}\n";
    let files = [
        ("exchanges.yaml", exchanges),
        ("instruments.yaml", instruments),
        ("alerts.yaml", alerts),
        ("features.yaml", features),
    ];
    let config = load(&files, &[], &[]).unwrap();
    assert_eq!(config.watched(), [(Venue::BinanceUsdm, "BTCUSDT".into()), (Venue::Okx, "BTC-USDT-SWAP".into())]);
    let usdm = config.venue(Venue::BinanceUsdm).unwrap();
    assert_eq!(usdm.endpoints.ws, "wss://fstream.binance.com");
    assert_eq!((usdm.connection.backoff_seconds_min, usdm.connection.reconnect_attempts_max), (5.0, 10));
    assert_eq!(config.venue(Venue::Okx).unwrap().endpoints.ws, "wss://ws.okx.com:8443/ws/v5");
    assert_eq!(config.thresholds[0].rules[1].threshold, 200_000.0);
    assert_eq!(config.warnings.len(), 1);
    let warning = config.warnings[0].to_string();
    assert!(warning.contains("instruments.yaml:9: ") && warning.contains("the full book is used"), "{warning}");
}

#[test]
fn all_errors_are_told_at_once_with_file_line_and_nearest_key() {
    check(
        &[
            ("exchanges.yaml", "binance:\n  enabeld: true\n  websocket:\n    spot: stream.binance.com\nkraken: {}\n"),
            (
                "instruments.yaml",
                "instruments:\n  - id: BTC-USDT\n    type: perp\n    base: BTC\n    quote: USDT\n    exchange_symbols:\n      binanse: {symbol: BTCUSDT}\n",
            ),
            (
                "alerts.yaml",
                "thresholds:\n  BTC-USD:\n    spread_warning: {threshold: 3}\n  BTC-USDT:\n    spread_warnin: {threshold: 3}\n    depth_warning: {}\n",
            ),
            (
                "features.yaml",
                "zscore:\n  window_size: many\n  enabled: yes\nmetrics:\n  band_bps: [1]\n  imbalance_levels: [5, -1]\n",
            ),
        ],
        &[
            "has 12 errors",
            "exchanges.yaml:2: unknown key `enabeld` in `binance`; did you mean `enabled`?",
            "exchanges.yaml:4: `binance.websocket.spot` wants an address that begins with wss:// or ws://, not `stream.binance.com`",
            "exchanges.yaml:5: unknown exchange `kraken`; valid here: binance, okx",
            "instruments.yaml:3: `instruments[0].type` cannot be `perp`",
            "instruments.yaml:7: unknown exchange `binanse`; did you mean `binance`?",
            "alerts.yaml:2: thresholds for `BTC-USD`, which is no instrument of instruments.yaml; did you mean `BTC-USDT`?",
            "alerts.yaml:5: unknown key `spread_warnin` in `thresholds.BTC-USDT`; did you mean `spread_warning`?",
            "alerts.yaml:6: `thresholds.BTC-USDT.depth_warning.threshold` is missing",
            "features.yaml:2: `zscore.window_size` wants a whole number from 2 to 100000, not `many`",
            "features.yaml:3: `zscore.enabled` wants true or false, not `yes`",
            "features.yaml:5: unknown key `band_bps` in `metrics`; did you mean `bands_bps`?",
            "features.yaml:6: `metrics.imbalance_levels` wants a list of numbers above 0",
        ],
    );
}

#[test]
fn a_file_that_is_not_yaml_hides_no_other_error() {
    check(
        &[("instruments.yaml", "instruments:\n  - id: [\n"), ("features.yaml", "zscor: {}\n")],
        &[
            "has 2 errors",
            "instruments.yaml:",
            "not valid YAML",
            "features.yaml:1: unknown key `zscor`; did you mean `zscore`?",
        ],
    );
}

#[test]
fn the_environment_wins_over_files_and_flags_win_over_both() {
    let files = [("features.yaml", "zscore: {window_size: 100}\n")];
    let environment = [
        ("FATHOMETER__FEATURES__ZSCORE__WINDOW_SIZE", "200"),
        ("FATHOMETER__FEATURES__METRICS__BANDS_BPS", "[2, 20]"),
        ("FATHOMETER__EXCHANGES__OKX__ENABLED", "false"),
        ("FATHOMETER__INSTRUMENTS__ETH_USDT__ENABLED", "false"),
        ("FATHOMETER__ALERTS__THRESHOLDS__BTC_USDT_PERP__SPREAD_WARNING__THRESHOLD", "4"),
        ("PATH", "/bin"),
    ];
    let config =
        load(&files, &environment, &["features.zscore.window_size=400", "exchanges.binance.redundant=true"]).unwrap();
    assert_eq!(config.features.zscore.window_size, 400);
    assert_eq!(config.features.metrics.bands_bps, [2.0, 20.0]);
    assert_eq!(config.watched().len(), 3, "no OKX, no ETH-USDT");
    assert_eq!(config.thresholds[0].rules[0].threshold, 4.0);
    assert!(config.venue(Venue::BinanceCoinm).unwrap().connection.redundant);
}

#[test]
fn a_wrong_override_is_told_by_its_name() {
    let text =
        load(&[], &[("FATHOMETER__FEATURES__ZSCORE__WINDOW", "5")], &["exchange.okx.enabled=false", "features.zscore"])
            .unwrap_err();
    for part in [
        "environment variable FATHOMETER__FEATURES__ZSCORE__WINDOW: unknown key `window` in `zscore`",
        "--set exchange.okx.enabled=false: begins with `exchange`, which is no file of the configuration; did you mean `exchanges`?",
        "--set features.zscore: has no value",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn thresholds_that_came_with_the_program_do_not_bind_a_folder() {
    let instruments =
        "instruments:\n  - {id: SOL-USDT, type: spot, base: SOL, quote: USDT, exchange_symbols: {okx: SOL-USDT}}\n";
    let config = load(&[("instruments.yaml", instruments)], &[], &[]).unwrap();
    assert_eq!((config.watched().len(), config.thresholds.len()), (1, 0));
}

#[test]
fn a_folder_that_cannot_be_read_is_told() {
    let sources = Sources { folder: Some("/nonexistent/config".into()), ..Sources::default() };
    assert!(
        Config::load(sources).unwrap_err().text.contains("cannot read the configuration folder /nonexistent/config")
    );
}

#[test]
fn fees_are_those_of_the_tier_and_every_one_can_be_set() {
    use fathometer_engine::cost::fees;
    let rates = |config: &Config, venue, symbol, tier| {
        let table = fees::table(&config.fees, &fathometer_engine::venue::infer(venue, symbol)).unwrap();
        table.rates(tier).map(|rates| (rates.maker_bps, rates.taker_bps))
    };
    let built_in = load(&[], &[], &[]).unwrap();
    assert_eq!(built_in.fees.len(), 6);
    assert_eq!(rates(&built_in, Venue::Binance, "BTCUSDT", None), Some((10.0, 10.0)));
    assert_eq!(rates(&built_in, Venue::Okx, "BTC-USDT-SWAP", Some("vip8")), Some((-0.5, 2.0)));
    for table in &built_in.fees {
        // A higher tier never pays more, and takers never less than makers.
        for pair in table.tiers.windows(2) {
            let [low, high] = [pair[0].rates, pair[1].rates];
            assert!(high.maker_bps <= low.maker_bps && high.taker_bps <= low.taker_bps, "{:?}", table.product);
        }
        assert!(table.tiers.iter().all(|tier| tier.rates.maker_bps <= tier.rates.taker_bps), "{:?}", table.product);
    }
    let own = "binance-spot: {tier: mine, discount: true, tiers: {mine: {maker_bps: 0, taker_bps: 2}}}\n";
    let config = load(&[("fees.yaml", own)], &[], &["fees.okx-swap.tiers.vip8.maker_bps=-1"]).unwrap();
    assert_eq!(rates(&config, Venue::Binance, "BTCUSDT", None), Some((0.0, 1.5)));
    assert_eq!(rates(&config, Venue::Okx, "BTC-USDT-SWAP", Some("vip8")), Some((-1.0, 2.0)));
}

#[test]
fn wrong_fees_are_told() {
    let fees = "okx-spto: {}\nokx-spot:\n  tier: vpi3\n  discont: true\n  discount_pct: 120\n  tiers:\n    vip1: {maker_bps: x}\n    mine: {maker: 1}\n";
    check(
        &[("fees.yaml", fees)],
        &[
            "fees.yaml:1: unknown key `okx-spto`; did you mean `okx-spot`?",
            "fees.yaml:3: `okx-spot.tier` is no tier of `okx-spot`: `vpi3`; did you mean `vip3`?",
            "fees.yaml:4: unknown key `discont` in `okx-spot`; did you mean `discount`?",
            "fees.yaml:5: `okx-spot.discount_pct` wants a number from 0 to 100, not `120`",
            "fees.yaml:7: `okx-spot.tiers.vip1.maker_bps` wants a number from -1000 to 1000, not `x`",
            "fees.yaml:8: `okx-spot.tiers.mine.maker_bps` is missing",
            "fees.yaml:8: unknown key `maker` in `okx-spot.tiers.mine`",
        ],
    );
}

#[test]
fn those_who_are_told_have_their_secrets_elsewhere() {
    let good = "delivery:\n  ops: {kind: webhook, url: \"https://ops.example.org/x\", secret_env: OPS, severity: critical}\n  me: {kind: telegram, token_file: /run/t, chat: \"-100\"}\n  log: {kind: log, severity: info}\n";
    let config = load(&[("alerts.yaml", good)], &[], &[]).unwrap();
    let told: Vec<_> = config.delivery.iter().map(|sink| (sink.name.as_str(), sink.kind, sink.severity)).collect();
    use delivery::SinkKind::{Log, Telegram, Webhook};
    use fathometer_engine::alert::Severity::{Critical, Info, Warning};
    assert_eq!(told, [("ops", Webhook, Critical), ("me", Telegram, Warning), ("log", Log, Info)]);
    assert_eq!(config.delivery[0].secret, Some(delivery::Value::Env("OPS".into())));
    assert_eq!(config.delivery[1].url, Some(delivery::Value::Plain("https://api.telegram.org".into())));
    check(
        &[(
            "alerts.yaml",
            "delivery:\n  a: {kind: slack, url: \"https://hooks.example.org/secret\"}\n  b: {kind: webhok}\n  c: {kind: pagerduty}\n  d: {kind: telegram, token_env: T}\n  e: {kind: webhook, url: ops, secret_env: S}\n",
        )],
        &[
            "alerts.yaml:2: unknown key `url` in `delivery.a`",
            "`delivery.a` has no address; set `url_env` or `url_file`",
            "`delivery.b.kind` cannot be `webhok`; did you mean `webhook`?",
            "`delivery.c` has no secret; set `key_env` or `key_file`",
            "`delivery.d.chat` is missing",
            "`delivery.e.url` wants an address",
        ],
    );
}

#[test]
fn thresholds_detectors_and_budget_reach_the_engine() {
    let flags = [
        "alerts.thresholds.BTC-USDT-PERP.spread_warning.threshold=2.5",
        "alerts.detectors.layering.levels=6",
        "alerts.detectors.iceberg.enabled=false",
        "alerts.alerts_per_day=20",
        "features.zscore.min_samples=40",
    ];
    let sources = Sources { flags: flags.map(str::to_owned).to_vec(), ..Sources::default() };
    let rules = Config::load(sources).unwrap().surveillance;
    let own = rules.of("BTC-USDT-PERP");
    let cut = own.spread.warning.unwrap();
    assert_eq!((cut.threshold, cut.zscore, own.spread.zscore.min_samples), (Some(2.5), 2.0, 40));
    assert_eq!(own.basis.critical.unwrap().persistence_seconds, 60.0);
    assert_eq!(rules.of("XRP-USDT").spread.warning.unwrap().threshold, None);
    assert_eq!((own.layering.levels, rules.usual.layering.levels), (6, 6));
    assert_eq!((rules.off, rules.alerts_per_day), (vec!["iceberg".to_owned()], Some(20.0)));
}

#[test]
fn unknown_detectors_and_keys_are_refused_with_the_nearest_name() {
    let refused = |flag: &str| {
        let sources = Sources { flags: vec![flag.to_owned()], ..Sources::default() };
        Config::load(sources).unwrap_err().to_string()
    };
    let text = refused("alerts.detectors.layring.levels=6");
    assert!(text.contains("no detector `layring`") && text.contains("layering"), "{text}");
    let text = refused("alerts.detectors.layering.level=6");
    assert!(text.contains("unknown key `level`") && text.contains("levels"), "{text}");
    let text = refused("alerts.detectors.layering.levels=-1");
    assert!(text.contains("detectors.layering.levels"), "{text}");
}
