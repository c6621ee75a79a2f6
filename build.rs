//! How the program is linked, so that it starts fast; and what it says about how it was built.
//!
//! Owns nothing of the code, and where something here cannot be found out it is left as it is.

use std::env;
use std::path::Path;
use std::process::Command;

/// Variable of the environment that asks for packed relocations in a program that is linked dynamically.
const PACKED: &str = "TCPX_PACK_RELOCATIONS";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={PACKED}");
    println!("cargo::rustc-env=TCPX_TARGET={}", env::var("TARGET").unwrap_or_default());
    println!("cargo::rustc-env=TCPX_PROFILE={}", env::var("PROFILE").unwrap_or_default());
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
