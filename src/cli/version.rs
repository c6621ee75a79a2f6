//! `tcpx --version -v`: what a report of a fault needs.

use std::ffi::OsString;
use std::fmt::Write as _;

use crate::sys::machine;

/// Whether a line asks for the version in full: `--version -v`, `-Vv`.
pub(super) fn is_asked_in_full(words: &[OsString]) -> bool {
    let (mut version, mut full) = (false, false);
    for word in words {
        match word.to_str() {
            Some("--version") => version = true,
            Some("--verbose") => full = true,
            Some(word) if word.len() > 1 && word.starts_with('-') && word[1..].bytes().all(|b| b"Vv".contains(&b)) => {
                version |= word.contains('V');
                full |= word.contains('v');
            }
            _ => return false,
        }
    }
    version && full
}

/// The version, what it was built from and for, and the machine it runs on: a line each. What nobody knows has none.
pub(super) fn in_full() -> String {
    let libraries =
        [("Rhai", env!("TCPX_RHAI")), ("rustls", env!("TCPX_RUSTLS")), ("ring", env!("TCPX_RING"))].map(named);
    let kernel = machine::kernel();
    let locale = locale().escape_debug().to_string();
    let lines = [
        ("commit", env!("TCPX_COMMIT")),
        ("target", env!("TCPX_TARGET")),
        ("build", env!("TCPX_PROFILE")),
        ("compiler", env!("TCPX_COMPILER")),
        ("features", FEATURES),
        ("libraries", &libraries.join(", ")),
        ("kernel", &kernel),
        ("locale", &locale),
    ];
    let mut text = concat!("tcpx ", env!("CARGO_PKG_VERSION"), "\n").to_owned();
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{name}: {value}");
    }
    text
}

/// A library with its version, if that is known.
fn named((name, version): (&str, &str)) -> String {
    format!("{name} {version}").trim_end().to_owned()
}

/// The locale of texts, which decides how `--encoding auto` guesses.
fn locale() -> String {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let values = names.iter().filter_map(|name| std::env::var(name).ok());
    values.into_iter().find(|value| !value.is_empty()).unwrap_or_else(|| "C".to_owned())
}

const FEATURES: &str = if cfg!(target_os = "linux") {
    "tcp udp unix unix-abstract splice tls proxies exec encodings rhai"
} else {
    "tcp udp unix tls proxies exec encodings rhai"
};

#[cfg(test)]
mod tests {
    use crate::cli::Stop;
    use crate::cli::tests::{action, refused};

    #[test]
    fn the_version_in_full_has_what_a_report_needs() {
        for line in ["--version -v", "-v --version", "-Vv", "-vV", "-V -v", "-vv -V", "--version --verbose"] {
            let Err(Stop::Help(text)) = action(line, false) else { panic!("tcpx {line}") };
            assert!(text.starts_with(concat!("tcpx ", env!("CARGO_PKG_VERSION"), "\n")), "{text}");
            let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            for name in ["target", "build", "compiler", "features", "kernel", "locale"] {
                assert!(value(name).is_some_and(|value| !value.is_empty()), "no {name} in {text}");
            }
            assert_ne!(value("commit"), Some(""));
            let has_version = |(library, name): (&str, &str)| {
                let version = library.strip_prefix(name).unwrap_or_default().trim_start();
                version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok())
            };
            let libraries: Vec<_> = value("libraries").unwrap_or_default().split(", ").collect();
            assert_eq!(libraries.len(), 3, "{text}");
            assert!(libraries.into_iter().zip(["Rhai", "rustls", "ring"]).all(has_version), "{text}");
        }
        assert!(refused("-v").contains("-v"));
    }
}
