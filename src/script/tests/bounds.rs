//! Every native function a script can reach says in `bounds.txt` what bounds its time and memory.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};

use rhai::{Array, Blob, Dynamic, FnPtr, INT, ImmutableString, Map};

use super::{Bench, conn};
use crate::session::Event;
use crate::sys::memory;

/// The natives of an engine: `name(type, type)`.
fn natives() -> BTreeSet<String> {
    let bench = Bench::load("");
    let all = bench.handler.program.engine.collect_fn_metadata(
        None,
        |info| {
            let function = info.metadata;
            let types: Vec<_> = function.param_types.iter().map(|id| name_of(*id)).collect();
            Some(format!("{}({})", function.name, types.join(",")))
        },
        true,
    );
    all.into_iter().collect()
}

/// The script name of a type; types that few functions take have none.
fn name_of(id: TypeId) -> &'static str {
    let known = [
        (TypeId::of::<INT>(), "int"),
        (TypeId::of::<f64>(), "float"),
        (TypeId::of::<bool>(), "bool"),
        (TypeId::of::<char>(), "char"),
        (TypeId::of::<()>(), "()"),
        (TypeId::of::<ImmutableString>(), "string"),
        (TypeId::of::<Array>(), "array"),
        (TypeId::of::<Blob>(), "blob"),
        (TypeId::of::<Map>(), "map"),
        (TypeId::of::<FnPtr>(), "Fn"),
        (TypeId::of::<Dynamic>(), "any"),
        (TypeId::of::<Range<INT>>(), "range"),
        (TypeId::of::<RangeInclusive<INT>>(), "range="),
    ];
    known.iter().find(|(known, _)| *known == id).map_or("other", |(_, name)| name)
}

/// The entries of the table, with the heading of their section.
fn table() -> BTreeMap<&'static str, &'static str> {
    let mut table = BTreeMap::new();
    let mut section = "";
    let mut is_heading = false;
    for line in include_str!("../bounds.txt").lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            (section, is_heading) = (name, true);
        }
        if is_heading {
            // A heading is a sentence or more; it ends with a full stop at the end of a line.
            is_heading = !line.ends_with('.');
            continue;
        }
        for entry in line.split_whitespace() {
            assert!(table.insert(entry, section).is_none(), "{entry} is listed twice");
        }
    }
    table
}

#[test]
fn every_native_function_says_what_bounds_it() {
    let (natives, table) = (natives(), table());
    let mut unused: BTreeSet<&str> = table.keys().copied().collect();
    let mut unlisted = Vec::new();
    for native in &natives {
        let name = native.find('(').map_or(native.as_str(), |at| &native[..at]);
        let entry = [native.as_str(), name].into_iter().find(|entry| table.contains_key(entry));
        match entry {
            Some(entry) => _ = unused.remove(entry),
            None => unlisted.push(native),
        }
    }
    assert!(natives.len() > 500, "{natives:?}");
    assert!(unlisted.is_empty(), "say in src/script/bounds.txt what bounds {unlisted:?}");
    assert!(unused.is_empty(), "no longer there, remove from src/script/bounds.txt: {unused:?}");
}

#[test]
fn what_makes_much_is_refused_before_it_is_made() {
    let strings = "value too large: strings hold at most 16 MiB (in on_connect)";
    let arrays = "value too large: arrays and blobs hold at most 4 Mi items (in on_connect)";
    let maps = "value too large: maps hold at most 1 Mi entries (in on_connect)";
    let memory = "on_connect took more than 256 MiB of memory and was stopped";
    let cases = [
        ("s.replace(\"\", s)", strings),
        ("s.replace(\"a\", s)", strings),
        ("s.replace('a', s)", strings),
        ("s.replace(\"\", 'é')", strings),
        ("s.pad(16000000, \"é\")", strings),
        ("s.pad(16000000, 'é')", strings),
        ("s.pad(9223372036854775807, \"ab\")", strings),
        ("s.pad(10000001, \"\")", "pad: the padding is an empty string"),
        ("let t = \"\"; t.pad(10, \"\")", "pad: the padding is an empty string"),
        ("s.split(\"a\")", arrays),
        ("s.split('a')", arrays),
        ("s.split(\"\")", arrays),
        ("s.split_rev(\"a\")", arrays),
        ("s.split(\"a\", 5000000)", arrays),
        ("s.to_chars()", arrays),
        ("let a = []; a.pad(4000000, 1); a + a", arrays),
        ("let a = []; a.pad(4000000, 1); a.append(a)", arrays),
        ("let a = []; a.pad(2000000, #{ k: 1 })", maps),
        ("let a = []; a.pad(1000000, #{ k: 1 })", memory),
        ("let b = blob(3000000); b.append(b)", arrays),
        ("let b = blob(3000000); b.append(s)", arrays),
        ("let b = blob(4000000); b.dump()", strings),
        ("\"{}{}\".fmt(s, s)", strings),
        ("let t = \"\"; t.pad(16000000, '\\x01'); t.to_json()", "to_json: the text would be longer than 16 MiB"),
        ("parse_json(\"[\" + j + \"0]\")", memory),
    ];
    for (body, message) in cases {
        let mut bench = Bench::load(&format!(
            "fn on_connect(c) {{ let s = \"\"; s.pad(10000000, 'a'); let j = \"\"; j.pad(15000000, `{{\"\":[]}},`); {body} }}"
        ));
        let before = memory::held();
        let said = bench.fail(&conn(1), Event::Opened);
        let first = said.lines().next().unwrap();
        assert!(first.ends_with(message), "{body}: {said}");
        assert!(first.starts_with("reply.rhai:"), "{body}: {said}");
        assert!(memory::held() - before < 1 << 20, "{body}");
    }
}

#[test]
fn replaced_functions_give_what_they_gave() {
    let shown = Bench::eval(
        "let show = |x| print(x); let s = \"a-b-c\";
         let t = s; t.replace(\"-\", \"+\"); show.call(t); t.replace('+', \"\"); show.call(t); t.replace(\"\", '.'); show.call(t);
         t.replace(\"none\", \"x\"); show.call(t); t = \"\"; t.replace(\"\", \"x\"); show.call(t); t = \"xx\"; t.replace('x', 'é'); show.call(t);
         show.call([s.split(\"-\"), s.split('-'), s.split(\"-\", 2), s.split('-', 2), s.split(\"x\"), s.split(\"-\", 1), \"ab\".split(\"\")]);
         show.call([s.split_rev(\"-\"), s.split_rev('-', 2), \" a  b \".split(), \"\".split(), \"\".split(\"-\"), s.split(3)]);
         t = \"ab\"; t.pad(5, 'é'); show.call(t); t.pad(9, \"123\"); show.call(t); t.pad(2, 'x'); t.pad(-1, 'x'); show.call(t);
         let a = [1]; a.pad(3, \"x\"); show.call(a); a.pad(1, 0); show.call(a + [2]); a.append([3, 4]); show.call(a);
         show.call([\"ab\".to_chars(), \"\".to_chars()]);
         show.call([[1, 2].contains(2), [1, \"2\"].contains(2), 2.0 in [1, 2], [[1], [2]].contains([2]), [#{ k: 1 }].contains(#{ k: 2 })]);
         show.call([[1, 2, 1].index_of(1), [1, 2, 1].index_of(1, 1), [1, 2, 1].index_of(1, -1), [1].index_of(5), [\"a\", \"b\"].index_of(\"b\")]);
         a = [3, 1, 2]; a.sort(); show.call(a); a.sort_desc(); show.call(a); show.call([\"b\", \"a\"].order()); show.call([1.5, -2.0].order_desc());
         a = [1, 1, \"x\", 2]; a.dedup(); show.call(a); a = []; a.sort(); show.call(a);
         show.call([true, false].order()); show.call(['b', 'a'].order());
         let b = blob(1, 65); b.append(hex(\"42\")); b.append(\"C\"); show.call((b + \"D\").text());",
    );
    let wanted = [
        "a+b+c",
        "abc",
        ".a.b.c.",
        ".a.b.c.",
        "",
        "éé",
        "[[\"a\", \"b\", \"c\"], [\"a\", \"b\", \"c\"], [\"a\", \"b-c\"], [\"a\", \"b-c\"], [\"a-b-c\"], [\"a-b-c\"], \
         [\"\", \"a\", \"b\", \"\"]]",
        "[[\"c\", \"b\", \"a\"], [\"c\", \"a-b\"], [\"a\", \"b\"], [\"\"], [\"\"], [\"a-b\", \"-c\"]]",
        "abééé",
        "abééé1231",
        "abééé1231",
        "[1, \"x\", \"x\"]",
        "[1, \"x\", \"x\", 2]",
        "[1, \"x\", \"x\", 3, 4]",
        "[[a, b], []]",
        "[true, false, true, true, false]",
        "[0, 2, 2, -1, 1]",
        "[1, 2, 3]",
        "[3, 2, 1]",
        "[\"a\", \"b\"]",
        "[1.5, -2.0]",
        "[1, \"x\", 2]",
        "[]",
        "[false, true]",
        "[a, b]",
        "ABCD",
    ];
    assert_eq!(shown.split('|').collect::<Vec<_>>(), wanted);
    assert_eq!(
        Bench::eval_error("[1, \"a\"].sort()"),
        "sort: the items have different types; with a comparison it works: a.sort(|x, y| ..)"
    );
    assert_eq!(
        Bench::eval_error("[[1], [2]].sort()"),
        "sort: items of type array need a comparison: a.sort(|x, y| ..)"
    );
}

#[test]
fn long_natives_and_short_closures_are_stopped() {
    // Short closures, at every alignment of the operations of one round.
    let mut bodies: Vec<String> =
        (0..16).map(|count| format!("{} a.map(|x| x);", "let y = 1; ".repeat(count))).collect();
    bodies.extend(
        ["a.filter(|x| true)", "a.reduce(|sum, x| x)", "a.for_each(|x| x)", "a.some(|x| false)", "a.zip(a, |x, y| x)"]
            .map(str::to_owned),
    );
    bodies.extend(
        ["deep.contains([0, big])", "deep.index_of([0, big])", "words.sort()", "a.sort_desc()"].map(str::to_owned),
    );
    for body in bodies {
        let mut bench = Bench::load_impatiently(&format!(
            "fn on_connect(c) {{ let a = []; a.pad(200000, 1); let big = []; big.pad(200000, 2); let deep = []; deep.pad(100000, [0, 1]);
             let words = []; words.pad(1000, \"w\"); loop {{ {body} }} }}"
        ));
        let said = bench.fail(&conn(1), Event::Opened);
        let first = said.lines().next().unwrap();
        assert!(first.ends_with(": on_connect ran longer than 50ms and was stopped"), "{body}: {said}");
    }
}
