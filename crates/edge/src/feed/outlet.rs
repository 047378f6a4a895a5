//! Where feeds put what they have: inputs for the engine, faults for the screen, and the table of open links.

use crate::clock;
use crate::inbox::{InboxSender, PushError, Received, ReceivedBody};
use fathometer_engine::input::{Leg, LinkId, NO_LINK};
use fathometer_engine::instrument::Venue;
use fathometer_engine::output::{Fault, FaultKind, Remedy};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Most faults kept for a screen that does not come; beyond it the oldest goes and is counted.
const FAULTS_MAX: usize = 256;

/// An open link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenLink {
    pub(crate) venue: Venue,
    /// Index of the line it belongs to.
    pub(crate) line: usize,
    /// Whether its `Open` is in the inbox, so that something may come behind it.
    pub(crate) announced: bool,
}

/// Shared by everything that listens.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) inbox: InboxSender,
    next_link: AtomicU32,
    open: Mutex<BTreeMap<LinkId, OpenLink>>,
    opened: watch::Sender<u64>,
    faults: Mutex<(VecDeque<Fault>, u64)>,
}

impl Outlet {
    pub(crate) fn new(inbox: InboxSender, first_link: u32) -> Self {
        Outlet {
            inbox,
            next_link: AtomicU32::new(first_link),
            open: Mutex::default(),
            opened: watch::Sender::new(0),
            faults: Mutex::default(),
        }
    }

    /// A number that no connection had before.
    pub(crate) fn new_link(&self) -> LinkId {
        LinkId(self.next_link.fetch_add(1, Ordering::Relaxed))
    }

    /// Tells the engine that a link is open, before anything that came on it.
    pub(crate) async fn open(&self, link: LinkId, open: OpenLink, leg: Leg, url: &str) -> Result<(), PushError> {
        let body = ReceivedBody::Open { venue: open.venue, leg, url: url.to_owned() };
        // In the table before the engine knows of it, since the engine may ask for something at that very moment.
        self.table().insert(link, OpenLink { announced: false, ..open });
        self.inbox.push_waiting(Received { at: clock::now(), link, body }).await?;
        self.table().insert(link, OpenLink { announced: true, ..open });
        self.opened.send_modify(|n| *n += 1);
        Ok(())
    }

    /// Tells the engine that a link is closed; replies for it are no longer wanted.
    pub(crate) async fn close(&self, link: LinkId, reason: &str) -> Result<(), PushError> {
        self.table().remove(&link);
        let body = ReceivedBody::Close { reason: reason.to_owned() };
        self.inbox.push_waiting(Received { at: clock::now(), link, body }).await
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<LinkId, OpenLink>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open link of that number.
    pub(crate) fn link(&self, link: LinkId) -> Option<OpenLink> {
        self.table().get(&link).copied()
    }

    /// Some open link of the venue, the longest open first.
    pub(crate) fn any_link(&self, venue: Venue) -> Option<LinkId> {
        self.table().iter().find(|(_, o)| o.venue == venue && o.announced).map(|(link, _)| *link)
    }

    /// Changes with every link that opens.
    pub(crate) fn openings(&self) -> watch::Receiver<u64> {
        self.opened.subscribe()
    }

    /// A fault for the screen, and for the log.
    pub(crate) fn fault(&self, link: LinkId, kind: FaultKind, remedy: Remedy, text: String) {
        match remedy {
            Remedy::Stop => tracing::error!(link = link.0, "{text}"),
            _ => tracing::warn!(link = link.0, "{text}"),
        }
        let fault = Fault { at: clock::now(), link, instrument: None, kind, remedy, text };
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        if faults.0.len() >= FAULTS_MAX {
            faults.0.pop_front();
            faults.1 += 1;
        }
        faults.0.push_back(fault);
    }

    /// Faults since the last call, and how many were lost in all because nobody called.
    pub(crate) fn take_faults(&self) -> (Vec<Fault>, u64) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        (faults.0.drain(..).collect(), faults.1)
    }

    /// A tick, so that silence is on the tape too.
    pub(crate) fn tick(&self) {
        self.inbox.tick(Received { at: clock::now(), link: NO_LINK, body: ReceivedBody::Tick });
    }
}
