//! Transcripts: whole runs of the driver in a fake world, each compared word for word.
//!
//! A transcript begins with the command line. Lines with `$` are true before the run: what stdin is, what the network does.
//! Lines with `>` are steps of the world, done in order whenever the loop would sleep; `; ` puts several into one step. Every
//! other line is something the loop did, in order; `at TIME` stands before what happened at another time than the line above.
//! Nothing waits: time jumps to the next deadline once there is no step, or where `> wait` says so.
//!
//! With UDP each `sends` is a datagram. Sockets have numbers from 1, in the order in which they are connected or come. Bytes are `"text"` or `x*1000`.
//! Every transcript is run again with the least budgets, little at a time, and has to come to the same in each stream.
//! `$ turns matter` says that it legitimately does not.
//!
//! `> script CODE` writes the file of the script anew. Only what stops a call of a script goes by the system's clock,
//! `--timeout` included: beside a script it is to be long.

#![allow(clippy::needless_raw_string_hashes, reason = "every transcript is quoted alike")]

mod access;
mod arriving;
mod asking;
mod checks;
mod datagrams;
mod dialing;
mod early;
mod endings;
mod fakes;
mod faults;
mod halves;
mod hanging_up;
mod holding;
mod interactive;
mod layered;
mod lingering;
mod listening;
mod logging_in;
mod one_liners;
mod opening;
mod outputs;
mod pacing;
mod peer_silence;
mod proxies;
mod readers;
mod reconnecting;
mod relaying;
mod retrying;
mod running;
mod scanning;
mod scripts;
mod serving;
mod session_company;
mod session_faults;
mod session_flow;
mod session_runs;
mod sessions;
mod stage;
mod task_errors;
mod tasks;
mod terminals;
mod times;
mod toxics;
mod turns;
mod typing;
mod waiting;
mod watching;

use std::cell::{OnceCell, RefCell};
use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fakes::FakeWorld;
use layered::Shouting;
use stage::{Shared, Stage};

use crate::cli::{self, Action};
use crate::config::Config;
use crate::driver::budgets::Budgets;
use crate::driver::{Driver, set_up};

/// Runs a transcript and compares it.
#[track_caller]
fn play(transcript: &str) {
    compare(transcript, None);
}

/// The same with a script, which the command line calls `SCRIPT`.
#[track_caller]
fn play_script(script: &str, transcript: &str) {
    compare(transcript, Some(script));
}

#[track_caller]
fn compare(transcript: &str, script: Option<&str>) {
    let lines: Vec<&str> = transcript.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let (command, rest) = lines.split_first().expect("a command line");
    let wanted: Vec<&str> = rest.iter().copied().filter(|line| !line.starts_with("$ ")).collect();
    let wanted = wanted.join("\n");
    let stage = run(command, rest, script, Budgets::default());
    let found = stage.borrow().transcript();
    assert!(found == wanted, "{command}\nfound:\n{found}\n\nwanted:\n{wanted}");
    if rest.contains(&"$ turns matter") {
        return;
    }
    // What stops at a budget goes on by itself: with the least budgets the same comes out.
    let piecemeal = run(command, rest, script, Budgets::ONE);
    let (whole, pieces) = (stage.borrow().outcome(), piecemeal.borrow().outcome());
    let (whole, pieces) = (whole.join("\n"), pieces.join("\n"));
    let found = piecemeal.borrow().transcript();
    assert!(whole == pieces, "{command}\nlittle at a time:\n{pieces}\n\nat once:\n{whole}\n\nby:\n{found}");
}

/// Runs a command line in a fresh world to its end.
fn run(command: &str, lines: &[&str], script: Option<&str>, budgets: Budgets) -> Shared {
    let setup: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("$ ")).collect();
    let steps = lines.iter().filter_map(|line| line.strip_prefix("> ")).map(str::to_owned).collect();
    let script = script.map(|text| Temporary::new(|path| std::fs::write(path, text).expect("write a script")));
    let fifo = command.contains("FIFO").then(|| {
        Temporary::new(|path| {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
        })
    });
    let mut stage = Stage::new(&setup, steps);
    let names = [(&script, "SCRIPT"), (&fifo, "FIFO")];
    let paths = names.iter().filter_map(|(file, name)| Some((file.as_ref()?.0.display().to_string(), *name)));
    stage.renamed = paths.collect();
    if let Some(Temporary(path)) = &fifo {
        stage.fifo = Some(std::fs::File::options().read(true).write(true).open(path).expect("open the pipe"));
    }
    let mut config = config(command, &stage.renamed);
    // The environment of the tests decides nothing.
    config.output.terminal.edits = stage.edits;
    (config.output.terminal.history, config.output.terminal.colours) = (None, false);
    let stage = Rc::new(RefCell::new(stage));
    let (driver, exit) = match set_up(config, None, &mut FakeWorld(Rc::clone(&stage), OnceCell::new())) {
        Err(exit) => (None, exit),
        Ok(mut driver) => {
            driver.parts.io.budgets = budgets;
            loop {
                add_layers(&mut driver, &stage.borrow());
                if let ControlFlow::Break(exit) = driver.turn() {
                    break (Some(driver), exit);
                }
            }
        }
    };
    stage.borrow_mut().tell(&format!("exit {}", exit.code()));
    // What the end of the process closes is no part of the run.
    stage.borrow_mut().is_over = true;
    drop(driver);
    stage
}

/// Gives new connections their layers.
fn add_layers(driver: &mut Driver, stage: &Stage) {
    let now = driver.parts.io.now;
    for slot in driver.parts.peers.slots() {
        if let Some(peer) = driver.parts.peers.get_mut(slot)
            && peer.link.is_transparent()
            && stage.is_layered(peer.id())
        {
            peer.link.add_layer(now, Box::new(Shouting::default()));
        }
    }
}

/// The configuration of a command line; quotes keep blanks together.
fn config(command: &str, names: &[(String, &'static str)]) -> Config {
    let mut words = Vec::new();
    for (number, part) in command.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    for word in &mut words {
        if let Some((path, _)) = names.iter().find(|(_, name)| word == name) {
            word.clone_from(path);
        }
    }
    match cli::parse(words.into_iter().map(OsString::from)) {
        Ok(Action::Run(config)) => *config,
        Ok(Action::Errand(errand)) => errand.runs().next().expect("a run"),
        Ok(Action::Wait(mut configs)) if configs.len() == 1 => configs.remove(0),
        other => panic!("{command}: {other:?}"),
    }
}

/// A file that is removed in the end.
struct Temporary(PathBuf);

impl Temporary {
    fn new(make: impl FnOnce(&PathBuf)) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tcpx-transcript-{}-{number}", std::process::id()));
        make(&path);
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
