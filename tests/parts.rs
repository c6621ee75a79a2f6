//! The parts of the driver: no two of its files know each other both ways, by imports or by calls of methods on the
//! structs that wire them; the layers of wiring call only those before them; only the loop is written over `Driver`.
//!
//! A text search, not a compiler: what it cannot follow (renamed imports, globs, traits and callbacks over the wired
//! structs) is forbidden instead.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::floors;

/// Structs whose methods stand in several files: a call of such a method is a step to the file that defines it.
const WIRED: [&str; 2] = ["Parts", "Driver"];
/// Files that may name `Driver`: the loop and its constructor.
const LOOP: [&str; 2] = ["mod", "build"];
/// The trait by which `workers` runs several loops without knowing `Driver`.
const TRAIT_OF_THE_LOOP: &str = "Loop";
/// The layers of wiring over `Parts`. A file of one layer reaches files of earlier layers only, never of its own; every
/// other file of the driver reaches none of them.
const LAYERS: [&[&str]; 11] = [
    &["parts"],
    &["pairs"],
    &["executing", "redialing", "scanning"],
    &["commands"],
    &["events"],
    &["turns"],
    &["refusing"],
    &["feeding", "opening", "closing", "memory"],
    &["talking"],
    &["typing"],
    &LOOP,
];

/// Which files each file reaches, and how.
type Steps = BTreeMap<String, BTreeMap<String, String>>;

#[test]
fn no_two_parts_of_the_driver_call_each_other_both_ways() {
    let mut steps = steps(&files());
    // Making the loop is part of it: `build` is the constructor of `Driver`, and calls none of its methods.
    let constructor = steps.get_mut("build").expect("build is a file").remove("mod");
    assert_eq!(constructor.as_deref(), Some("imports mod"));
    for (from, to, how) in [
        ("events", "commands", "calls apply()"),
        ("turns", "events", "calls call_timer()"),
        ("peers", "peer", "imports peer"),
        ("feeding", "bulk", "imports bulk"),
        ("mod", "turns", "calls peer_timers()"),
        ("mod", "closing", "calls carry_out_stop()"),
    ] {
        assert_eq!(steps[from].get(to).map(String::as_str), Some(how), "{from} to {to}: the search finds it");
    }
    assert_eq!(circle(&steps), None);
}

#[test]
fn the_layers_of_wiring_call_only_those_before_them() {
    let layer_of = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    let mut steps = steps(&files());
    for name in LOOP {
        // The two are one: see above.
        steps.get_mut(name).expect("a file of the loop").retain(|to, _| !LOOP.contains(&to.as_str()));
    }
    for name in LAYERS.iter().copied().flatten() {
        assert!(steps.contains_key(*name), "src/driver/{name}.rs is gone");
    }
    for (from, reached) in &steps {
        for (to, how) in reached {
            let is_allowed = match (layer_of(from), layer_of(to)) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(from), Some(to)) => to < from,
            };
            assert!(is_allowed, "src/driver/{from}.rs {how} ({to}.rs)");
        }
    }
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
fn nothing_hides_a_call_from_this_search() {
    for (name, code) in files() {
        assert_eq!(hidden(&code), [""; 0], "src/driver/{name}.rs");
    }
}

#[test]
fn no_decision_of_the_driver_compares_strings() {
    for (path, text) in sources() {
        if path.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        for line in without_tests(&text).lines().map(|line| line.split("//").next().unwrap_or_default()) {
            let compares = line.contains("== \"") || line.contains("!= \"") || line.contains("as_str() {");
            assert!(!compares, "{} decides by a string: {}", path.display(), line.trim());
        }
    }
}

// ---- tests of the search ------------------------------------------------------------------------------

#[test]
fn a_circle_is_found_and_named() {
    let found = circle(&steps(&parts(&[
        ("a", "use crate::driver::b::B;\nimpl Parts { fn one(&mut self) { self.two(); } }"),
        ("b", "impl Parts { fn two(&mut self) { self.three(); } }"),
        ("c", "impl Parts { fn three(&mut self) { self.one(); } }"),
    ])));
    assert_eq!(found.expect("a circle"), ["a imports b", "b calls three()", "c calls one()"]);
}

#[test]
fn every_form_of_a_call_is_a_step() {
    for text in [
        "impl Parts { fn one(&mut self) { self.two(); } }",
        "impl Parts { fn one(&mut self) { self\n        .two(); } }",
        "impl Parts { fn one(&mut self) { self.two::<u8>(7); } }",
        "impl Parts { fn one(&mut self) { Self::two(self); } }",
        "impl Parts { fn one(&mut self) { it.map(Self::two); } }",
        "impl Parts { fn one(&mut self) { <Self>::two(self); } }",
        "impl Parts { fn one(&mut self) { (*self).two(); } }",
        "impl Parts { fn one(&mut self) { let it = &mut *self; it.two(); } }",
        "impl Parts { fn one(&mut self) { let all = self; all.two(); } }",
        "impl super::parts::Parts { fn one(&mut self) { if x { self.two() } } }",
        "mod inner { impl Parts { fn one(&mut self) { self.two() } } }",
        "impl Driver { fn one(&mut self) { self.parts.two(); } }",
        "impl Driver { fn one(&mut self) { let all = &mut self.parts; all.two(); } }",
        "fn one(all: &mut Parts) { all.two(); }",
        "fn one(all: &Parts) { all.two(); }",
        "fn one(driver: &mut Driver) { driver.parts.two(); }",
        "fn one(driver: &mut Driver) { (&mut driver.parts).two(); }",
        "fn one(all: &mut Parts) { Parts::two(all); }",
        "fn one(all: &mut Parts) { b(all, Parts::two); }",
        "impl Stdin { fn one(&mut self, all: &mut Parts) { all.two(); } }",
        "struct One<'a> { all: &'a mut Parts }\nimpl One<'_> { fn one(&mut self) { self.all.two(); } }",
        "impl Driver { fn all(&mut self) -> &mut Parts { x } fn one(&mut self) { self.all().two(); } }",
        "trait One { fn one(&mut self); }\nimpl One for Parts { fn one(&mut self) { self.two(); } }",
    ] {
        let steps = steps(&parts(&[("a", text), ("b", "impl Parts { fn two(&mut self) {} }")]));
        assert_eq!(steps["a"].get("b").map(String::as_str), Some("calls two()"), "{text}");
    }
    for text in [
        "impl Parts { fn one(&mut self) { self.stdin.two(); } }",
        "impl Parts { fn one(&mut self) { self.two; } fn two(&mut self) {} }",
        "impl Stdin { fn one(&mut self) { self.two(); } }",
        "// self.two()\nimpl Parts { fn one(&mut self) { f(\"self.two()\"); } }",
    ] {
        let steps = steps(&parts(&[("a", text), ("b", "impl Parts { fn two(&mut self) {} }")]));
        assert!(steps["a"].is_empty(), "{text}");
    }
}

#[test]
fn a_method_of_the_same_name_hides_no_other() {
    let steps = steps(&parts(&[
        ("a", "impl Driver { fn one(&mut self) { self.parts.two(); } }"),
        ("b", "impl Parts { fn two(&mut self) {} }"),
        ("c", "impl Driver { fn two(&mut self) {} }"),
    ]));
    assert_eq!(steps["a"].keys().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn every_form_of_an_import_is_a_step() {
    for text in [
        "use crate::driver::b::B;",
        "use crate::driver::b;",
        "use crate::driver::{a, b};",
        "use crate::driver::{a::A, b::{B, C}};",
        "use crate::{config, driver::b::B};",
        "use super::b::B;",
        "use super::{a, b::B};",
        "use super::b as other;",
        "fn one() { super::b::two() }",
        "fn one() { crate::driver::b::two() }",
        "mod inner { use super::super::b::B; }",
        "use crate::driver;\nfn one() { driver::b::two() }",
    ] {
        let steps = steps(&parts(&[("a", text), ("b", "")]));
        assert_eq!(steps["a"].get("b").map(String::as_str), Some("imports b"), "{text}");
    }
    for (text, is_step) in [
        ("use b::B;", true),
        ("use self::b::B;", true),
        ("fn one() { b::two() }", true),
        ("use io::B;", true),
        ("use std::io::{self, b};\nfn one() { x::b::two() }", false),
        ("mod b;", false),
    ] {
        let steps = steps(&parts(&[("mod", text), ("b", ""), ("io", "")]));
        assert_eq!(!steps["mod"].is_empty(), is_step, "{text}");
    }
    let steps = steps(&parts(&[("a", "use crate::driver::{Driver, run};"), ("mod", "")]));
    assert_eq!(steps["a"].get("mod").map(String::as_str), Some("imports mod"));
}

#[test]
fn what_could_hide_a_call_is_found() {
    for (text, fault) in [
        ("use crate::driver::parts::Parts as All;", "Parts has another name"),
        ("use crate::driver as d;", "driver has another name"),
        ("use super::{self as d};", "self has another name"),
        ("type All = Parts;", "Parts has another name"),
        ("use super::*;", "a glob import"),
        ("use crate::driver::peers::*;", "a glob import"),
        ("impl One for Parts { }", "a trait of Parts"),
        ("impl Deref for Driver { }", "a trait of Driver"),
        ("fn one(f: impl FnOnce(&mut Parts)) {}", "a callback over Parts"),
        ("type F = Box<dyn Fn(&mut Io, &Driver) -> bool>;", "a callback over Driver"),
        ("type F = fn(&mut Parts);", "a callback over Parts"),
    ] {
        assert_eq!(hidden(&stripped(text)), [fault], "{text}");
    }
    for text in [
        "use crate::net::reactor::{Io as Step, Slot};",
        "impl workers::Loop for Driver { fn run(self) {} }",
        "impl workers::Loops for Loops { type Loop = Driver; }",
        "impl Parts { fn one(&mut self, work: impl FnOnce(&mut Peer)) { x as usize; } }",
        "fn one(parts: &mut Parts, f: impl Fn(&Peer)) {}",
    ] {
        assert_eq!(hidden(&stripped(text)), [""; 0], "{text}");
    }
}

#[test]
fn files_below_a_part_belong_to_it() {
    let top = Path::new("d");
    assert_eq!(part_of(Path::new("d/stdin.rs"), top), Some("stdin".to_owned()));
    assert_eq!(part_of(Path::new("d/stdin/lines.rs"), top), Some("stdin".to_owned()));
    assert_eq!(part_of(Path::new("d/tests/world.rs"), top), None);
    assert_eq!(part_of(Path::new("d/tests.rs"), top), None);
    assert_eq!(part_of(Path::new("d/stdin/tests.rs"), top), None);
    assert_eq!(without_tests("#[cfg(test)]\nmod tests;\nuse a::b;"), "#[cfg(test)]\nmod tests;\nuse a::b;");
}

// ---- the search ---------------------------------------------------------------------------------------

/// The files of the driver with their text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    floors::source_files(&folder(), &mut paths);
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).expect("read a file"))).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/driver")
}

/// The code of each part of the driver by name, without comments, strings and tests.
fn files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::<String, String>::new();
    for (path, text) in sources() {
        if let Some(name) = part_of(&path, &folder()) {
            files.entry(name).or_default().push_str(&stripped(&text));
        }
    }
    assert!(files.len() > 20, "{} files are too few to believe", files.len());
    files
}

/// The part that a file belongs to: `stdin` for `stdin.rs` and for what is below `stdin/`; `None` for tests.
fn part_of(path: &Path, top: &Path) -> Option<String> {
    let below = path.strip_prefix(top).expect("it is below the driver").with_extension("");
    let mut names = below.iter().map(|name| name.to_string_lossy().into_owned());
    let first = names.next()?;
    (first != "tests" && names.all(|name| name != "tests")).then_some(first)
}

fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

fn stripped(text: &str) -> String {
    floors::code(without_tests(text)).replace("'{'", "' '").replace("'}'", "' '")
}

fn parts(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
    texts.iter().map(|(name, text)| ((*name).to_owned(), stripped(text))).collect()
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|letter: char| !is_letter(letter)).filter(|word| !word.is_empty())
}

fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The byte offsets of a whole word.
fn find_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| !code[..*at].ends_with(is_letter) && !code[at + word.len()..].starts_with(is_letter))
}

/// The wired struct that a text mentions last, if any.
fn wired_in(text: &str) -> Option<&'static str> {
    WIRED.into_iter().filter_map(|name| find_word(text, name).last().map(|at| (at, name))).max().map(|(_, name)| name)
}

/// One `impl` block of a wired struct.
struct Block<'a> {
    of: &'static str,
    is_trait: Option<&'a str>,
    text: &'a str,
}

fn blocks(code: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    for at in find_word(code, "impl") {
        let rest = &code[at..];
        let Some(open) = rest.find(['{', ';', '(', ')', ',']).filter(|open| rest[*open..].starts_with('{')) else {
            continue;
        };
        let (is_trait, target) = match rest[..open].split_once(" for ") {
            Some((head, target)) => (words(head).last(), target),
            None => (None, &rest[..open]),
        };
        if let Some(of) = WIRED.into_iter().find(|name| words(target).any(|word| word == *name)) {
            found.push(Block { of, is_trait, text: &rest[..closing(rest, open)] });
        }
    }
    found
}

/// Where the bracket at `open` is closed.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, letter) in code[open..].char_indices() {
        match letter {
            '{' | '(' => depth += 1,
            '}' | ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + at;
        }
    }
    code.len()
}

/// The functions that a text defines.
fn defined(code: &str) -> impl Iterator<Item = &str> {
    find_word(code, "fn").filter_map(|at| words(&code[at + 2..]).next())
}

/// Names of values that are, or return, a wired struct: parameters, fields, local variables, functions.
fn values(code: &str) -> BTreeMap<&str, &'static str> {
    let mut found = BTreeMap::from([("parts", "Parts")]);
    let is_reference =
        |text: &str| text.split(|c: char| !is_letter(c)).all(|word| ["", "mut", "a", "self"].contains(&word));
    for name in WIRED {
        for at in find_word(code, name) {
            let before = &code[..at];
            let line = &before[before.rfind(['(', ',', '{', ';', '}']).map_or(0, |at| at + 1)..];
            if let Some((value, kind)) = line.rsplit_once(": ")
                && is_reference(kind)
                && let Some(value) = words(value).last()
            {
                found.insert(value, name);
            }
            let function = &before[before.rfind("fn ").map_or(0, |at| at + 3)..];
            if before.trim_end_matches(|c: char| c != '>').ends_with("->") && !function.contains('{') {
                found.extend(words(function).next().map(|function| (function, name)));
            }
        }
    }
    found
}

/// The same for local variables of a block of a wired struct: other names of `self` and of its `parts`.
fn aliases<'a>(block: &'a str, of: &'static str) -> BTreeMap<&'a str, &'static str> {
    let mut found = BTreeMap::from([("self", of), ("Self", of)]);
    for at in find_word(block, "let") {
        let Some((name, value)) = block[at + 3..].split(';').next().and_then(|text| text.split_once('=')) else {
            continue;
        };
        let value = value.trim_matches(|letter| " &*".contains(letter)).trim_start_matches("mut ");
        let kind = match value.trim_matches(|letter| " &*".contains(letter)) {
            "self" => of,
            "self.parts" => "Parts",
            _ => continue,
        };
        found.extend(words(name).filter(|word| *word != "mut").last().map(|name| (name, kind)));
    }
    found
}

/// The methods of wired structs that a text calls or names, given what its values are.
fn called<'a>(code: &'a str, values: &BTreeMap<&'a str, &'static str>) -> BTreeSet<(&'static str, &'a str)> {
    let mut found = BTreeSet::new();
    for (at, letter) in code.char_indices().filter(|(_, letter)| ".:".contains(*letter)) {
        let rest = code[at + 1..].trim_start();
        let name = words(rest).next().filter(|name| rest.starts_with(name)).unwrap_or_default();
        let after = rest[name.len()..].trim_start();
        let is_call = letter == ':' || after.starts_with('(') || after.starts_with("::<");
        let before = if letter == ':' { code[..at].strip_suffix(':') } else { Some(&code[..at]) };
        let Some(of) = before.filter(|_| is_call && !name.is_empty()).and_then(|before| receiver(before, values))
        else {
            continue;
        };
        found.insert((of, name));
    }
    found
}

/// The wired struct that an expression, or a path, ends with.
fn receiver(before: &str, values: &BTreeMap<&str, &'static str>) -> Option<&'static str> {
    let before = before.trim_end().trim_end_matches('>');
    let last = before.rsplit(|letter: char| !is_letter(letter)).next().unwrap_or_default();
    if !last.is_empty() {
        return WIRED.into_iter().find(|name| *name == last).or_else(|| values.get(last).copied());
    }
    let inner = before.strip_suffix(')')?;
    let mut depth = 1;
    let open = inner.char_indices().rev().find_map(|(at, letter)| {
        depth += i32::from(letter == ')') - i32::from(letter == '(');
        (depth == 0).then_some(at)
    })?;
    let is_function = inner[..open].ends_with(is_letter);
    receiver(if is_function { &inner[..open] } else { &inner[open + 1..] }, values)
}

/// The modules of the driver that a text imports or names by a path; `mod` for what the loop's file defines.
fn imports(from: &str, code: &str, all: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for name in floors::imports(code, "driver::") {
        found.insert(if all.contains_key(&name) { name } else { "mod".to_owned() });
    }
    found.extend(floors::imports(code, "super::").into_iter().filter(|name| all.contains_key(name)));
    if from == "mod" {
        let of_path = |name: &&String| {
            find_word(code, name).any(|at| {
                let is_first = !code[..at].ends_with("::") || code[..at].ends_with("self::");
                is_first && code[at + name.len()..].starts_with("::")
            })
        };
        found.extend(all.keys().filter(of_path).cloned());
    }
    found.remove(from);
    found
}

/// Which file of the driver each file reaches, and how.
fn steps(files: &BTreeMap<String, String>) -> Steps {
    let mut owners = BTreeMap::<(&str, &str), BTreeSet<&str>>::new();
    for (file, code) in files {
        for block in blocks(code) {
            for function in defined(block.text) {
                owners.entry((block.of, function)).or_default().insert(file);
            }
        }
    }
    let everywhere: BTreeMap<_, _> = files.values().flat_map(|code| values(code)).collect();
    let mut steps = Steps::new();
    for (from, code) in files {
        let reached = steps.entry(from.clone()).or_default();
        reached.extend(imports(from, code, files).into_iter().map(|to| (to.clone(), format!("imports {to}"))));
        let mut calls = called(code, &everywhere);
        for block in blocks(code) {
            let mut values = everywhere.clone();
            values.extend(aliases(block.text, block.of));
            calls.extend(called(block.text, &values));
        }
        for call in calls {
            for to in owners.get(&call).into_iter().flatten().filter(|to| *to != from) {
                reached.entry((*to).to_owned()).or_insert_with(|| format!("calls {}()", call.1));
            }
        }
    }
    steps
}

/// What the search could not follow.
fn hidden(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in ["driver", "self", "super"].into_iter().chain(WIRED) {
        let mut uses = code.split(';').filter_map(|text| find_word(text, "use").next().map(|at| &text[at..]));
        let is_alias = |text: &str| {
            let text = text.replace(['\n', ';'], " ");
            let name =
                text.rsplit_once("type ").and_then(|(_, name)| name.trim_end().strip_suffix(&format!(" = {word}")));
            // The associated type of `workers::Loops`.
            name.is_some_and(|name| (word, name) != ("Driver", TRAIT_OF_THE_LOOP))
        };
        if uses.any(|text| find_word(text, word).any(|at| text[at + word.len()..].starts_with(" as ")))
            || code.split(';').any(is_alias)
        {
            found.push(format!("{word} has another name"));
        }
    }
    if ["super::*", "driver::*"].iter().any(|glob| code.contains(glob))
        || code
            .match_indices("driver::")
            .any(|(at, _)| code[at..].split(';').next().is_some_and(|text| text.ends_with('*')))
    {
        found.push("a glob import".to_owned());
    }
    for block in blocks(code) {
        if block.is_trait.is_some_and(|name| (block.of, name) != ("Driver", TRAIT_OF_THE_LOOP)) {
            found.push(format!("a trait of {}", block.of));
        }
    }
    for callback in ["Fn(", "FnMut(", "FnOnce(", "fn("] {
        for (at, _) in code.match_indices(callback).filter(|(at, _)| !code[..*at].ends_with(is_letter)) {
            let open = at + callback.len() - 1;
            found.extend(wired_in(&code[open..closing(code, open)]).map(|of| format!("a callback over {of}")));
        }
    }
    found
}

/// A circle in the steps, file by file.
fn circle(steps: &Steps) -> Option<Vec<String>> {
    fn visit<'a>(
        at: &'a str,
        steps: &'a Steps,
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
