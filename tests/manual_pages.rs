//! The manual pages as the programs take them that show them: neither has anything to say about one.

use std::path::PathBuf;
use std::process::Command;

use crate::support::{installed, missing};

const PAGES: [&str; 3] = ["man/tcpx.1", "man/tcpx-script.7", "man/zh_CN/tcpx.1"];

#[test]
fn mandoc_finds_nothing_in_the_pages() {
    if !installed("mandoc") {
        return missing("mandoc");
    }
    for page in PAGES {
        let output = Command::new("mandoc").args(["-T", "lint"]).arg(file(page)).output().expect("mandoc");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.is_empty() && output.status.success(), "{page}: {said}");
    }
}

#[test]
fn man_warns_of_nothing_in_the_pages() {
    if !installed("man") || !installed("groff") {
        return missing("man");
    }
    for page in PAGES {
        let mut man = Command::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-Tutf8", "-Z", "-l"]).arg(file(page));
        let output = man.env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80").output().expect("man");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.is_empty() && output.status.success(), "{page}: {said}");
        assert!(output.stdout.len() > 10_000, "{page} is nearly empty");
    }
}

fn file(page: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(page)
}
