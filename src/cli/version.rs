//! `tcpx --version -v`: what a report of a fault needs.

use std::ffi::OsString;

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

/// Version, target, features and kernel, a line each.
pub(super) fn in_full() -> String {
    format!(
        "tcpx {}\ntarget: {}\nbuild: {}\nfeatures: {}\nkernel: {}\nlocale: {}\n",
        env!("CARGO_PKG_VERSION"),
        env!("TCPX_TARGET"),
        env!("TCPX_PROFILE"),
        FEATURES,
        machine::kernel(),
        locale().escape_debug()
    )
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
            for name in ["target", "build", "features", "kernel", "locale"] {
                let value = text.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                assert!(value.is_some_and(|value| !value.is_empty()), "no {name} in {text}");
            }
        }
        assert!(refused("-v").contains("-v"));
    }
}
