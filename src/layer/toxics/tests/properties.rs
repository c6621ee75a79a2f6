//! Whatever happens to a stream of toxics, and however late it is polled: what holds always.

use proptest::prelude::*;

use super::*;

/// Toxics that lose nothing.
fn harmless() -> impl Strategy<Value = Toxic> {
    prop_oneof![
        (0..400u64, 0..400u64)
            .prop_map(|(latency, jitter)| Toxic::Latency { latency: ms(latency), jitter: ms(jitter) }),
        (1..50u64).prop_map(|rate| Toxic::Bandwidth { rate }),
        (0..400u64).prop_map(|delay| Toxic::SlowClose { delay: ms(delay) }),
        (1..40usize, 0..60usize, 0..9000u64).prop_map(|(average_size, size_variation, delay)| Toxic::Slicer {
            average_size,
            size_variation,
            delay: Duration::from_micros(delay),
        }),
    ]
}

fn any_toxic() -> impl Strategy<Value = Toxic> {
    prop_oneof![
        4 => harmless(),
        1 => Just(bandwidth(0)),
        1 => proptest::option::of(0..500u64).prop_map(|timeout| Toxic::Timeout { timeout: timeout.map(ms) }),
        1 => (0..500u64).prop_map(|timeout| Toxic::ResetPeer { timeout: ms(timeout) }),
        1 => (0..600u64, any::<bool>())
            .prop_map(|(bytes, reset)| limit(bytes, if reset { Then::Reset } else { Then::Close })),
    ]
}

/// One step of a test.
#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Wait(u64),
    /// Time passes without a poll.
    Oversleep(u64),
    Add(Toxic),
    Remove(Option<&'static str>),
}

fn steps(toxic: impl Strategy<Value = Toxic> + 'static) -> impl Strategy<Value = Vec<Step>> {
    let names = ["latency", "bandwidth", "slow_close", "slicer", "timeout", "reset_peer", "limit_data"];
    let step = prop_oneof![
        6 => (1..300usize).prop_map(Step::Push),
        3 => (0..200u64).prop_map(Step::Wait),
        1 => (0..200u64).prop_map(Step::Oversleep),
        2 => toxic.prop_map(Step::Add),
        1 => proptest::option::of(proptest::sample::select(names.to_vec())).prop_map(Step::Remove),
    ];
    proptest::collection::vec(step, 0..30)
}

/// Goes through the steps, then ends the stream; gives what was pushed.
fn play(bench: &mut Bench, steps: &[Step]) -> Vec<u8> {
    let mut pushed = Vec::new();
    for step in steps {
        match step {
            Step::Push(n) => {
                let bytes: Vec<u8> = (pushed.len()..pushed.len() + n).map(|n| (n % 251) as u8).collect();
                pushed.extend(&bytes);
                bench.push(&bytes);
            }
            Step::Wait(time) => _ = bench.run(ms(*time)),
            Step::Oversleep(time) => bench.now += ms(*time),
            Step::Add(toxic) => {
                bench.add(*toxic);
                bench.poll();
            }
            Step::Remove(name) => {
                bench.stack.remove(bench.now, *name);
                bench.poll();
            }
        }
    }
    bench.eof().run_out();
    pushed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn harmless_toxics_pass_exactly_the_bytes_and_then_the_end(seed: u64, steps in steps(harmless())) {
        let mut bench = Bench::seeded(seed, &[]);
        let pushed = play(&mut bench, &steps);
        prop_assert_eq!(bench.bytes(), pushed);
        let ends = bench.left.iter().filter(|(_, output)| data_of(output).is_none()).count();
        prop_assert_eq!(ends, 1);
        prop_assert_eq!(&bench.left.last().unwrap().1, &Flow::Eof);
        prop_assert_eq!(bench.stack.held(), 0);
    }

    #[test]
    fn any_toxics_pass_a_beginning_and_nothing_after_an_end(seed: u64, steps in steps(any_toxic())) {
        let mut bench = Bench::seeded(seed, &[]);
        let pushed = play(&mut bench, &steps);
        let heal = bench.stack.remove(bench.now, None);
        bench.poll();
        // Missing data is always followed by an end of the connection, never by more data.
        prop_assert!(pushed.starts_with(&bench.bytes()), "healed {heal}");
        let first_end = bench.left.iter().position(|(_, output)| data_of(output).is_none());
        let after = &bench.left[first_end.expect("all streams end once healed")..];
        match after {
            [(_, Flow::Eof)] => prop_assert_eq!(bench.bytes(), pushed),
            [(_, Flow::Eof), (_, end)] => prop_assert!(end.ends_connection()),
            [(_, end)] => prop_assert!(end.ends_connection()),
            _ => prop_assert!(false, "{after:?}"),
        }
    }

    #[test]
    fn the_same_seed_is_the_same_run(seed: u64, steps in steps(any_toxic())) {
        let (mut one, mut two) = (Bench::seeded(seed, &[]), Bench::seeded(seed, &[]));
        play(&mut one, &steps);
        play(&mut two, &steps);
        prop_assert_eq!(one.left, two.left);
    }
}
