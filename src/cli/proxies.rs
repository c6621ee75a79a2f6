//! The proxies of a run: their URLs, and the user names and passwords that are kept out of them.
//!
//! Owns where a password may come from, and in which order. What a URL looks like is for `proxy`.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use super::args::ProxyArgs;
use crate::codec::escape::show_line;
use crate::error::{Error, Result, cause};
use crate::proxy::{self, Proxy};
use crate::sys::unix::take_variable;

/// The environment variable with `USER:PASSWORD`.
const VARIABLE: &str = "TCPX_PROXY_AUTH";
/// Longest file with passwords, in bytes.
const LONGEST_FILE: u64 = 64 << 10;

/// The `USER:PASSWORD` of the environment. It is taken out of it when first asked for, so that neither programs nor scripts see
/// it.
pub(super) fn from_environment() -> Option<&'static [u8]> {
    static TAKEN: OnceLock<Option<OsString>> = OnceLock::new();
    TAKEN.get_or_init(|| take_variable(VARIABLE)).as_deref().map(OsStrExt::as_bytes)
}

/// The proxies in the order of travel. `variable`: what the environment has.
pub(super) fn resolve(args: &ProxyArgs, variable: Option<&[u8]>) -> Result<Vec<Proxy>> {
    let mut proxies: Vec<Proxy> = args.proxy.iter().map(|url| url.parse()).collect::<Result<_>>()?;
    let (found, source) = match &args.proxy_auth_file {
        Some(_) if proxies.is_empty() => {
            return Err(Error::usage_hint("--proxy-auth-file needs a proxy", "add --proxy URL"));
        }
        Some(file) => (lines_of(file)?, file.display().to_string()),
        None => (variable.map(<[u8]>::to_vec).into_iter().collect(), VARIABLE.to_owned()),
    };
    let lacking = proxies.iter_mut().filter(|proxy| proxy.lacks_login());
    for (proxy, login) in lacking.zip(found) {
        proxy.complete(&login, &show_line(&source))?;
    }
    Ok(proxies)
}

/// Where user names and passwords of proxies, and passwords of built-in scripts stand in these words: the number of the word, and the
/// bytes within.
pub fn secrets(argv: &[OsString]) -> Vec<(usize, Range<usize>)> {
    let mut found = Vec::from_iter(password_of_script(argv));
    for (at, word) in argv.iter().enumerate() {
        let word = word.as_encoded_bytes();
        if let Some(value) = login_of_ncat(word) {
            let length = |next: &OsString| (at + 1, 0..next.len());
            found.extend(if value > word.len() { argv.get(at + 1).map(length) } else { Some((at, value..word.len())) });
            continue;
        }
        let (at, start, url) = match (word, argv.get(at + 1)) {
            (b"--proxy", Some(next)) => (at + 1, 0, next.as_encoded_bytes()),
            _ => match word.strip_prefix(b"--proxy=") {
                Some(url) => (at, word.len() - url.len(), url),
                None => continue,
            },
        };
        found.extend(proxy::secret_range(url).map(|range| (at, range.start + start..range.end + start)));
    }
    found
}

/// Built-in scripts with a password as their second argument.
const WITH_PASSWORD: [&[u8]; 3] = [b"@connect", b"@login", b"@socks"];

fn password_of_script(argv: &[OsString]) -> Option<(usize, Range<usize>)> {
    let end = argv.iter().position(|word| word == "--")?;
    let is_one = |word: &OsString| WITH_PASSWORD.iter().any(|name| word.as_encoded_bytes().ends_with(name));
    let password = argv.get(end + 2).filter(|_| argv[..end].iter().any(is_one))?;
    Some((end + 2, 0..password.len()))
}

/// Where in a word the value of Ncat's `--proxy-auth` begins, which may be abbreviated; behind its end: it is the next word.
fn login_of_ncat(word: &[u8]) -> Option<usize> {
    let end = word.iter().position(|byte| *byte == b'=').unwrap_or(word.len());
    let name = &word[..end];
    (name.starts_with(b"--proxy-a") && b"--proxy-auth".starts_with(name)).then_some(end + 1)
}

/// The lines of a file with passwords; empty ones and those that begin with `#` are left out.
fn lines_of(file: &Path) -> Result<Vec<Vec<u8>>> {
    let failed = |cause| Error::Read { source_name: file.display().to_string(), cause };
    let mut text = Vec::new();
    let read = File::open(file).and_then(|opened| opened.take(LONGEST_FILE + 1).read_to_end(&mut text));
    read.map_err(|error| failed(cause(&error)))?;
    if text.len() as u64 > LONGEST_FILE {
        return Err(failed("it is too long for a file with passwords".to_owned()));
    }
    let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines: Vec<Vec<u8>> = lines.filter(|line| !line.is_empty() && line[0] != b'#').map(<[u8]>::to_vec).collect();
    if lines.is_empty() {
        return Err(failed("there is no USER:PASSWORD in it".to_owned()));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn resolved(urls: &[&str], file: Option<&Path>, value: Option<&str>) -> Result<Vec<Option<String>>> {
        let proxy = urls.iter().map(|&url| url.to_owned()).collect();
        let args = ProxyArgs { proxy, proxy_auth_file: file.map(Path::to_owned) };
        let proxies = resolve(&args, value.map(str::as_bytes))?;
        let shown = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        let login = |proxy: Proxy| {
            proxy.login.map(|login| format!("{} {}", shown(&login.user), shown(&login.password.unwrap_or_default())))
        };
        Ok(proxies.into_iter().map(login).collect())
    }

    #[test]
    fn the_variable_is_for_the_first_proxy_without_a_password() {
        let chain = ["socks5://a:b@h:1", "http://h:2", "http://h:3"];
        let expected = [Some("a b".to_owned()), Some("u p".to_owned()), None];
        assert_eq!(resolved(&chain, None, Some("u:p")).unwrap(), expected, "no proxy hears the password of another");
        assert_eq!(resolved(&["socks5://h:1"], None, None).unwrap(), [None]);
        assert!(resolved(&["socks5://h:1"], None, Some("u")).unwrap_err().to_string().contains(VARIABLE));
    }

    #[test]
    fn a_file_has_a_line_for_each_proxy_without_a_password() {
        let file = std::env::temp_dir().join(format!("tcpx-proxy-auth-{}", std::process::id()));
        fs::write(&file, "# first, then second\r\nu:p\r\n\nv:q\n").unwrap();
        let chain = ["socks5://h:1", "http://v@h:2", "http://h:3"];
        let found = resolved(&chain, Some(&file), Some("x:y"));
        fs::write(&file, "\n").unwrap();
        let empty = resolved(&chain, Some(&file), None).unwrap_err();
        fs::remove_file(&file).unwrap();
        assert_eq!(found.unwrap(), [Some("u p".to_owned()), Some("v q".to_owned()), None]);
        let missing = resolved(&chain, Some(&file), None).unwrap_err();
        assert_eq!((empty.exit().code(), missing.exit().code()), (26, 26));
        assert_eq!(resolved(&[], Some(&file), None).unwrap_err().exit().code(), 2);
    }

    #[test]
    fn secrets_are_found_in_the_words_of_the_command_line() {
        let words = ["tcpx", "connect", "--proxy", "socks5://u:p@h:1", "--proxy=http://v:q@h:2", "h", "u@h"];
        let argv: Vec<_> = words.into_iter().map(OsString::from).collect();
        assert_eq!(secrets(&argv), [(3, 9..12), (4, 15..18)]);
        let words = ["ncat", "--proxy-auth", "u:p", "--proxy-au=v:q", "--proxy-auth-file", "f", "--proxy-auth"];
        let argv: Vec<_> = words.into_iter().map(OsString::from).collect();
        assert_eq!(secrets(&argv), [(2, 0..3), (3, 11..14)]);
        for (line, wanted) in [
            ("tcpx listen 1 --script @socks -- u pass", Some((7, 0..4))),
            ("tcpx listen 1 -s@connect -- u pass", Some((6, 0..4))),
            ("tcpx connect h 1 --script=@login -- u pass show", Some((7, 0..4))),
            ("tcpx listen 1 --script @socks -- file", None),
            ("tcpx listen 1 --script @http -- folder other", None),
        ] {
            let argv: Vec<_> = line.split(' ').map(OsString::from).collect();
            assert_eq!(secrets(&argv), Vec::from_iter(wanted), "{line}");
        }
    }
}
