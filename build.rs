//! How the program is linked, so that it starts fast; and what it says about how it was built.
//!
//! Owns nothing of the code, and where something here cannot be found out it is left as it is.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// Variable of the environment that asks for packed relocations in a program that is linked dynamically.
const PACKED: &str = "TCPX_PACK_RELOCATIONS";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={PACKED}");
    println!("cargo::rustc-env=TCPX_TARGET={}", env::var("TARGET").unwrap_or_default());
    println!("cargo::rustc-env=TCPX_PROFILE={}", env::var("PROFILE").unwrap_or_default());
    println!("cargo::rustc-env=TCPX_COMPILER={}", compiler());
    println!("cargo::rustc-env=TCPX_COMMIT={}", commit());
    for name in ["rhai", "rustls", "ring"] {
        println!("cargo::rustc-env=TCPX_{}={}", name.to_uppercase(), locked(name));
    }
    let of_target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    // A compiler for another system says nothing about that one.
    let native = env::var("HOST").ok() == env::var("TARGET").ok();
    if native && of_target("OS") == "linux" && of_target("ENV") == "gnu" {
        let is_static = of_target("FEATURE").contains("crt-static");
        if !is_static {
            unwinder();
        }
        if is_static || env::var_os(PACKED).is_some() {
            relocations();
        }
    }
}

/// The compiler, as `rustc --version` says it.
fn compiler() -> String {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    said_by(&rustc, &["--version"]).unwrap_or_default().trim().to_owned()
}

/// The commit of a release build; empty where nobody knows it. `TCPX_COMMIT` says it for a copy without a repository.
fn commit() -> String {
    println!("cargo::rerun-if-env-changed=TCPX_COMMIT");
    if let Ok(told) = env::var("TCPX_COMMIT") {
        return told.chars().filter(char::is_ascii_alphanumeric).collect();
    }
    // A build for development is not made again for each commit.
    if env::var("PROFILE").as_deref() != Ok("release") {
        return String::new();
    }
    let top = said_by("git", &["rev-parse", "--show-toplevel"]).unwrap_or_default();
    if env::var("CARGO_MANIFEST_DIR").as_deref() != Ok(top.trim_end()) {
        return String::new();
    }
    if let Some(log) = said_by("git", &["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(log.trim_end()).exists()
    {
        println!("cargo::rerun-if-changed={}", log.trim_end());
    }
    said_by("git", &["rev-parse", "--short=12", "HEAD"]).unwrap_or_default().trim().to_owned()
}

/// The version of a crate in `Cargo.lock`.
fn locked(name: &str) -> String {
    println!("cargo::rerun-if-changed=Cargo.lock");
    let lock = fs::read_to_string("Cargo.lock").unwrap_or_default();
    let start = format!("name = \"{name}\"\nversion = \"");
    let found = lock.split_once(&start).and_then(|(_, rest)| rest.split_once('"'));
    found.map(|(version, _)| version.to_owned()).unwrap_or_default()
}

/// The unwinder becomes part of the program: as a library of its own it costs a search, four mappings and a constructor
/// that asks the processor what it is, which is slow in a virtual machine.
fn unwinder() {
    let Some(path) = said_by("cc", &["-print-file-name=libgcc_eh.a"]) else { return };
    let path = Path::new(path.trim());
    if let (true, Some(folder)) = (path.is_absolute() && path.exists(), path.parent()) {
        println!("cargo::rustc-link-search=native={}", folder.display());
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Relative relocations take a twentieth of the room when packed, and less time at a start. glibc reads them from version
/// 2.36 on: a static program has the one it was built with in it, any other must be asked for, because it starts on no
/// older system.
fn relocations() {
    let version = said_by("getconf", &["GNU_LIBC_VERSION"]);
    let minor = version.as_deref().and_then(|text| text.trim().strip_prefix("glibc 2.")?.parse::<u32>().ok());
    if minor.is_some_and(|minor| minor >= 36) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok()).flatten()
}
