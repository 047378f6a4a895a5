//! Questions to the engine's own thread, which alone holds whole books: a short queue, answered between two batches.

use fathometer_engine::engine::Engine;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Most questions that wait; one more is refused, and its asker told to come back.
pub const QUESTIONS_MAX: usize = 64;
/// Most questions answered between two batches, so that whoever asks much does not hold the books up.
const AT_ONCE: usize = 4;

type Question = Box<dyn FnOnce(&Engine) + Send>;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Too many wait already.
    #[error("{QUESTIONS_MAX} questions to the engine wait already")]
    Full,
    /// The engine's thread has ended.
    #[error("the run has ended")]
    Ended,
}

/// What waits to be answered.
#[derive(Default)]
pub struct Questions(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    queue: VecDeque<Question>,
    ended: bool,
}

impl Questions {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// Too many ask, or nobody answers any more.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Engine) -> T + Send + 'static,
    ) -> Result<T, Unanswered> {
        let (sender, answer) = oneshot::channel();
        {
            let mut waiting = self.lock();
            if waiting.ended {
                return Err(Unanswered::Ended);
            }
            if waiting.queue.len() >= QUESTIONS_MAX {
                return Err(Unanswered::Full);
            }
            waiting.queue.push_back(Box::new(move |engine| {
                if !sender.is_closed() {
                    let _ = sender.send(question(engine)); // whoever asked may have gone meanwhile
                }
            }));
        }
        answer.await.map_err(|_| Unanswered::Ended)
    }

    /// Answers some of what waits; on the engine's thread. Whether more waits.
    pub fn answer(&self, engine: &Engine) -> bool {
        for _ in 0..AT_ONCE {
            let Some(question) = self.lock().queue.pop_front() else { return false };
            question(engine);
        }
        !self.lock().queue.is_empty()
    }

    /// Nobody will answer any more: who waits is told, and who asks from now on.
    pub fn end(&self) {
        let mut waiting = self.lock();
        waiting.ended = true;
        waiting.queue.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fathometer_engine::engine::Config;
    use std::sync::Arc;

    #[tokio::test]
    async fn questions_are_answered_in_turn_refused_when_too_many_and_told_of_the_end() {
        let questions = Arc::new(Questions::default());
        let engine = Engine::new(Config::default());
        let ask = || {
            let questions = questions.clone();
            tokio::spawn(async move { questions.ask(|engine| engine.inputs()).await })
        };
        let asked: Vec<_> = (0..QUESTIONS_MAX).map(|_| ask()).collect();
        while questions.lock().queue.len() < QUESTIONS_MAX {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask().await.unwrap(), Err(Unanswered::Full));
        assert!(questions.answer(&engine), "more than four waited");
        assert_eq!(questions.lock().queue.len(), QUESTIONS_MAX - AT_ONCE);
        for asked in asked.into_iter().take(AT_ONCE) {
            assert_eq!(asked.await.unwrap(), Ok(0));
        }
        while questions.answer(&engine) {}
        let late = ask();
        while questions.lock().queue.is_empty() {
            tokio::task::yield_now().await;
        }
        questions.end();
        assert_eq!(late.await.unwrap(), Err(Unanswered::Ended));
        assert_eq!(ask().await.unwrap(), Err(Unanswered::Ended));
    }
}
