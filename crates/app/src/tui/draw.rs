//! The whole picture: bars, table, the selected instrument, faults. Every panel is a function from what is known to lines.

use super::columns::COLUMNS;
use super::number::{clock, span};
use super::screen::Screen;
use super::style::{self, BAD, BAR, BAR_REPLAY, DIM, PLAIN, SELECTED, TITLE, WARN};
use super::{detail, help, ladder};
use crate::health::Health;
use crate::view::{Market, Mode, View};
use fathometer_engine::output::{Remedy, Validity};
use fathometer_engine::units::{NANOS_PER_SECOND, Nanos};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table};

/// What there is to draw.
pub struct Picture<'a> {
    /// The market.
    pub view: &'a View,
    /// The program.
    pub health: &'a Health,
    /// What the person has chosen.
    pub screen: &'a Screen,
    /// The time now; of the recording where one is replayed.
    pub now: Nanos,
    /// Something to be said in the bottom bar.
    pub note: Option<&'a str>,
}

/// A number older than this is dimmed.
const OLD_NANOS: i64 = 3 * NANOS_PER_SECOND;
const NAME_WIDTH_MAX: u16 = 27;

/// Instruments in the order in which they are shown.
pub fn shown<'a>(view: &'a View, screen: &Screen) -> Vec<&'a Market> {
    let filter = screen.filter.to_lowercase();
    let matches = |market: &&Market| {
        filter.is_empty()
            || market.id.to_lowercase().contains(&filter)
            || market.info.canonical.to_lowercase().contains(&filter)
    };
    let mut markets: Vec<&Market> = view.markets.iter().filter(matches).collect();
    match screen.sort {
        None => {}
        Some(0) => {
            markets.sort_by(|a, b| if screen.descending { b.id.cmp(&a.id) } else { a.id.cmp(&b.id) });
        }
        Some(index) => {
            if let Some(column) = COLUMNS.get(index - 1) {
                let absent = if screen.descending { f64::NEG_INFINITY } else { f64::INFINITY };
                let mut keyed: Vec<(f64, &Market)> =
                    markets.into_iter().map(|market| (column.value(view, market).unwrap_or(absent), market)).collect();
                keyed.sort_by(|a, b| if screen.descending { b.0.total_cmp(&a.0) } else { a.0.total_cmp(&b.0) });
                markets = keyed.into_iter().map(|(_, market)| market).collect();
            }
        }
    }
    markets
}

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, picture: &Picture<'_>) {
    let markets = shown(picture.view, picture.screen);
    let selected = markets.iter().position(|market| market.id == picture.screen.selected).unwrap_or(0);
    let area = frame.area();
    let faults_height = if area.height >= 30 { 6 } else { 3 };
    let [top, content, faults, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(faults_height),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(header(picture, area.width), top);
    if picture.screen.help {
        frame.render_widget(help::lines(), content);
    } else if let (true, Some(market)) = (picture.screen.full, markets.get(selected)) {
        full(frame, picture, market, content);
    } else {
        let rows = markets.len().max(1) as u16 + 1;
        let table_height = rows.min(content.height.saturating_sub(8).max(content.height / 2));
        let [above, below] = Layout::vertical([Constraint::Length(table_height), Constraint::Fill(1)]).areas(content);
        table(frame, picture, &markets, selected, above);
        if let Some(market) = markets.get(selected) {
            beside(frame, picture, market, below);
        }
    }
    frame.render_widget(fault_lines(picture, faults), faults);
    frame.render_widget(footer(picture), bottom);
}

fn header<'a>(picture: &Picture<'a>, width: u16) -> Paragraph<'a> {
    let (mode, bar) = match &picture.view.mode {
        Mode::Live => ("LIVE".to_owned(), BAR),
        Mode::Demo { seed } => (format!("DEMO seed {seed}"), BAR),
        Mode::Replay { speed, .. } if *speed > 0.0 => (format!("REPLAY x{speed}"), BAR_REPLAY),
        Mode::Replay { .. } => ("REPLAY".to_owned(), BAR_REPLAY),
    };
    let health = picture.health;
    let memory = health.memory_mb.map_or(String::new(), |mb| format!("  {mb:.0} MB"));
    let live = format!("{}/{} live", health.symbols_live, health.symbols);
    let state = if picture.screen.paused { "  PAUSED" } else { "" };
    let up = span((health.uptime_seconds * 1e9) as i64);
    let links = if width >= 100 { format!("  {} connections", health.connections) } else { String::new() };
    let spans = vec![
        Span::styled(" fathometer ", bar.add_modifier(Modifier::BOLD)),
        Span::styled(format!(" {mode}  {} UTC  ", clock(picture.now)), bar),
        Span::styled(live, if health.symbols_live < health.symbols { bar.patch(WARN) } else { bar }),
        Span::styled(format!("{links}  up {up}{memory}"), bar),
        Span::styled(state, bar.patch(WARN).add_modifier(Modifier::BOLD)),
    ];
    Paragraph::new(Line::from(spans)).style(bar)
}

fn footer<'a>(picture: &Picture<'a>) -> Paragraph<'a> {
    let screen = picture.screen;
    let text = if screen.typing {
        format!(" / {}_   Enter keeps, Esc clears", screen.filter)
    } else if let Some(note) = picture.note {
        format!(" {note}")
    } else {
        let filter = if screen.filter.is_empty() { String::new() } else { format!("  [/{}]", screen.filter) };
        let order = match screen.sort {
            None => String::new(),
            Some(0) => "  [by name]".to_owned(),
            Some(index) => format!("  [by {}]", COLUMNS.get(index - 1).map_or("", |column| column.head)),
        };
        format!(" ? help  ↑↓ move  Enter full  Tab columns  s sort  / search  Space pause  q quit{filter}{order}")
    };
    Paragraph::new(text).style(BAR)
}

fn table(frame: &mut Frame<'_>, picture: &Picture<'_>, markets: &[&Market], selected: usize, area: Rect) {
    if markets.is_empty() {
        let text = match picture.view.markets.is_empty() {
            true => "No instrument yet: waiting for the first connection.",
            false => "No instrument has that in its name; Esc clears the search.",
        };
        frame.render_widget(Paragraph::new(text).style(DIM), area);
        return;
    }
    let names = markets.iter().map(|market| market.id.chars().count() as u16).max().unwrap_or(0);
    let name_width = (names + 2).min(NAME_WIDTH_MAX);
    let mut widths = vec![name_width, 5];
    let mut used: u16 = widths.iter().map(|width| width + 1).sum();
    let mut columns = Vec::new();
    for column in &COLUMNS[picture.screen.column.min(COLUMNS.len() - 1)..] {
        if used + column.width > area.width {
            break;
        }
        used += column.width + 1;
        widths.push(column.width);
        columns.push(column);
    }
    let right = |text: &str, width: u16| format!("{text:>width$}", width = width as usize);
    let mut head = vec![Cell::from("instrument"), Cell::from("book")];
    head.extend(columns.iter().map(|column| Cell::from(right(column.head, column.width))));
    let visible = area.height.saturating_sub(1) as usize;
    let first = selected.saturating_sub(visible.saturating_sub(1));
    let rows = markets.iter().enumerate().skip(first).take(visible).map(|(index, market)| {
        let (light, word, colour) = style::validity(validity(market));
        let old = picture.now.since(market.sampled_at) > OLD_NANOS;
        let name: String = market.id.chars().take(name_width as usize - 2).collect();
        let mut cells = vec![
            Cell::from(Line::from(vec![Span::styled(format!("{light} "), colour), Span::raw(name)])),
            Cell::from(Span::styled(word, colour)),
        ];
        for column in &columns {
            let (text, style) = column.cell(picture.view, market);
            cells.push(Cell::from(right(&text, column.width)).style(if old { DIM } else { style }));
        }
        Row::new(cells).style(if index == selected { SELECTED } else { PLAIN })
    });
    let widths = widths.into_iter().map(Constraint::Length);
    frame.render_widget(Table::new(rows, widths).header(Row::new(head).style(DIM)).column_spacing(1), area);
}

fn beside(frame: &mut Frame<'_>, picture: &Picture<'_>, market: &Market, area: Rect) {
    let [title, below] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Paragraph::new(titled(market, picture.view, area.width)), title);
    let wide = area.width >= 120;
    let parts: &[Constraint] = if wide {
        &[Constraint::Length(46), Constraint::Fill(1), Constraint::Length(34)]
    } else {
        &[Constraint::Percentage(50), Constraint::Percentage(50)]
    };
    let areas = Layout::horizontal(parts).spacing(2).split(below);
    frame.render_widget(Paragraph::new(ladder::lines(market, areas[0])), areas[0]);
    if let (true, Some(middle), Some(last)) = (wide, areas.get(1), areas.get(2)) {
        frame.render_widget(Paragraph::new(detail::book_and_metrics(picture, market, *middle)), *middle);
        frame.render_widget(Paragraph::new(detail::trades(market, *last)), *last);
    } else if let Some(last) = areas.get(1) {
        let mut lines = detail::book(picture, market);
        let rest = Rect { height: last.height.saturating_sub(lines.len() as u16), ..*last };
        lines.extend(detail::trades(market, rest));
        frame.render_widget(Paragraph::new(lines), *last);
    }
}

fn full(frame: &mut Frame<'_>, picture: &Picture<'_>, market: &Market, area: Rect) {
    let [title, below] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Paragraph::new(titled(market, picture.view, area.width)), title);
    let parts: &[Constraint] = if area.width >= 120 {
        &[Constraint::Length(46), Constraint::Fill(1), Constraint::Length(34)]
    } else {
        &[Constraint::Length(32), Constraint::Fill(1)]
    };
    let areas = Layout::horizontal(parts).spacing(2).split(below);
    frame.render_widget(Paragraph::new(ladder::lines(market, areas[0])), areas[0]);
    if let Some(middle) = areas.get(1) {
        frame.render_widget(Paragraph::new(detail::book_and_metrics(picture, market, *middle)), *middle);
    }
    if let Some(last) = areas.get(2) {
        frame.render_widget(Paragraph::new(detail::trades(market, *last)), *last);
    }
}

fn titled<'a>(market: &Market, view: &View, width: u16) -> Line<'a> {
    let room = (width as usize).saturating_sub(market.id.len() + market.info.canonical.len() + 24);
    let mut spans = vec![
        Span::styled(format!("{} ", market.id), TITLE),
        Span::styled(format!("{} ", market.info.canonical), DIM),
        Span::styled(ladder::sparkline(market, room.min(60)), DIM),
    ];
    if let Some((rate, next)) = market.funding {
        let text = format!(" funding {} % in {}", rate.to_f64() * 100.0, span(next.since(view.now).max(0)));
        spans.push(Span::styled(text, DIM));
    }
    Line::from(spans)
}

fn fault_lines<'a>(picture: &Picture<'a>, area: Rect) -> Paragraph<'a> {
    let view = picture.view;
    let mut lines = vec![Line::from(vec![
        Span::styled("faults ", TITLE),
        Span::styled(if view.faults_seen == 0 { "none".to_owned() } else { view.faults_seen.to_string() }, DIM),
    ])];
    for fault in view.faults.iter().rev().take(area.height.saturating_sub(1) as usize) {
        let mark = if fault.remedy == Remedy::Stop { "✖" } else { "▲" };
        let style = if fault.remedy == Remedy::Stop { BAD } else { WARN };
        let whose = fault.instrument.as_deref().map_or(String::new(), |id| format!("{id}: "));
        lines.push(Line::from(vec![
            Span::styled(format!("{mark} {} ", clock(fault.at)), style),
            Span::styled(format!("{whose}{}", fault.text), Style::new()),
        ]));
    }
    Paragraph::new(lines)
}

/// Whether a market's book may be believed.
pub fn validity(market: &Market) -> Validity {
    market.status.as_ref().map_or(Validity::Empty, |status| status.validity)
}
