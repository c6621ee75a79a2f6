//! The parts of the driver: no two of its files know each other both ways, by imports or by methods they call on the
//! structs that wire them; and nothing but the loop wires through `Driver`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Structs whose methods stand in several files: a call of such a method is a step to the file that defines it.
const WIRED: &[&str] = &["Parts", "Driver"];
/// Files that may have an `impl Driver`: the loop and what makes it.
const LOOP: &[&str] = &["mod", "build"];

/// The files of the driver by name, without comments and without their tests.
fn files() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/driver");
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder of the driver") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("read a file");
            files.insert(name, code(&text));
        }
    }
    files
}

fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty())
}

/// The blocks `impl NAME {` of a file, as text.
fn impls<'a>(code: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!("impl {name} {{");
    code.match_indices(&start).map(|(at, _)| code[at..].split("\n}").next().unwrap_or_default()).collect()
}

/// The functions that a text defines.
fn defined(code: &str) -> impl Iterator<Item = &str> {
    code.split("fn ").skip(1).filter_map(|rest| words(rest).next())
}

/// The names that a text calls as methods of `self`, `parts` or `self.parts`.
fn called(code: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for receiver in ["self.", "parts."] {
        for (at, _) in code.match_indices(receiver) {
            let rest = &code[at + receiver.len()..];
            let name = words(rest).next().unwrap_or_default();
            if rest[name.len()..].starts_with('(') {
                found.insert(name);
            }
        }
    }
    found
}

/// Which file of the driver each file reaches, and how.
fn steps(files: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeMap<&str, String>> {
    let mut owners = BTreeMap::new();
    for (name, code) in files {
        for block in WIRED.iter().flat_map(|wired| impls(code, wired)) {
            owners.extend(defined(block).map(|function| (function, name.as_str())));
        }
    }
    let mut steps: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    for (from, code) in files {
        let reached = steps.entry(from).or_default();
        for to in files.keys().filter(|to| *to != from) {
            let is_imported = [format!("driver::{to}::"), format!("use {to}::"), format!("super::{to}::")];
            // The crate's `io` of the standard library is another one.
            let imports = is_imported.iter().any(|path| code.contains(path.as_str()) && !path.starts_with("use io::"))
                || (from == "mod" && code.contains(&format!("\nuse {to}::")));
            if imports {
                reached.insert(to, format!("imports {to}"));
            }
        }
        if code.contains("driver::{Driver") || code.contains("driver::Driver") {
            reached.insert("mod", "imports Driver".into());
        }
        for block in WIRED.iter().flat_map(|wired| impls(code, wired)) {
            for function in called(block) {
                if let Some(&owner) = owners.get(function).filter(|owner| *owner != from) {
                    reached.entry(owner).or_insert_with(|| format!("calls {function}()"));
                }
            }
        }
    }
    steps
}

/// A circle in the steps, file by file.
fn circle<'a>(steps: &BTreeMap<&'a str, BTreeMap<&'a str, String>>) -> Option<Vec<String>> {
    fn visit<'a>(
        at: &'a str,
        steps: &BTreeMap<&'a str, BTreeMap<&'a str, String>>,
        path: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<String>> {
        if let Some(start) = path.iter().position(|seen| *seen == at) {
            let round = path[start..].iter().chain([&at]).collect::<Vec<_>>();
            return Some(round.windows(2).map(|pair| format!("{} {}", pair[0], steps[*pair[0]][*pair[1]])).collect());
        }
        if !done.insert(at) {
            return None;
        }
        path.push(at);
        let found = steps.get(at).into_iter().flat_map(BTreeMap::keys).find_map(|next| visit(next, steps, path, done));
        path.pop();
        found
    }
    let mut done = BTreeSet::new();
    steps.keys().find_map(|start| visit(start, steps, &mut Vec::new(), &mut done))
}

#[test]
fn no_two_parts_of_the_driver_call_each_other_both_ways() {
    let files = files();
    let mut steps = steps(&files);
    // Making the loop is part of it: `build` is its constructor.
    steps.get_mut("build").expect("build is a file").remove("mod");
    assert!(steps["events"].contains_key("commands"), "the search finds calls");
    assert!(steps["peers"].contains_key("peer"), "the search finds imports");
    assert_eq!(circle(&steps), None);
}

#[test]
fn only_the_loop_is_written_over_the_whole_driver() {
    for (name, code) in files() {
        assert!(
            LOOP.contains(&name.as_str()) || !words(&code).any(|word| word == "Driver"),
            "src/driver/{name}.rs knows Driver: it can return a value instead"
        );
        assert!(!code.contains(": Option<&mut Peer>"), "src/driver/{name}.rs hands a peer around outside of its table");
    }
}

#[test]
fn a_circle_is_found_and_named() {
    let parts = [
        ("a", "use crate::driver::b::B;\nimpl Parts {\n    fn one(&mut self) {\n        self.two();\n    }\n}\n"),
        ("b", "impl Parts {\n    fn two(&mut self) {\n        self.three();\n    }\n}\n"),
        ("c", "impl Parts {\n    fn three(&mut self) {\n        self.one();\n    }\n}\n"),
    ];
    let files = parts.map(|(name, code)| (name.to_owned(), code.to_owned())).into();
    let found = circle(&steps(&files)).expect("a circle");
    assert_eq!(found, ["a imports b", "b calls three()", "c calls one()"]);
}

#[test]
fn no_decision_of_the_driver_compares_strings() {
    for (name, code) in files() {
        for line in code.lines() {
            let compares = line.contains("== \"") || line.contains("!= \"") || line.contains("as_str() {");
            assert!(!compares, "src/driver/{name}.rs decides by a string: {}", line.trim());
        }
    }
}
