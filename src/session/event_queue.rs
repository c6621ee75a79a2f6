//! `EventQueue`: what happened to one connection and was not told yet.
//!
//! Owns where events stand: nearly always there is one, which needs no memory of its own. More of them stand in a
//! queue that goes when it is empty, so that ten thousand idle connections do not keep ten thousand of them.

use std::collections::VecDeque;

use crate::session::Event;

/// Events, the first to be told at the front.
#[derive(Debug, Default)]
pub(super) struct EventQueue {
    /// `None`: there is none at all.
    first: Option<Event>,
    #[expect(clippy::box_collection, reason = "8 bytes while there is none, not 32")]
    more: Option<Box<VecDeque<Event>>>,
}

impl EventQueue {
    /// One event.
    pub(super) fn of(event: Event) -> Self {
        Self { first: Some(event), more: None }
    }

    /// Whether nothing is to be told.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The next to be told, left where it is.
    pub(super) fn front(&self) -> Option<&Event> {
        self.first.as_ref()
    }

    /// One more, behind the others.
    pub(super) fn push_back(&mut self, event: Event) {
        if self.first.is_none() {
            self.first = Some(event);
        } else {
            self.more.get_or_insert_default().push_back(event);
        }
    }

    /// The next to be told.
    pub(super) fn pop_front(&mut self) -> Option<Event> {
        // Mostly there is none, and to look is less than to take.
        self.first.as_ref()?;
        let event = self.first.take()?;
        if let Some(more) = &mut self.more {
            self.first = more.pop_front();
            if more.is_empty() {
                self.more = None;
            }
        }
        Some(event)
    }

    /// Takes those out that are like this.
    pub(super) fn take_if(&mut self, is_like: impl Fn(&Event) -> bool) -> Vec<Event> {
        if self.is_empty() {
            return Vec::new();
        }
        let (taken, others): (Vec<_>, Vec<_>) = std::iter::from_fn(|| self.pop_front()).partition(is_like);
        self.extend(others);
        taken
    }
}

impl Extend<Event> for EventQueue {
    fn extend<I: IntoIterator<Item = Event>>(&mut self, events: I) {
        events.into_iter().for_each(|event| self.push_back(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_in_the_order_they_went_in() {
        let mut queue = EventQueue::of(Event::Opened);
        queue.push_back(Event::Eof);
        queue.push_back(Event::Drained);
        assert_eq!(queue.pop_front(), Some(Event::Opened));
        queue.extend([Event::Data(b"x".to_vec())]);
        assert_eq!(queue.pop_front(), Some(Event::Eof));
        assert_eq!(queue.pop_front(), Some(Event::Drained));
        assert!(!queue.is_empty() && queue.more.is_none(), "one stands alone");
        assert_eq!(queue.pop_front(), Some(Event::Data(b"x".to_vec())));
        assert!(queue.is_empty() && queue.pop_front().is_none());
    }

    #[test]
    fn what_is_taken_out_leaves_the_rest_in_order() {
        let mut queue = EventQueue::of(Event::Opened);
        queue.extend([Event::Line("a".into()), Event::Eof, Event::Line("b".into()), Event::Drained]);
        let taken = queue.take_if(|event| matches!(event, Event::Line(_)));
        assert_eq!(taken, [Event::Line("a".into()), Event::Line("b".into())]);
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop_front()).collect();
        assert_eq!(rest, [Event::Opened, Event::Eof, Event::Drained]);
        assert!(queue.more.is_none());
    }
}
