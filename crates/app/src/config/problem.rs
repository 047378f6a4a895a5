//! What is wrong with a configuration: all of it at once, each with its place and the nearest valid key.

use crate::nearest::nearest;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// How the source of what came with the program begins.
pub const BUILT_IN: &str = "built-in ";

/// Where a value was written: a file and line, an environment variable, or a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    source: Arc<str>,
    line: u32,
}

impl Origin {
    /// A line of a file, counted from 1; 0 where the source has no lines.
    pub fn line(source: &Arc<str>, line: u32) -> Self {
        Origin { source: source.clone(), line }
    }
    /// Whether nobody wrote it: it came with the program.
    pub fn is_built_in(&self) -> bool {
        self.source.starts_with(BUILT_IN)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.source),
            line => write!(f, "{}:{line}", self.source),
        }
    }
}

/// One thing that is wrong, or worth a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: Origin,
    /// What, and what to do.
    pub text: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(at: Origin, text: impl Into<String>) -> Self {
        Problem { at, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.text)
    }
}

/// Collects what is wrong while everything is read to the end.
#[derive(Debug, Default)]
pub struct Problems {
    errors: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
}

impl Problems {
    /// An error; reading goes on.
    pub fn error(&self, at: &Origin, text: impl Into<String>) {
        self.push(Problem::new(at.clone(), text));
    }
    /// An error that is already worded.
    pub fn push(&self, problem: Problem) {
        self.errors.borrow_mut().push(problem);
    }
    /// Something that works but is likely not what was meant.
    pub fn warn(&self, at: &Origin, text: impl Into<String>) {
        self.warnings.borrow_mut().push(Problem::new(at.clone(), text));
    }
    /// Errors and warnings, in the order in which they were found.
    pub fn into_parts(self) -> (Vec<Problem>, Vec<Problem>) {
        (self.errors.into_inner(), self.warnings.into_inner())
    }
}

/// `; did you mean `x`?` where one of the valid names is near, or else the list of them.
pub fn hint(asked: &str, valid: &[&str]) -> String {
    match nearest(asked, valid.iter().copied(), 1).first() {
        Some(near) => format!("; did you mean `{near}`?"),
        None => format!("; valid here: {}", valid.join(", ")),
    }
}
