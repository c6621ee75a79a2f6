//! `Resolver`: names are looked up on a few threads, because getaddrinfo(3) may take many seconds.
//!
//! Owns the queue and its threads, which leave when there is nothing to do. What a name is looked up for is in [`dial`].

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::config::Family;
use crate::error;
use crate::net::dial::{self, Request, Resolved};
use crate::net::reactor::Mailbox;

/// Maximum number of threads: a name whose server is silent takes one for 10 s and more.
pub const MAX_THREADS: usize = 8;

/// Time after which a thread without work leaves.
const IDLE: Duration = Duration::from_secs(5);

type Lookup = fn(&str, u16, Family) -> Result<Vec<SocketAddr>, String>;

/// Names to be looked up, and the threads that do it.
pub struct Resolver<M> {
    shared: Arc<Shared<M>>,
}

struct Shared<M> {
    state: Mutex<State<M>>,
    work: Condvar,
    lookup: Lookup,
}

struct State<M> {
    queue: VecDeque<Job<M>>,
    threads: usize,
    /// Threads that wait for work.
    idle: usize,
}

struct Job<M> {
    request: Request,
    host: String,
    port: u16,
    family: Family,
    mailbox: Mailbox<M>,
}

impl<M> Default for Resolver<M> {
    fn default() -> Self {
        Self::new(dial::resolve)
    }
}

impl<M> Resolver<M> {
    fn new(lookup: Lookup) -> Self {
        let state = Mutex::new(State { queue: VecDeque::new(), threads: 0, idle: 0 });
        Self { shared: Arc::new(Shared { state, work: Condvar::new(), lookup }) }
    }

    /// Forgets a request that is still in the queue. The answer to one that is being looked up comes all the same.
    pub fn forget(&self, request: Request) {
        self.shared.state().queue.retain(|job| job.request != request);
    }
}

impl<M: From<Resolved> + Send + 'static> Resolver<M> {
    /// Looks a name up and posts the result.
    pub fn resolve(&self, request: Request, host: String, port: u16, family: Family, mailbox: &Mailbox<M>) {
        let mut state = self.shared.state();
        state.queue.push_back(Job { request, host, port, family, mailbox: mailbox.clone() });
        if state.idle >= state.queue.len() || state.threads == MAX_THREADS {
            self.shared.work.notify_one();
            return;
        }
        let shared = Arc::clone(&self.shared);
        match thread::Builder::new().name("resolver".to_owned()).spawn(move || shared.run()) {
            Ok(_) => state.threads += 1,
            // The other threads will come to it.
            Err(_) if state.threads > 0 => {}
            Err(error) => {
                let cause = format!("cannot start the resolver: {}", error::cause(&error));
                for job in state.queue.drain(..) {
                    job.answer(Err(cause.clone()));
                }
            }
        }
    }
}

impl<M> Shared<M> {
    fn state(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: From<Resolved>> Shared<M> {
    /// Looks names up until there have been none for a while.
    fn run(&self) {
        while let Some(job) = self.next() {
            let addresses = (self.lookup)(&job.host, job.port, job.family);
            job.answer(addresses);
        }
    }

    fn next(&self) -> Option<Job<M>> {
        let mut state = self.state();
        if state.queue.is_empty() {
            state.idle += 1;
            let waited = self.work.wait_timeout_while(state, IDLE, |state| state.queue.is_empty());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.idle -= 1;
        }
        let job = state.queue.pop_front();
        state.threads -= usize::from(job.is_none());
        job
    }
}

impl<M: From<Resolved>> Job<M> {
    fn answer(self, addresses: Result<Vec<SocketAddr>, String>) {
        self.mailbox.post(M::from(Resolved { request: self.request, addresses }));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use super::*;
    use crate::net::reactor::Reactor;

    /// Reads answers until so many have come.
    fn answers(reactor: &mut Reactor<Resolved>, count: usize) -> Vec<Resolved> {
        let mut answers = Vec::new();
        while answers.len() < count {
            reactor.wait(Some(Instant::now() + Duration::from_secs(60))).unwrap();
            while let Some(answer) = reactor.next_mail() {
                answers.push(answer);
            }
        }
        answers
    }

    #[test]
    fn many_names_take_few_threads_and_each_is_answered() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        fn slow(host: &str, port: u16, _: Family) -> Result<Vec<SocketAddr>, String> {
            MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            thread::yield_now();
            RUNNING.fetch_sub(1, Ordering::SeqCst);
            if host == "bad" { Err("no".to_owned()) } else { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) }
        }
        let mut reactor = Reactor::<Resolved>::new().unwrap();
        let resolver = Resolver::new(slow);
        for id in 0..5000 {
            let host = if id % 2 == 0 { "good" } else { "bad" };
            resolver.resolve(Request::Connect(id), host.to_owned(), 7, Family::Any, &reactor.mailbox());
            assert!(resolver.shared.state().threads <= MAX_THREADS);
        }
        let answers = answers(&mut reactor, 5000);
        let ids: HashSet<_> = answers.iter().map(|answer| format!("{:?}", answer.request)).collect();
        assert_eq!((ids.len(), answers.iter().filter(|answer| answer.addresses.is_ok()).count()), (5000, 2500));
        assert!(MOST.load(Ordering::SeqCst) <= MAX_THREADS);
    }

    #[test]
    fn what_was_given_up_is_not_looked_up() {
        static GATE: Mutex<()> = Mutex::new(());
        static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());
        fn gated(host: &str, _: u16, _: Family) -> Result<Vec<SocketAddr>, String> {
            ASKED.lock().unwrap().push(host.to_owned());
            drop(GATE.lock().unwrap());
            Err("no".to_owned())
        }
        let mut reactor = Reactor::<Resolved>::new().unwrap();
        let resolver = Resolver::new(gated);
        let gate = GATE.lock().unwrap();
        for id in 0..20 {
            resolver.resolve(Request::Connect(id), format!("n{id}"), 7, Family::Any, &reactor.mailbox());
        }
        for id in 15..20 {
            resolver.forget(Request::Connect(id));
        }
        drop(gate);
        assert_eq!(answers(&mut reactor, 15).len(), 15);
        let asked = ASKED.lock().unwrap();
        assert!(asked.len() == 15 && !asked.contains(&"n15".to_owned()), "{asked:?}");
    }
}
