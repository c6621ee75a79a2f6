//! Many runs of `main`: who begins when, and what is counted, by a clock that is set by hand.

use super::*;
use crate::load::Shard;
use crate::load::schedule::Rate;
use crate::script::tasks::test_id;

/// Clients in a world whose time is set by hand.
struct Bench {
    clients: Clients,
    progress: Progress,
    start: Instant,
    ids: u64,
}

impl Bench {
    fn new(clients: u64, duration: Option<u64>, rate: Option<f64>, ramp: u64) -> Self {
        let ramp = Duration::from_millis(ramp);
        let rate = rate.map(|rate| Schedule::new(Rate::new(rate, 1).unwrap(), ramp, Shard::WHOLE));
        let plan = Plan {
            clients,
            duration: duration.map(Duration::from_millis),
            schedule: rate,
            ramp: Ramp::new(ramp, clients, Shard::WHOLE),
        };
        let (progress, start) = (Progress::default(), Instant::now());
        let mut clients = Clients::new(plan, progress.clone());
        clients.begin(start);
        Self { clients, progress, start, ids: 0 }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    /// Begins every run that is due.
    fn begin(&mut self, ms: u64) -> Vec<TaskId> {
        let now = self.at(ms);
        let mut begun = Vec::new();
        while let Some(due) = self.clients.next(now) {
            self.ids += 1;
            let id = test_id(self.ids);
            self.clients.begun(id, due, now);
            begun.push(id);
        }
        begun
    }

    fn end(&mut self, id: TaskId, ms: u64, end: &RunEnd) {
        self.clients.ended(id, self.at(ms), end);
    }

    fn deadline(&self) -> Option<u64> {
        self.clients.deadline().map(|at| at.duration_since(self.start).as_millis() as u64)
    }
}

#[test]
fn without_a_duration_each_client_runs_once() {
    let mut bench = Bench::new(3, None, None, 0);
    let runs = bench.begin(0);
    assert_eq!((runs.len(), bench.deadline()), (3, None));
    for id in runs {
        bench.end(id, 20, &RunEnd::Good);
    }
    assert!(bench.begin(20).is_empty());
    assert!(bench.clients.is_finished(bench.at(20)));
    let counted = bench.progress.look();
    assert_eq!((counted.tally.runs, counted.ended), (3, Duration::from_millis(20)));
}

#[test]
fn a_client_begins_again_until_the_time_is_over_and_then_has_a_second() {
    let mut bench = Bench::new(1, Some(100), None, 0);
    let first = bench.begin(0)[0];
    bench.end(first, 60, &RunEnd::Failed("no".into()));
    assert_eq!(bench.deadline(), Some(0), "at once");
    let second = bench.begin(60)[0];
    assert_eq!(bench.deadline(), Some(1100));
    assert!(bench.clients.take_overdue(bench.at(1099)).is_empty());
    assert_eq!(bench.clients.take_overdue(bench.at(1100)), [second]);
    assert!(bench.clients.take_overdue(bench.at(1101)).is_empty(), "told once");
    bench.end(second, 1100, &RunEnd::Cut);
    assert!(bench.begin(1101).is_empty() && bench.clients.is_finished(bench.at(1101)));
    let counted = bench.progress.look();
    assert_eq!((counted.tally.runs, counted.tally.failed(), counted.tally.cut), (1, 1, 1));
}

#[test]
fn a_run_that_ends_as_the_last_thing_before_the_time_is_over_has_no_successor() {
    for others in [0, 1] {
        let mut bench = Bench::new(1 + others, Some(100), None, 0);
        let runs = bench.begin(0);
        bench.end(runs[0], 99, &RunEnd::Good);
        assert_eq!((bench.deadline(), bench.clients.is_finished(bench.at(100))), (Some(0), others == 0));
        assert!(bench.begin(100).is_empty());
        if others == 1 {
            assert_eq!(bench.deadline(), Some(1100), "nothing is to be done until then");
            bench.end(runs[1], 300, &RunEnd::Good);
            assert!(bench.clients.is_finished(bench.at(300)));
        }
        assert_eq!(bench.deadline(), Some(0), "it is over");
    }
}

#[test]
fn clients_begin_one_after_the_other_within_the_ramp() {
    let mut bench = Bench::new(4, None, None, 400);
    assert_eq!((bench.begin(0).len(), bench.deadline()), (1, Some(100)));
    assert_eq!((bench.begin(250).len(), bench.deadline()), (2, Some(300)));
}

#[test]
fn with_a_rate_times_count_from_when_a_run_was_due() {
    let mut bench = Bench::new(1, Some(300), Some(10.0), 0);
    let first = bench.begin(0)[0];
    // The second is due at 100 ms and finds no free client.
    assert!(bench.begin(150).is_empty());
    bench.end(first, 180, &RunEnd::Good);
    let second = bench.begin(180)[0];
    bench.end(second, 200, &RunEnd::Good);
    let third = bench.begin(200)[0];
    bench.end(third, 310, &RunEnd::Good);
    assert!(bench.begin(310).is_empty() && bench.clients.is_finished(bench.at(310)));
    let counted = bench.progress.look();
    let longest = |name: &str| counted.tally.measures[name].stat(crate::load::Stat::Max).unwrap() as u64 / 1000;
    assert_eq!((counted.tally.runs, counted.tally.late, counted.tally.unstarted), (3, 1, 0));
    assert_eq!((longest("run"), longest("run.service")), (180, 180));
    assert_eq!(counted.tally.measures["run"].recorded().min_us / 1000, 100, "20 ms of service, 80 of waiting");
}

#[test]
fn what_found_no_client_before_the_end_is_counted() {
    let mut bench = Bench::new(1, Some(500), Some(10.0), 0);
    let first = bench.begin(0)[0];
    bench.end(first, 600, &RunEnd::Good);
    assert!(bench.begin(600).is_empty() && bench.clients.is_finished(bench.at(600)));
    assert_eq!(bench.progress.look().tally.unstarted, 4);
}
