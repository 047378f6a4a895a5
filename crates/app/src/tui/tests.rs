//! What the screen looks like, at the smallest size and at a usual one; expectations are rewritten with UPDATE=1.

use super::*;
use crate::view::tests::busy;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn picture(width: u16, height: u16, screen: &Screen, view: &View) -> String {
    let health = Health {
        status: "degraded".into(),
        uptime_seconds: 753.0,
        memory_mb: Some(41.2),
        connections: 6,
        symbols: view.markets.len(),
        symbols_live: view.markets.len().saturating_sub(1),
        ..Health::default()
    };
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let picture = Picture { view, health: &health, screen, now: view.now, note: None };
    terminal.draw(|frame| draw(frame, &picture)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let row =
        |y| (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>().trim_end().to_owned() + "\n";
    (0..height).map(row).collect()
}

/// Compares with the file of that name.
fn check(name: &str, drawn: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui/expected").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, drawn).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(drawn == expected, "{name} looks different (UPDATE=1 takes it over):\n{drawn}");
}

#[test]
fn the_smallest_screen_shows_everything_that_matters() {
    let drawn = picture(80, 24, &Screen::default(), &busy());
    check("80x24.txt", &drawn);
    for part in [
        "DEMO seed 42",
        "12:04:07 UTC",
        "7/8 live",
        "41 MB",
        "binance-usdm:BTCUSDT",
        "gap",
        "61,602.015",
        "spread",
        "faults 1",
        "? help",
    ] {
        assert!(drawn.contains(part), "{part}");
    }
    assert!(!drawn.contains("NaN"));
}

#[test]
fn a_wide_screen_shows_the_metrics_beside() {
    check("160x50.txt", &picture(160, 50, &Screen::default(), &busy()));
}

#[test]
fn one_instrument_fills_the_screen_and_says_why_numbers_are_absent() {
    let screen = Screen { full: true, selected: "binance-usdm:BTCUSDT".into(), ..Screen::default() };
    let drawn = picture(80, 24, &screen, &busy());
    check("80x24-full.txt", &drawn);
    assert!(drawn.contains("– book not valid") && drawn.contains("updates were lost"));
}

#[test]
fn the_help_fits_the_smallest_screen() {
    let drawn = picture(80, 24, &Screen { help: true, ..Screen::default() }, &busy());
    check("80x24-help.txt", &drawn);
    assert!(drawn.contains("asks orange"));
}

#[test]
fn nothing_to_show_is_said() {
    let drawn = picture(80, 24, &Screen::default(), &View::default());
    assert!(drawn.contains("No instrument yet: waiting for the first connection.") && drawn.contains("faults none"));
    let drawn = picture(80, 24, &Screen { filter: "doge".into(), ..Screen::default() }, &busy());
    assert!(drawn.contains("No instrument has that in its name"));
}

#[test]
fn rows_are_ordered_and_found() {
    let view = busy();
    let by_name = Screen { sort: Some(0), ..Screen::default() };
    assert_eq!(shown(&view, &by_name)[0].id, "binance-usdm:BTCUSDT");
    let by_mid = Screen { sort: Some(1), descending: true, ..Screen::default() };
    let mids = shown(&view, &by_mid);
    assert!(mids[0].info.symbol.starts_with("BTC"));
    assert_eq!(mids[7].id, "binance-usdm:BTCUSDT", "absent comes last");
    let found = Screen { filter: "btc-usdt-perp".into(), ..Screen::default() };
    assert_eq!(shown(&view, &found).len(), 2, "by the name across venues");
}

#[test]
fn no_size_of_terminal_breaks_the_drawing() {
    let view = busy();
    for (width, height) in [(1, 1), (10, 3), (40, 10), (80, 8), (300, 100)] {
        for screen in [Screen::default(), Screen { full: true, scroll: 1000, column: 12, ..Screen::default() }] {
            let _ = picture(width, height, &screen, &view);
        }
    }
}
