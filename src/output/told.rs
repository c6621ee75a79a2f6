//! `Told`: what several loops of a run would say, each by itself, is said once.
//!
//! Owns which message is news. That of one loop always is; of several loops that say the same, the first is, and one that says
//! it more often than all others. Messages about a connection, or by a script, are not for it: they are of one loop anyway.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What the loops of a run have said, as one of them sees it.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// How often the loop has said a text that has said it most often.
    most: Arc<Mutex<HashMap<String, u64>>>,
    /// The same of this loop.
    own: HashMap<String, u64>,
}

/// Maximum number of different texts that are known: a script can make any number.
const MAX_TEXTS: usize = 1000;

impl Told {
    /// The same for another loop of the run.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { most: Arc::clone(&self.most), own: HashMap::new() }
    }

    /// Counts that this loop has something to say. Returns whether no other has said it as often.
    pub fn is_news(&mut self, text: &str) -> bool {
        let mut most = self.most.lock().unwrap_or_else(PoisonError::into_inner);
        if !most.contains_key(text) && most.len() >= MAX_TEXTS {
            return true;
        }
        let own = self.own.entry(text.to_owned()).or_default();
        *own += 1;
        let most = most.entry(text.to_owned()).or_default();
        let is_news = *own > *most;
        *most = (*most).max(*own);
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_loops_say_is_news_once() {
        let mut first = Told::default();
        let (mut second, mut third) = (first.beside(), first.beside());
        let said = [first.is_news("a"), second.is_news("a"), third.is_news("a"), second.is_news("b")];
        assert_eq!(said, [true, false, false, true]);
        assert!(third.is_news("a"), "none has said it twice");
        assert!(!first.is_news("a") && first.is_news("a"));
        let mut other_run = Told::default();
        assert!(other_run.is_news("a") && other_run.is_news("a"));
    }

    #[test]
    fn texts_that_never_end_do_not_fill_the_memory() {
        let mut first = Told::default();
        let mut second = first.beside();
        for number in 0..3 * MAX_TEXTS {
            assert!(first.is_news(&number.to_string()));
        }
        assert!(!second.is_news("0") && second.is_news("-1"));
        assert!(first.own.len() <= MAX_TEXTS && first.most.lock().unwrap().len() <= MAX_TEXTS);
    }
}
