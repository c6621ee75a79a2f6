//! The crates tcpx is made of: each is used, from the one registry, under a licence that `deny.toml` allows; and the notices
//! that a copy of the binary has to carry.
//!
//! Owns what is asked of them. `deny.toml` has the lists, which cargo-deny reads, too; vulnerabilities are its business alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::floors;

#[test]
fn every_crate_has_an_allowed_licence() {
    let allowed = list("licenses", "allow");
    let mut seen = 0;
    for package in packages() {
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_allowed(licence, &allowed), "{}: {licence:?} is not in deny.toml", name(&package));
        seen += 1;
    }
    assert!(seen > 100, "only {seen} crates");
}

#[test]
fn licence_expressions_are_read() {
    let allowed = ["MIT", "ISC", "BSD-3-Clause"].map(str::to_owned);
    let allows = ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "(GPL-2.0 OR MIT) AND ISC", "MIT AND (ISC OR GPL-2.0)"];
    let refuses = ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND GPL-2.0", "MIT WITH a-exception", "Apache-2.0"];
    assert!(allows.iter().all(|text| is_allowed(text, &allowed)));
    assert_eq!(refuses.iter().find(|text| is_allowed(text, &allowed)), None);
}

#[test]
fn every_crate_comes_from_the_registry_and_none_is_banned() {
    let banned = list("bans", "deny");
    assert!(!banned.is_empty());
    for package in packages().iter().filter(|package| package["name"] != "tcpx") {
        let source = package["source"].as_str().unwrap_or("a folder");
        assert!(source.starts_with("registry+"), "{} comes from {source}", name(package));
        let name = package["name"].as_str().unwrap_or_default();
        assert!(!banned.iter().any(|banned| banned == name), "{name} is banned in deny.toml");
    }
}

#[test]
fn every_dependency_is_used() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(top.join("Cargo.toml")).expect("Cargo.toml");
    let code_of = |folders: &[&str]| -> Vec<String> {
        let mut files = Vec::new();
        for folder in folders {
            floors::source_files(&top.join(folder), &mut files);
        }
        files.iter().map(|file| fs::read_to_string(file).expect("a source file")).collect()
    };
    let (ours, all) = (code_of(&["src"]), code_of(&["src", "tests", "benches"]));
    let mut seen = 0;
    for (table, code) in [("[dependencies]", &ours), ("[dev-dependencies]", &all)] {
        let rows = manifest.split_once(table).expect(table).1.lines().skip(1).take_while(|row| !row.starts_with('['));
        for name in rows.filter_map(|row| Some(row.split_once(" = ")?.0).filter(|name| !name.starts_with('#'))) {
            let words = [format!("{}::", name.replace('-', "_")), format!("use {};", name.replace('-', "_"))];
            // `md-5` is the name of a package whose crate has another one.
            let renamed = if name == "md-5" { "md5::" } else { "" };
            let is_there = |text: &String| {
                words.iter().any(|word| text.contains(word)) || (!renamed.is_empty() && text.contains(renamed))
            };
            assert!(code.iter().any(is_there), "{table} {name}: no source file uses it");
            seen += 1;
        }
    }
    assert!(seen > 40, "only {seen} dependencies");
}

/// What the file of notices has to say now.
pub fn notices() -> String {
    let mut libraries: Vec<_> = linked();
    libraries.sort_by_key(name);
    let mut text = NOTICES.to_owned();
    for library in &libraries {
        let _ = writeln!(text, "  {}: {}", name(library), licence(library));
    }
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for library in &libraries {
        for file in licence_files(library) {
            texts.entry(tidy(&file)).or_default().push(name(library));
        }
    }
    let mut texts: Vec<_> = texts.into_iter().map(|(text, names)| (names, text)).collect();
    texts.sort();
    for (names, licence) in texts {
        let _ = write!(text, "\n{}\n{}\n\n{licence}", "=".repeat(80), names.join(", "));
    }
    text
}

const NOTICES: &str = "Third-party notices\n\n\
    The binary of tcpx contains these libraries, besides the standard library of Rust (MIT OR Apache-2.0). Where a library\n\
    leaves the choice, tcpx uses it under the MIT licence. Their sources are the crates of these names and versions.\n\n";

/// The licence under which tcpx uses a library.
fn licence(package: &Value) -> &str {
    let expression = package["license"].as_str().unwrap_or_default();
    if is_allowed(expression, &["MIT".to_owned()]) { "MIT" } else { expression }
}

/// The files with the licence under which tcpx uses a library.
fn licence_files(package: &Value) -> Vec<PathBuf> {
    let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
    let folder = manifest.parent().expect("a folder");
    let has_name = |path: &PathBuf, part: &str| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        name.starts_with(part) || (name.starts_with("LICEN") && name.contains(part))
    };
    let entries = fs::read_dir(folder).expect("the crate's folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = entries.filter(|path| has_name(path, "LICEN")).collect();
    files.sort();
    if licence(package) == "MIT" && files.iter().any(|path| has_name(path, "MIT")) {
        files.retain(|path| has_name(path, "MIT"));
    }
    assert!(!files.is_empty(), "{}: no licence file", name(package));
    files
}

/// The text of a file without trailing blanks, with line ends of one kind.
fn tidy(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a licence file");
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim_matches('\n'))
}

/// The libraries in the binary: what tcpx depends on, without macros, and what builds and tests it.
fn linked() -> Vec<Value> {
    let metadata = metadata();
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let packages = metadata["packages"].as_array().expect("packages");
    let package = |id: &Value| packages.iter().find(|package| package["id"] == *id).expect("a package");
    let is_macro = |package: &Value| package["targets"].to_string().contains("\"proc-macro\"");
    let mut open = vec![&metadata["resolve"]["root"]];
    let mut found = BTreeSet::new();
    while let Some(id) = open.pop() {
        let node = nodes.iter().find(|node| node["id"] == *id).expect("a node");
        for dependency in node["deps"].as_array().expect("dependencies") {
            let kinds = dependency["dep_kinds"].as_array().expect("kinds");
            let is_linked = kinds.iter().any(|kind| kind["kind"].is_null());
            let id = &dependency["pkg"];
            if is_linked && !is_macro(package(id)) && found.insert(id.as_str()) {
                open.push(id);
            }
        }
    }
    packages.iter().filter(|package| found.contains(&package["id"].as_str())).cloned().collect()
}

fn packages() -> Vec<Value> {
    metadata()["packages"].as_array().expect("packages").clone()
}

/// The crates for the platform of the release, as cargo has resolved them.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn name(package: &Value) -> String {
    let part = |name: &str| package[name].as_str().unwrap_or_default();
    format!("{} {}", part("name"), part("version"))
}

/// Whether one of the choices in a licence expression is allowed; a part in brackets has none below it.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    if expression.contains(" AND ") {
        return expression.split(" AND ").all(|part| is_allowed(part.trim_matches(['(', ')']), allowed));
    }
    let choices = expression.replace('/', " OR ");
    // MPL-2.0+ is that version or a later one.
    let mut choices = choices.split(" OR ").map(|one| one.trim().trim_end_matches('+'));
    choices.any(|one| allowed.iter().any(|allowed| allowed == one))
}

/// The strings of a list in `deny.toml`.
fn list(table: &str, key: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml")).expect("deny.toml");
    let (_, rest) = text.split_once(&format!("\n[{table}]\n")).expect(table);
    let table = rest.split("\n[").next().unwrap_or_default();
    let list = table.split_once(&format!("{key} = [")).expect(key).1.split(']').next().unwrap_or_default();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}
