//! Foreign recordings as inputs: files in the order given, connections numbered, answers given to the link that asked.

use super::attribute::{Symbols, is_bare_depth};
use super::line::{Line, Owner, owner, query, request};
use super::look::{Look, look};
use super::text::{Got, Lines};
use super::{RecordingError, Skipped};
use fathometer_engine::input::{Body, Input, Leg, LinkId};
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::Nanos;
use serde::de::IgnoredAny;
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;

/// Foreign recordings as one stream of inputs. Memory is that of one line per file open at a time.
pub struct Recording {
    /// Not begun yet, in the order given; files of answers alone come first.
    waiting: VecDeque<Look>,
    playing: Vec<Playing>,
    links: Vec<Link>,
    /// What the line at hand says, in order.
    said: VecDeque<Said>,
    line: Vec<u8>,
    now: Said,
    skipped: Skipped,
}

/// A file being played.
struct Playing {
    look: Look,
    lines: Lines,
    number: u64,
    /// The next line that says something, and when.
    head: Vec<u8>,
    at: Nanos,
    /// Index of the link its frames arrive on.
    link: Option<usize>,
}

struct Link {
    venue: Venue,
    url: String,
    symbols: Symbols,
    open: bool,
    /// Its file is at its end: a later one may go on with it.
    ended: bool,
}

/// An input whose bytes stand in `Recording::line`.
#[derive(Clone, Debug, Default)]
enum Said {
    #[default]
    Nothing,
    Open(Nanos, usize),
    Text(Nanos, usize, std::ops::Range<usize>),
    Answer(Nanos, usize, String, std::ops::Range<usize>),
    Close(Nanos, usize, &'static str),
}

impl Recording {
    /// Opens files; of each whether it may be passed over if it is no recording.
    pub(super) fn open(files: Vec<(PathBuf, bool)>) -> Result<Self, RecordingError> {
        let (mut looks, mut skipped, mut refused) = (Vec::new(), Skipped::default(), None);
        for (file, optional) in files {
            match look(&file) {
                Ok(found) => looks.push(found),
                Err(e @ (RecordingError::Unrecognised { .. } | RecordingError::Venue { .. })) if optional => {
                    skipped.add(&file, 0, e.to_string());
                    refused.get_or_insert(e);
                }
                Err(e) => return Err(e),
            }
        }
        looks.sort_by_key(|l| !l.answers_only); // stable: the rest stays in the order given
        match refused {
            Some(error) if looks.is_empty() => Err(error),
            _ => Ok(Recording {
                waiting: looks.into(),
                playing: Vec::new(),
                links: Vec::new(),
                said: VecDeque::new(),
                line: Vec::new(),
                now: Said::Nothing,
                skipped,
            }),
        }
    }

    /// Lines that were not of the form, ends torn off, files of a folder that are no recordings.
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// The next input; `None` at the end.
    ///
    /// # Errors
    /// `Read` if a file cannot be read any further.
    #[allow(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<Input<'_>>, RecordingError> {
        self.now = loop {
            if let Some(said) = self.said.pop_front() {
                break said;
            }
            if !self.take()? {
                return Ok(None);
            }
        };
        let bytes = |range: &std::ops::Range<usize>| self.line.get(range.clone()).unwrap_or_default();
        let (at, link, body) = match &self.now {
            Said::Nothing => return Ok(None),
            Said::Open(at, link) => {
                let Some(Link { venue, url, .. }) = self.links.get(*link) else { return Ok(None) };
                (*at, *link, Body::Open { venue: *venue, leg: Leg::A, url })
            }
            Said::Text(at, link, range) => (*at, *link, Body::Text(bytes(range))),
            Said::Answer(at, link, request, range) => {
                let body = bytes(range);
                let status = if body.starts_with(b"{\"code\":-") { 400 } else { 200 }; // how Binance words a refusal
                (*at, *link, Body::Reply { sent: *at, request, status, body })
            }
            Said::Close(at, link, reason) => (*at, *link, Body::Close { reason }),
        };
        Ok(Some(Input { at, link: LinkId(link as u32), body }))
    }

    /// Takes the next line: files follow each other, and answers recorded in files of their own are merged in by time.
    /// False at the end of all.
    fn take(&mut self) -> Result<bool, RecordingError> {
        loop {
            let main = self.playing.iter().any(|p| !p.look.answers_only);
            let due = self.waiting.front().is_some_and(|w| w.answers_only || !main);
            if due && let Some(look) = self.waiting.pop_front() {
                let mut file = Playing::open(look)?;
                if file.advance(&mut self.skipped)? {
                    self.playing.push(file);
                }
                continue;
            }
            let earliest = self.playing.iter().enumerate().min_by_key(|(_, p)| p.at).map(|(i, p)| (i, p.at));
            let Some((index, _)) = earliest else { return Ok(false) };
            let mut file = self.playing.remove(index);
            std::mem::swap(&mut self.line, &mut file.head);
            self.say(&mut file);
            if file.advance(&mut self.skipped)? {
                self.playing.insert(index, file);
            } else if let Some(link) = file.link.and_then(|l| self.links.get_mut(l)) {
                link.ended = true;
            }
            return Ok(true);
        }
    }

    /// Turns the line at hand into inputs.
    fn say(&mut self, file: &mut Playing) {
        let line = std::mem::take(&mut self.line);
        match Line::parse(&line) {
            Some(Line::Frame { at, frame }) => {
                let range = line.len() - frame.len()..line.len();
                let venue = file.look.venue;
                let link = file.link.unwrap_or_else(|| self.link_of(&file.look, at));
                file.link = Some(link);
                if venue == Venue::Okx || !is_bare_depth(frame) {
                    if venue != Venue::Okx {
                        file.look.symbols.observe(frame);
                    }
                    self.said.push_back(Said::Text(at, link, range));
                } else {
                    match file.look.symbols.request(venue, frame) {
                        Ok(request) => self.said.push_back(Said::Answer(at, link, request, range)),
                        Err(why) => self.skipped.add(&file.look.file, file.number, why),
                    }
                }
            }
            Some(Line::Opened { at, url }) => {
                if let Some(link) = file.link.take() {
                    self.close(at, link, "the recorder opened the connection anew");
                }
                let venue = if let Owner::Known(venue) = owner(url) { venue } else { file.look.venue };
                self.supersede(at, venue, &file.look.symbols);
                file.link = Some(self.open_link(at, venue, url.to_owned(), file.look.symbols.clone()));
            }
            Some(Line::Answer { at, url, body }) => {
                let range = line.len() - body.len()..line.len();
                let venue = if let Owner::Known(venue) = owner(url) { venue } else { file.look.venue };
                let symbol = query(url, "symbol").or_else(|| query(url, "instId")).unwrap_or_default();
                let link = self.link_that_asked(at, venue, symbol, file);
                self.said.push_back(Said::Answer(at, link, request(url).to_owned(), range));
            }
            Some(Line::Sent { .. } | Line::Note) | None => {}
        }
        self.line = line;
    }

    /// The link of a file that does not tell of its connection: the one of the file it goes on from, or a new one.
    fn link_of(&mut self, look: &Look, at: Nanos) -> usize {
        let goes_on = |l: &Link| l.open && l.ended && l.venue == look.venue && l.symbols.share(&look.symbols);
        if let Some(index) = self.links.iter().position(goes_on) {
            if let Some(link) = self.links.get_mut(index) {
                link.ended = false;
            }
            return index;
        }
        self.open_link(at, look.venue, address(look.venue, &look.streams), look.symbols.clone())
    }

    /// The link of its venue that most likely asked.
    fn link_that_asked(&mut self, at: Nanos, venue: Venue, symbol: &str, file: &Playing) -> usize {
        let of_venue = |l: &&Link| l.open && l.venue == venue;
        let own = file.link.filter(|l| self.links.get(*l).as_ref().is_some_and(of_venue));
        own.or_else(|| self.links.iter().position(|l| of_venue(&l) && l.symbols.has(symbol)))
            .or_else(|| self.links.iter().position(|l| of_venue(&l)))
            .unwrap_or_else(|| self.open_link(at, venue, address(venue, &BTreeSet::new()), Symbols::default()))
    }

    /// A connection told to open takes the place of one whose file has ended.
    fn supersede(&mut self, at: Nanos, venue: Venue, symbols: &Symbols) {
        let over = |l: &Link| l.open && l.ended && l.venue == venue && l.symbols.share(symbols);
        while let Some(link) = self.links.iter().position(over) {
            self.close(at, link, "the recording of this connection ended");
        }
    }

    fn open_link(&mut self, at: Nanos, venue: Venue, url: String, symbols: Symbols) -> usize {
        self.links.push(Link { venue, url, symbols, open: true, ended: false });
        self.said.push_back(Said::Open(at, self.links.len() - 1));
        self.links.len() - 1
    }

    fn close(&mut self, at: Nanos, index: usize, reason: &'static str) {
        if let Some(link) = self.links.get_mut(index) {
            link.open = false;
            self.said.push_back(Said::Close(at, index, reason));
        }
    }
}

impl Playing {
    fn open(look: Look) -> Result<Self, RecordingError> {
        let lines =
            Lines::open(&look.file).map_err(|source| RecordingError::Read { file: look.file.clone(), source })?;
        Ok(Playing { at: look.first, look, lines, number: 0, head: Vec::new(), link: None })
    }

    /// Goes on to the next line that says something; false at the end.
    fn advance(&mut self, skipped: &mut Skipped) -> Result<bool, RecordingError> {
        loop {
            self.number += 1;
            let got = self.lines.next(&mut self.head);
            let ended = match got.map_err(|source| RecordingError::Read { file: self.look.file.clone(), source })? {
                Got::Line { ended } => ended,
                Got::TooLong => {
                    skipped.add(&self.look.file, self.number, "a line beyond all measure");
                    continue;
                }
                Got::Torn(why) => {
                    skipped.add(&self.look.file, self.number, format!("the file breaks off here: {why}"));
                    return Ok(false);
                }
                Got::End => return Ok(false),
            };
            match Line::parse(&self.head) {
                Some(Line::Frame { frame, .. } | Line::Answer { body: frame, .. }) if !ended && is_cut(frame) => {
                    skipped.add(&self.look.file, self.number, "the file breaks off within this line");
                    return Ok(false);
                }
                Some(line) => {
                    if let Some(at) = line.at() {
                        self.at = at;
                        return Ok(true);
                    }
                }
                None => skipped.add(
                    &self.look.file,
                    self.number,
                    format!("not a line of a recording: {}", shown(&self.head)),
                ),
            }
        }
    }
}

/// Whether a last line without its line feed holds JSON that breaks off.
fn is_cut(frame: &[u8]) -> bool {
    matches!(frame.first(), Some(b'{' | b'[')) && serde_json::from_slice::<IgnoredAny>(frame).is_err()
}

fn shown(line: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(line.get(..line.len().min(60)).unwrap_or_default()))
}

/// The address a connection carrying these streams would have had.
fn address(venue: Venue, streams: &BTreeSet<String>) -> String {
    let base = match venue {
        Venue::Binance => "wss://stream.binance.com:9443/stream",
        Venue::BinanceUsdm => "wss://fstream.binance.com/stream",
        Venue::BinanceCoinm => "wss://dstream.binance.com/stream",
        Venue::Okx => return "wss://ws.okx.com:8443/ws/v5/public".to_owned(),
    };
    let streams: Vec<&str> = streams.iter().map(String::as_str).collect();
    if streams.is_empty() { base.to_owned() } else { format!("{base}?streams={}", streams.join("/")) }
}
