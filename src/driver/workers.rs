//! `--workers`: several loops, each with a script of its own, that share a port and nothing else.
//!
//! Owns starting and ending them together: the first that ends decides the exit code. The kernel distributes the clients
//! (`SO_REUSEPORT`, socket(7)).

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

use crate::config::{Config, Role};
use crate::driver::world::Mail;
use crate::error::Error;
use crate::exit::Exit;
use crate::net::reactor::Mailbox;
use crate::output::Totals;
use crate::output::told::Told;
use crate::sys::stack;

/// State shared by all loops of a run.
#[derive(Default)]
struct WorkerGroup {
    mailboxes: Mutex<Vec<Mailbox<Mail>>>,
    exit: OnceLock<Exit>,
    /// Number of other workers that listen; `news` signals a change, or the end of the run.
    listening: Mutex<usize>,
    news: Condvar,
    /// Number of loops that are not over, and what those that are have counted.
    counted: Mutex<(usize, Totals)>,
    /// What they have said.
    told: Told,
}

/// One of the loops of a run.
#[derive(Clone)]
pub(super) struct Worker {
    group: Arc<WorkerGroup>,
    number: usize,
}

impl Worker {
    /// Whether it is the first, which announces the listener.
    pub(super) fn is_first(&self) -> bool {
        self.number == 0
    }

    /// What the loops have said, for one of them.
    pub(super) fn told(&self) -> Told {
        self.group.told.beside()
    }

    /// Adds the mailbox of a loop, which gets a stop at once if the run has ended already.
    pub(super) fn enter(&self, mailbox: Mailbox<Mail>) {
        let mut mailboxes = self.group.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(exit) = self.group.exit.get() {
            mailbox.post(Mail::Stop(*exit));
        }
        mailboxes.push(mailbox);
        self.group.counted.lock().unwrap_or_else(PoisonError::into_inner).0 += 1;
    }

    /// Adds what a loop has counted that is over. Returns the sum once no other goes on.
    pub(super) fn leave(&self, totals: Totals) -> Option<Totals> {
        let mut counted = self.group.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, sum) = &mut *counted;
        *left = left.saturating_sub(1);
        *sum = sum.plus(totals);
        (*left == 0).then(|| std::mem::take(sum))
    }

    /// Notes that this worker listens.
    pub(super) fn note_listening(&self) {
        *self.group.listening.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.group.news.notify_all();
    }

    /// Waits until `others` workers listen. Returns false if one of them has ended instead.
    fn wait_for(&self, others: usize) -> bool {
        let mut listening = self.group.listening.lock().unwrap_or_else(PoisonError::into_inner);
        while *listening < others && self.group.exit.get().is_none() {
            listening = self.group.news.wait(listening).unwrap_or_else(PoisonError::into_inner);
        }
        self.group.exit.get().is_none()
    }

    /// Ends the run. The first exit code counts, and all other workers stop.
    pub(super) fn end(&self, exit: Exit) {
        let mailboxes = self.group.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        if self.group.exit.set(exit).is_ok() {
            for mailbox in mailboxes.iter() {
                mailbox.post(Mail::Stop(exit));
            }
        }
        drop(mailboxes);
        // A waiter between its check and its wait holds this lock: without taking it, it would miss the signal.
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
    /// It cannot be made; the error has been reported. An error of the start itself is reported by the loop.
    fn start(&self, config: Config, worker: Worker) -> Result<Self::Loop, Exit>;
}

/// One loop of a run, started.
pub(super) trait Loop {
    /// Runs until it listens, which takes a while if a name is resolved first. Returns the address; breaks if the run ends
    /// before that.
    fn listen(&mut self) -> ControlFlow<Exit, Option<SocketAddr>>;

    /// Announces the listener (ready file, message): all loops listen.
    fn announce(&mut self);

    /// Reports an error that ends the run.
    fn fail(&mut self, error: &Error);

    /// Runs until the end.
    fn run(self) -> Exit;
}

/// Runs `count` loops, the first on this thread. It listens before the others start, so that all use the same port.
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
                // The system says EAGAIN for threads, too.
                let is_shortage = fault.kind() == std::io::ErrorKind::WouldBlock;
                let threads = || Error::Shortage { what: format!("threads ({number} of {count} workers run)") };
                driver.fail(&if is_shortage { threads() } else { Error::system("start a worker", &fault) });
                break;
            }
        }
    }
    // Announced after all workers listen, because the on_start of any of them may end the run.
    if first.wait_for(threads.len()) {
        driver.announce();
    }
    let exit = driver.run();
    for thread in threads {
        if let Err(panic) = thread.join() {
            // The panic handler of the process reports it.
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

/// The configuration of another worker: the same port, and no ready file.
fn config_of(config: &Config, number: usize, address: SocketAddr) -> Config {
    let mut config = config.clone();
    if let Role::Listen(listen) = &mut config.role {
        // A name is resolved once, so that all workers have the same address.
        let host = match listen.address.name_to_resolve() {
            Some(_) => Some(address.ip().to_string()),
            None => listen.address.host().map(str::to_owned),
        };
        listen.address = listen.address.moved_to(host, address.port());
        listen.ready_file = None;
    }
    if let Some(seed) = config.script.as_mut().and_then(|script| script.seed.as_mut()) {
        *seed = seed.wrapping_add(number as u64);
    }
    config
}
