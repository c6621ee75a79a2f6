//! `docs/reports.md` shows what is really written.

use super::*;

/// The run that the document shows.
fn run() -> [TestResult; 3] {
    let differ = Failure {
        expected: Some(text("+PONG\r")),
        received: Some(text("+PING\r")),
        ..failure(Kind::Check, "the replies differ")
    };
    let ping = TestResult {
        duration: Duration::from_millis(31),
        events: vec!["connected to 127.0.0.1:6379".to_owned()],
        printed: "what the test printed\n".to_owned(),
        ..failed("test_ping", vec![differ])
    };
    let tls = TestResult {
        outcome: Outcome::Skipped { reason: "no certificate".to_owned() },
        checks: 0,
        duration: Duration::ZERO,
        ..passed("test_tls")
    };
    [TestResult { duration: Duration::from_millis(12), ..passed("test_login") }, ping, tls]
}

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reports.md")).expect("the document")
}

#[test]
fn its_examples_are_real() {
    let document = document();
    let blocks: Vec<_> = document.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect();
    let mut reports = [
        report(&mut Human::new(false), &run(), Ended::Complete),
        report(&mut tap(), &run(), Ended::Complete),
        report(&mut junit(), &run(), Ended::Complete),
        report(&mut json(), &run(), Ended::Complete),
    ];
    // Of XML it shows the beginning.
    reports[2].truncate(blocks[2].1.len());
    assert_eq!(blocks.len(), reports.len());
    for ((_, block), report) in blocks.iter().zip(reports) {
        assert_eq!(*block, report);
    }
}

#[test]
fn it_names_every_field_of_json() {
    fn walk(json: &Json, keys: &mut Vec<String>) {
        match json {
            Json::Object(fields) => fields.iter().for_each(|(key, value)| {
                keys.push(key.clone());
                walk(value, keys);
            }),
            Json::Array(values) => values.iter().for_each(|value| walk(value, keys)),
            _ => {}
        }
    }
    let document = document();
    let section = document.split("\n## JSON\n").nth(1).expect("a section");
    let mut keys = Vec::new();
    walk(
        &serde_json::from_str(&report(&mut json(), &suite(Ended::FailFast), Ended::FailFast)).expect("JSON"),
        &mut keys,
    );
    assert!(keys.len() > 100 && keys.contains(&"base64".to_owned()));
    let missing: Vec<_> = keys.iter().filter(|key| !section.contains(&format!("`{key}`"))).collect();
    assert_eq!(missing, [""; 0]);
}
