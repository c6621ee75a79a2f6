//! `tcpx run --clients`: loops that run a script's `main` many times, the line meanwhile, and the result.
//!
//! Owns how the load is divided among the loops of this process, the file of the result, which is created before the load begins, and
//! the order at the end: the result is printed and written before its conditions are reported. What is counted, `load` knows.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::report::{cannot_write, say_violations};
use super::{print, print_text};
use crate::cli::Load;
use crate::config::{Config, Target};
use crate::driver;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::load::schedule::{Ramp, Schedule};
use crate::load::{LoadResult, Part, RUN, Shard, Stat, Tally, Threshold};
use crate::output::console;
use crate::output::load::live::{Snapshot, line};
use crate::output::load::{summary, to_json};
use crate::output::told::Told;
use crate::script::{Plan, Progress};
use crate::sys::stack;

/// Time between two lines on a terminal.
const LIVE: Duration = Duration::from_millis(250);
/// Width of the line on a terminal.
const WIDTH: usize = 79;

/// Runs the load. Exit 1 if a run has failed, none has ended, or a condition holds.
pub(super) fn run(config: &Config, load: &Load) -> Result<Exit> {
    let now_us = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64;
    let file = match &load.json {
        Some(Target::File(path)) => Some((&**path, File::create(path).map_err(|error| cannot_write(path, &error))?)),
        _ => None,
    };
    if let Some(start) = load.start_at {
        match start.wait(now_us()) {
            Ok(time) => thread::sleep(time),
            Err(late) => console::warn(&format!("the start was {late:.1?} ago")),
        }
    }
    let (start_us, began) = (now_us(), Instant::now());
    let seed = config.script.as_ref().and_then(|script| script.seed).unwrap_or_default();
    let is_live = !config.output.quiet && io::stderr().is_terminal();
    let told = Told::default();
    let run_loop = |number: u32, progress: &Progress| {
        let (plan, mut config, progress) = (plan(load, number), config.clone(), progress.clone());
        let told = told.beside();
        if let Some(script) = &mut config.script {
            script.seed = Some(Shard::client_seed(load.shard.seed(seed), number.into()));
        }
        move || driver::run_clients(config.clone(), plan.clone(), progress.clone(), told.beside())
    };
    let loops: Vec<_> = (0..load.workers).map(|_| Progress::default()).collect();
    let exits = match &*loops {
        // In a process of one thread each system call costs less.
        [alone] if !is_live => vec![stack::with_large(run_loop(0, alone))],
        loops => {
            let (sender, ended) = mpsc::channel();
            let mut threads = Vec::new();
            for (number, progress) in (0..).zip(loops) {
                let (run, sender) = (run_loop(number, progress), sender.clone());
                let thread = stack::spawn(move || {
                    // Nobody waits any more if another loop has failed to start.
                    let _ = sender.send(run());
                });
                threads.push(thread.map_err(|error| Error::system("start a thread", &error))?);
            }
            drop(sender);
            let exits = wait(load, is_live, began, loops, &ended);
            for thread in threads {
                if let Err(panic) = thread.join() {
                    // The panic handler of the process reports it.
                    resume_unwind(panic);
                }
            }
            exits
        }
    };
    // Without the loops that could not begin there is no result of this load.
    let exits = match exits.into_iter().collect::<std::result::Result<Vec<_>, Exit>>() {
        Ok(exits) => exits,
        Err(exit) => return Ok(exit),
    };
    if let Some(exit) = exits.iter().copied().find(|exit| matches!(exit, Exit::Bug | Exit::Shortage)) {
        return Ok(exit);
    }
    let result = result(load, seed, start_us, &loops);
    finish(load, file, &result, &exits)
}

/// What one loop has to do.
fn plan(load: &Load, number: u32) -> Plan {
    // The loops of all shards take turns, as shards do.
    let workers = load.workers as u32;
    let part = Shard::new((load.shard.index() - 1) * workers + number + 1, load.shard.count() * workers);
    let part = part.unwrap_or(Shard::WHOLE);
    Plan {
        clients: part.share(load.clients),
        duration: load.duration,
        schedule: load.rate.map(|rate| Schedule::new(rate, load.ramp, part)),
        ramp: Ramp::new(load.ramp, load.clients, part),
    }
}

/// The exit code of a loop; the error is that of one that could not begin.
type End = std::result::Result<Exit, Exit>;

/// Waits for the ends of all loops, and shows where they are on a terminal.
fn wait(load: &Load, is_live: bool, began: Instant, loops: &[Progress], ended: &mpsc::Receiver<End>) -> Vec<End> {
    let mut exits = Vec::new();
    let mut last = (Instant::now(), 0);
    while exits.len() < loops.len() {
        match ended.recv_timeout(LIVE) {
            Ok(exit) => exits.push(exit),
            Err(RecvTimeoutError::Timeout) if is_live => {
                let mut now = snapshot(load, began, loops);
                let (since, runs) = last;
                let time = since.elapsed().as_secs_f64().max(0.001);
                now.last_second = ((now.runs - runs) as f64 / time) as u64;
                last = (Instant::now(), now.runs);
                driver::say(&format!("\r{}\x1b[K", line(&now, WIDTH)));
                driver::say_last("");
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if is_live {
        driver::say_last("\r\x1b[K");
    }
    exits
}

fn snapshot(load: &Load, began: Instant, loops: &[Progress]) -> Snapshot {
    let mut tally = Tally::default();
    let mut busy = 0;
    for progress in loops {
        let counted = progress.look();
        tally.merge(&counted.tally, 0);
        busy += counted.busy;
    }
    let stat = |stat| tally.measures.get(RUN).and_then(|measure| measure.stat(stat));
    Snapshot {
        elapsed: began.elapsed(),
        planned: load.duration,
        runs: tally.runs,
        failed: tally.failed(),
        busy,
        clients: load.shard.share(load.clients),
        p50_us: stat(Stat::P50),
        p99_us: stat(Stat::P99),
        ..Snapshot::default()
    }
}

fn result(load: &Load, seed: u64, start_us: i64, loops: &[Progress]) -> LoadResult {
    let mut tally = Tally::default();
    let mut ended = Duration::ZERO;
    for progress in loops {
        let counted = progress.look();
        tally.merge(&counted.tally, 0);
        ended = ended.max(counted.ended);
    }
    let share = f64::from(load.shard.count());
    let part = Part {
        shard: load.shard,
        seed,
        clients: load.shard.share(load.clients),
        target_rate: load.rate.map(|rate| rate.per_second() / share),
        start_us,
        duration_us: ended.as_micros() as u64,
        runs: 0,
        failed: 0,
    };
    LoadResult::of_run(part, tally)
}

/// Prints and writes the result, and says what it means.
fn finish(load: &Load, file: Option<(&Path, File)>, result: &LoadResult, exits: &[Exit]) -> Result<Exit> {
    // Neither costs the other: the run cannot be had again.
    let printed = match &load.json {
        Some(Target::Stdout) => print(&to_json(result)),
        _ => print_text(&summary(result)),
    };
    let written = match file {
        Some((path, mut file)) => {
            file.write_all(to_json(result).as_bytes()).map_err(|error| cannot_write(path, &error))
        }
        None => Ok(()),
    };
    let printed = printed?;
    written?;
    let is_violated = say_violations(&load.fail_if, result);
    if let Some(exit) = exits.iter().copied().find(|exit| !matches!(exit, Exit::Success | Exit::Script(0))) {
        return Ok(exit);
    }
    // A condition about failures says how many are allowed.
    let allows_failures = load.fail_if.iter().any(Threshold::is_about_failures);
    let (failed, runs) = (result.tally().failed(), result.tally().runs);
    if failed > 0 && !allows_failures && !is_violated {
        console::error(&Error::Verdict { message: format!("{failed} of {runs} runs failed") });
    }
    // Of a run in which nothing has ended, nothing is known, unless a condition says that it may be so.
    let (cut, unstarted) = (result.tally().cut, result.tally().unstarted);
    let has_no_end = runs == 0 && cut + unstarted > 0 && !load.fail_if.iter().any(Threshold::is_about_ends);
    if has_no_end && !is_violated {
        console::error(&Error::Verdict { message: format!("no run has ended: {cut} cut") });
    }
    Ok(if is_violated || failed > 0 && !allows_failures || has_no_end { Exit::Verdict } else { printed })
}
