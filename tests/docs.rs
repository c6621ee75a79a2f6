//! The documents of the project name files, functions and lines of code that exist.

use std::fs;
use std::path::{Path, PathBuf};

use crate::floors;

/// The documents about the inside.
const DOCUMENTS: [&str; 2] = ["docs/architecture.md", "docs/lifecycle.md"];

#[test]
fn every_file_that_a_document_names_exists() {
    let mut seen = 0;
    for document in DOCUMENTS {
        for line in read(document).lines() {
            assert_eq!(missing_files(line, &mut seen), [""; 0], "{document}: {line}");
        }
    }
    assert!(seen > 100, "only {seen} files are named");
}

#[test]
fn every_part_of_the_driver_is_described() {
    let text = read("docs/architecture.md");
    for file in sources("driver") {
        let name = file.file_name().expect("a file").to_string_lossy().into_owned();
        if file.parent().is_some_and(|folder| folder.ends_with("driver")) && name != "tests.rs" {
            assert!(text.contains(&format!("`{name}`")), "docs/architecture.md: {name} is missing");
        }
    }
}

#[test]
fn every_place_where_a_feature_plugs_in_is_there() {
    let text = read("docs/architecture.md");
    let rows: Vec<_> = text.lines().filter_map(row).collect();
    assert!(rows.len() > 30, "only {} places are named", rows.len());
    for (file, item, line) in rows {
        let texts: Vec<_> = sources(file).iter().map(|path| fs::read_to_string(path).expect("read a file")).collect();
        let is_there = texts.iter().any(|text| has_place(text, item, &line));
        assert!(is_there, "docs/architecture.md: src/{file} has no {item} with this line: {line}");
    }
}

#[test]
fn what_a_document_names_in_vain_is_found() {
    let mut seen = 0;
    let line = "`net/tcp.rs`, `listener.rs` and `net/gone.rs`; `layer/`, `nowhere/`, `a/b`, `tests/docs.rs`, `gone.rs`";
    assert_eq!(missing_files(line, &mut seen), ["net/gone.rs", "nowhere/", "gone.rs"]);
    assert_eq!(seen, 7);
    assert_eq!(row("| `a.rs` | `f` | `\\|x\\| y;` |"), Some(("a.rs", "f", "|x| y;".to_owned())));
    assert_eq!(row("| `a.rs` | the start |"), None);
    let text = "fn f() {\n    one();\n}\n";
    assert!(has_place(text, "f", "one();"));
    assert!(!has_place(text, "f", "ne();") && !has_place(text, "g", "one();"));
}

/// The file, the function and the line of a table row that names a place.
fn row(text: &str) -> Option<(&str, &str, String)> {
    let text = text.strip_prefix("| `")?.strip_suffix("` |")?;
    let (file, rest) = text.split_once("` | `")?;
    let (item, line) = rest.split_once("` | `")?;
    // A bar within a table is escaped, in code, too.
    Some((file, item, line.replace("\\|", "|")))
}

/// Whether a text defines something of this name and has this line.
fn has_place(text: &str, item: &str, line: &str) -> bool {
    let kinds = ["fn", "struct", "enum", "trait", "const"];
    let is_defined = kinds.iter().any(|kind| {
        text.match_indices(&format!("{kind} {item}")).any(|(at, found)| {
            text[at + found.len()..].starts_with(|letter: char| !letter.is_alphanumeric() && letter != '_')
        })
    });
    is_defined && text.lines().any(|found| found.trim() == line)
}

/// The files and folders in backquotes that do not exist. One without a folder may be in any.
fn missing_files(line: &str, seen: &mut usize) -> Vec<String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = line.split('`').skip(1).step_by(2);
    let is_path = |word: &&str| {
        let is_plain = word.chars().all(|letter| letter.is_alphanumeric() || "/_.".contains(letter));
        // Names of new files in the worked examples.
        let is_example = ["vsock.rs", "proxy_header.rs", "echo.rs", "progress.rs", "ping.rs"];
        is_plain
            && [".rs", ".md", "/"].iter().any(|end| word.ends_with(end))
            && !is_example.iter().any(|name| word.ends_with(name))
    };
    let paths: Vec<_> = words.filter(is_path).collect();
    *seen += paths.len();
    let exists = |word: &&str| {
        let is_anywhere = !word.contains('/') && sources("").iter().any(|file| file.ends_with(word));
        let is_below = ["", "src", "docs"].iter().any(|folder| top.join(folder).join(word).exists());
        // The rest of a list whose first entry names the folder.
        let is_subfolder = sources("").iter().any(|file| file.parent().is_some_and(|folder| folder.ends_with(word)));
        is_anywhere || is_below || is_subfolder
    };
    paths.into_iter().filter(|word| !exists(word)).map(str::to_owned).collect()
}

/// A file of `src/`, or all files of a folder.
fn sources(path: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path);
    let mut files = Vec::new();
    if path.is_dir() {
        floors::source_files(&path, &mut files);
    } else {
        files.push(path);
    }
    files
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("read {path}: {error}"))
}
