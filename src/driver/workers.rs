//! `--workers`: several loops, each with a script of its own, that share a port and nothing else.
//!
//! Owns starting them and ending them together: the first that ends says what the run ends with. The system shares
//! out the clients (`SO_REUSEPORT`, socket(7)).

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

use crate::config::{Config, Role};
use crate::driver::world::Mail;
use crate::endpoint::Endpoint;
use crate::error::{Error, cause};
use crate::exit::Exit;
use crate::net::reactor::Mailbox;
use crate::sys::stack;

/// All loops of a run.
#[derive(Default)]
struct WorkerGroup {
    mailboxes: Mutex<Vec<Mailbox<Mail>>>,
    exit: OnceLock<Exit>,
    /// So many of the others listen; and a way to wait for the next, or for an end.
    listening: Mutex<usize>,
    news: Condvar,
}

/// One of the loops of a run.
#[derive(Clone)]
pub(super) struct Worker {
    group: Arc<WorkerGroup>,
    number: usize,
}

impl Worker {
    /// Whether it speaks for all.
    pub(super) fn is_first(&self) -> bool {
        self.number == 0
    }

    /// The loop can be told to stop from now on; at once, if the run has ended meanwhile.
    pub(super) fn enter(&self, mailbox: Mailbox<Mail>) {
        let mut mailboxes = self.group.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(exit) = self.group.exit.get() {
            mailbox.post(Mail::Stop(*exit));
        }
        mailboxes.push(mailbox);
    }

    /// It listens.
    pub(super) fn note_listening(&self) {
        *self.group.listening.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.group.news.notify_all();
    }

    /// Waits until so many of the others listen; `false`: one of them has ended instead.
    fn wait_for(&self, others: usize) -> bool {
        let mut listening = self.group.listening.lock().unwrap_or_else(PoisonError::into_inner);
        while *listening < others && self.group.exit.get().is_none() {
            listening = self.group.news.wait(listening).unwrap_or_else(PoisonError::into_inner);
        }
        self.group.exit.get().is_none()
    }

    /// The run ends: the first says with what, and all others stop.
    pub(super) fn end(&self, exit: Exit) {
        let mailboxes = self.group.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        if self.group.exit.set(exit).is_ok() {
            for mailbox in mailboxes.iter() {
                mailbox.post(Mail::Stop(exit));
            }
        }
        drop(mailboxes);
        // Whoever has just looked and is about to wait has to hear it.
        drop(self.group.listening.lock().unwrap_or_else(PoisonError::into_inner));
        self.group.news.notify_all();
    }
}

/// Makes the loops of a run.
pub(super) trait Loops: Sync {
    /// One loop.
    type Loop: Loop;

    /// Makes a loop and starts what its role asks for.
    ///
    /// # Errors
    /// It cannot be made, and why was told. A fault of the start itself is told by the loop.
    fn start(&self, config: Config, worker: Worker) -> Result<Self::Loop, Exit>;
}

/// One loop of a run, started.
pub(super) trait Loop {
    /// Runs until it listens, which takes a while where a name is resolved first. Returns where it does; breaks if the run
    /// has ended before that.
    fn listen(&mut self) -> ControlFlow<Exit, Option<SocketAddr>>;

    /// Tells everybody who waits for the listener that all loops listen.
    fn announce(&mut self);

    /// Tells a fault that ends the run.
    fn fail(&mut self, error: &Error);

    /// Runs until the end.
    fn run(self) -> Exit;
}

/// Runs `count` loops; the first on this thread. It listens before the others start, so that all know the port.
pub(super) fn run<L: Loops>(config: &Config, count: usize, loops: &'static L) -> Exit {
    let first = Worker { group: Arc::default(), number: 0 };
    let mut driver = match loops.start(config.clone(), first.clone()) {
        Ok(driver) => driver,
        Err(exit) => return exit,
    };
    let address = match driver.listen() {
        ControlFlow::Continue(address) => address,
        ControlFlow::Break(exit) => return exit,
    };
    let mut threads = Vec::new();
    for number in 1..count {
        let Some(address) = address else { break };
        let worker = Worker { number, ..first.clone() };
        let config = config_of(config, number, address);
        let thread = stack::spawn(move || work(&config, &worker, loops));
        match thread {
            Ok(thread) => threads.push(thread),
            Err(fault) => {
                driver.fail(&Error::System { operation: "start a worker", cause: cause(&fault) });
                break;
            }
        }
    }
    // No client is to come before all are there: one whose on_start ends the run says so first.
    if first.wait_for(threads.len()) {
        driver.announce();
    }
    let exit = driver.run();
    for thread in threads {
        if let Err(panic) = thread.join() {
            // Told where all bugs are told.
            resume_unwind(panic);
        }
    }
    first.group.exit.get().copied().unwrap_or(exit)
}

fn work<L: Loops>(config: &Config, worker: &Worker, loops: &L) {
    let run = || match loops.start(config.clone(), worker.clone()) {
        Ok(mut driver) => match driver.listen() {
            ControlFlow::Break(exit) => exit,
            ControlFlow::Continue(address) => {
                if address.is_some() {
                    worker.note_listening();
                }
                driver.run()
            }
        },
        Err(exit) => exit,
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(exit) => worker.end(exit),
        Err(panic) => {
            worker.end(Exit::Bug);
            resume_unwind(panic);
        }
    }
}

/// What the others do: the same, on the port that is known now, and the ready file is the first's.
fn config_of(config: &Config, number: usize, address: SocketAddr) -> Config {
    let mut config = config.clone();
    if let Role::Listen(listen) = &mut config.role {
        // A name is resolved once, so that all have the same address.
        let host = match listen.address.name_to_resolve() {
            Some(_) => Some(address.ip().to_string()),
            None => listen.address.host().map(str::to_owned),
        };
        listen.address = Endpoint::Tcp { host, port: address.port() };
        listen.ready_file = None;
    }
    if let Some(seed) = config.script.as_mut().and_then(|script| script.seed.as_mut()) {
        *seed = seed.wrapping_add(number as u64);
    }
    config
}
