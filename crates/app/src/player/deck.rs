//! The player's thread: takes orders, takes inputs when they are due, and lets readers in between.

use super::reel::{Next, Reel};
use super::survey::Survey;
use super::{Opening, Order, Position};
use crate::live::state::State;
use crate::monitor::laps::Laps;
use crate::view::{Mode, View};
use fathometer_edge::clock;
use fathometer_engine::engine::Engine;
use fathometer_engine::input::Body;
use fathometer_engine::metric::catalogue;
use fathometer_engine::output::Outbox;
use fathometer_engine::units::{NANOS_PER_MILLI, NANOS_PER_SECOND, Nanos};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;

/// Longest time without looking at questions and orders.
const PATIENCE: Duration = Duration::from_millis(20);
/// Longest time for which the view is held while inputs are taken.
const HELD_NANOS: i64 = 4 * NANOS_PER_MILLI;
/// Time in which others get at the view while a seek runs at full speed.
const LET_OTHERS: Duration = Duration::from_micros(200);
/// Inputs between two looks at the clock.
const BETWEEN_LOOKS: u32 = 32;
/// A longer silence in the recording is passed over at once: between two runs there may be days.
const SILENCE_NANOS: i64 = 10 * NANOS_PER_SECOND;
const ALL: Nanos = Nanos(i64::MAX);

/// Why no more inputs were taken.
enum Stopped {
    /// The next is not due before that time.
    NotYet(Nanos),
    /// As many frames as were wanted.
    Enough,
    /// It is time to let others in.
    Held,
    /// The recording has ended.
    End,
}

/// Everything the thread owns.
pub(super) struct Deck {
    opening: Opening,
    state: Arc<State>,
    engine: Engine,
    outbox: Outbox,
    reel: Reel,
    laps: Laps,
    survey: Arc<OnceLock<Survey>>,
    told: watch::Sender<Position>,
    position: Position,
    /// Our clock and the recording's when the present pace began.
    pace: Option<(Nanos, Nanos)>,
    orders: Receiver<(u64, Order)>,
    backlog: VecDeque<(u64, Order)>,
    /// Whether the player was let go.
    over: bool,
}

impl Deck {
    pub(super) fn new(
        opening: Opening,
        reel: Reel,
        state: Arc<State>,
        survey: Arc<OnceLock<Survey>>,
        told: watch::Sender<Position>,
        orders: Receiver<(u64, Order)>,
    ) -> Self {
        let engine = Engine::new(opening.config.clone());
        let position = told.borrow().clone();
        Deck {
            opening,
            state,
            engine,
            outbox: Outbox::default(),
            reel,
            laps: Laps::default(),
            survey,
            told,
            position,
            pace: None,
            orders,
            backlog: VecDeque::new(),
            over: false,
        }
    }

    /// Plays until it is let go.
    pub(super) fn run(mut self) {
        let mut wait = Duration::ZERO;
        while !self.over {
            match self.orders.recv_timeout(wait) {
                Ok(order) => self.backlog.push_back(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.look();
            while let Some((number, order)) = self.backlog.pop_front() {
                self.obey(order);
                self.position.done = self.position.done.max(number);
                self.tell();
            }
            wait = if self.position.playing { self.play() } else { PATIENCE };
            self.state.hub.settle(&self.engine);
            while self.state.questions.answer(&self.engine) {}
            self.tell();
        }
        self.state.questions.end();
    }

    /// Takes in what was ordered meanwhile.
    fn look(&mut self) {
        loop {
            match self.orders.try_recv() {
                Ok(order) => self.backlog.push_back(order),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.over = true;
                    return;
                }
            }
        }
    }

    fn obey(&mut self, order: Order) {
        self.pace = None;
        match order {
            Order::Play => {
                if self.position.ended {
                    self.restart(None);
                }
                self.position.playing = self.position.error.is_none();
            }
            Order::Pause => self.position.playing = false,
            Order::Speed(factor) => {
                self.position.speed = factor;
                self.state.view().mode = self.mode();
            }
            Order::Step(frames) => {
                self.position.playing = false;
                self.at_full_speed(ALL, u64::from(frames));
            }
            Order::Seek(target) => {
                let start = self.survey.get().and_then(|survey| survey.start_for(target));
                let jumps = start.is_some_and(|start| start.at > self.position.at);
                if target < self.position.at || self.position.error.is_some() || jumps {
                    self.restart(start);
                }
                self.position.seeking = true;
                // What was received at the very beginning is always shown.
                self.at_full_speed(target.max(self.position.from), u64::MAX);
                self.position.seeking = false;
            }
        }
    }

    /// Takes inputs as fast as possible, up to that time or number of frames, letting others in now and then.
    fn at_full_speed(&mut self, until: Nanos, frames: u64) {
        let mut left = frames;
        while left > 0 {
            let before = self.position.frame;
            let stopped = self.take(until, left);
            left = left.saturating_sub(self.position.frame.saturating_sub(before));
            match stopped {
                Stopped::Held => {
                    self.tell();
                    self.state.hub.settle(&self.engine);
                    self.state.questions.answer(&self.engine);
                    std::thread::sleep(LET_OTHERS);
                    self.look();
                    // Another seek makes this one pointless.
                    if self.over || self.backlog.iter().any(|(_, order)| matches!(order, Order::Seek(_))) {
                        return;
                    }
                }
                Stopped::NotYet(_) | Stopped::Enough => return,
                Stopped::End => return self.end(),
            }
        }
    }

    /// Takes what is due at the present speed; how long until there is more.
    fn play(&mut self) -> Duration {
        let speed = self.position.speed;
        let now = clock::now();
        let (ours, theirs) = *self.pace.get_or_insert((now, self.position.at));
        let due = if speed > 0.0 { theirs.plus((now.since(ours) as f64 * speed) as i64) } else { ALL };
        match self.take(due, u64::MAX) {
            Stopped::NotYet(at) => {
                if at.since(self.position.at) > SILENCE_NANOS {
                    self.pace = Some((now, at));
                    return Duration::ZERO;
                }
                Duration::from_nanos((at.since(due) as f64 / speed.max(1e-9)).max(0.0) as u64).min(PATIENCE)
            }
            Stopped::Held => LET_OTHERS,
            Stopped::Enough => Duration::ZERO,
            Stopped::End => {
                self.end();
                PATIENCE
            }
        }
    }

    /// Takes inputs up to that time or number of frames, with the view held for not too long.
    fn take(&mut self, until: Nanos, frames_max: u64) -> Stopped {
        let state = self.state.clone();
        let mut view = state.view();
        let mut latency = state.latency();
        let held_until = clock::now().plus(HELD_NANOS);
        let (mut frames, mut inputs) = (0, 0u32);
        loop {
            let input = match self.reel.next(until) {
                Ok(Next::Input(input)) => input,
                Ok(Next::Again) => continue,
                Ok(Next::NotYet(at)) => return Stopped::NotYet(at),
                Ok(Next::End) => return Stopped::End,
                Err(error) => {
                    self.position.error = Some(error.to_string());
                    return Stopped::End;
                }
            };
            let at = input.at;
            let pushed = matches!(input.body, Body::Text(_) | Body::Binary(_));
            let is_frame = pushed || matches!(input.body, Body::Reply { .. });
            if pushed {
                self.laps.begin();
            } else {
                self.laps.pass();
            }
            self.outbox.clear();
            self.engine.step(&input, &mut self.outbox, &mut self.laps);
            latency.turn(at);
            state.hub.apply(&self.outbox);
            for output in &self.outbox.items {
                view.apply(output, &self.outbox);
            }
            if pushed {
                latency.replayed(&self.laps);
            }
            latency.network(pushed.then_some(at), &self.outbox, self.engine.registry());
            self.position.at = self.position.at.max(at);
            self.position.frame += u64::from(is_frame);
            frames += u64::from(is_frame);
            if frames >= frames_max {
                return Stopped::Enough;
            }
            inputs += 1;
            if inputs.is_multiple_of(BETWEEN_LOOKS) && clock::now() >= held_until {
                return Stopped::Held;
            }
        }
    }

    /// Begins anew, at the first input or at a later state.
    fn restart(&mut self, start: Option<super::survey::Start>) {
        let files = self.opening.files.get(start.map_or(0, |start| start.file)..).unwrap_or_default();
        match Reel::open(files) {
            Ok(reel) => self.reel = reel,
            Err(error) => {
                self.position.error = Some(error.to_string());
                return self.end();
            }
        }
        self.engine = Engine::new(self.opening.config.clone());
        self.position.error = None;
        self.position.ended = false;
        self.position.frame = start.map_or(0, |start| start.frames);
        self.position.at = start.map_or(self.position.from, |start| start.at);
        self.state.forget(View::new(self.mode(), &catalogue(&self.opening.config.metrics)));
    }

    fn end(&mut self) {
        self.position.ended = true;
        self.position.playing = false;
    }

    fn mode(&self) -> Mode {
        Mode::Replay { source: self.opening.name.clone(), speed: self.position.speed }
    }

    /// Lets everybody know where it is.
    fn tell(&mut self) {
        if let Some(survey) = self.survey.get() {
            (self.position.to, self.position.frames_known) = (Some(survey.last), Some(survey.frames));
        }
        self.told.send_if_modified(|told| {
            let changed = *told != self.position;
            if changed {
                told.clone_from(&self.position);
            }
            changed
        });
    }
}
