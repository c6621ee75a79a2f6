//! `tcpx wait`: a run for each target, which ends once that answers.

use std::path::PathBuf;
use std::time::Duration;

use super::{Config, Connect, Limits, Role, VerdictPatterns, family, limit, proxies, rules, text_to_send, tls, values};
use crate::cli::args::WaitArgs;
use crate::config::retry::RetryAfter;
use crate::config::{Output, Retry};
use crate::endpoint::{Endpoint, without_tls};
use crate::error::{Error, Result};
use crate::proxy::check_route;

/// How long one try may take.
const TRY: Duration = Duration::from_secs(5);

/// The runs, in the order of the targets.
pub(super) fn resolve(args: &WaitArgs) -> Result<Vec<Config>> {
    if args.route.ipv4 && args.route.ipv6 {
        rules::contradiction("-4", "-6", "leave both out to use IPv4 and IPv6")?;
    }
    if args.quiet && args.verbose > 0 {
        rules::contradiction("-q", "-v", "leave one of them out")?;
    }
    if !args.send.is_empty() && args.expect.is_none() {
        return Err(Error::usage_hint("--send asks for an answer, and none is expected", "add --expect REGEX"));
    }
    let targets = targets(&args.targets)?;
    let is_any_tls = args.tls.tls || targets.iter().any(|(_, is_tls)| *is_tls);
    rules::tls::check(&args.tls, rules::tls::Side::Client, is_any_tls, false)?;
    targets.into_iter().map(|(target, is_tls)| wait_for(args, target, args.tls.tls || is_tls)).collect()
}

/// Targets in one word or two, and whether they say themselves that they speak TLS.
fn targets(words: &[String]) -> Result<Vec<(Endpoint, bool)>> {
    let mut targets = Vec::new();
    let mut rest = words;
    while let [first, more @ ..] = rest {
        let (place, is_tls) = without_tls(first);
        let (target, left) = match (values::target(place, None), more) {
            (Ok(target), _) => (target, more),
            (Err(_), [port, left @ ..]) => (values::target(place, Some(port))?, left),
            (Err(error), []) => return Err(error),
        };
        targets.push((target, is_tls));
        rest = left;
    }
    Ok(targets)
}

fn wait_for(args: &WaitArgs, target: Endpoint, is_tls: bool) -> Result<Config> {
    let target = if args.udp { target.into_datagram() } else { target };
    rules::tls::over_a_stream(&target, is_tls)?;
    let proxies = proxies(&args.route.proxy)?;
    check_route(&proxies, &target)?;
    if target.is_descriptor() {
        return Err(Error::usage_hint(format!("{target} is open already"), "tcpx wait HOST PORT"));
    }
    let try_limit = Some(limit("--connect-timeout", args.connect_timeout.as_deref())?.unwrap_or(TRY));
    let expect = args.expect.as_deref().map(|text| values::pattern("--expect", text, false)).transpose()?;
    let is_probe = expect.is_none();
    let retry = Some(Retry { after: RetryAfter::NoAnswer, tries: None, delay: None });
    let role = Role::Connect(Connect {
        target,
        source: None,
        probe: is_probe,
        probe_datagram: Some(&[]),
        header: None,
        run: None,
        retry,
    });
    Ok(Config {
        family: family(args.route.ipv4, args.route.ipv6),
        no_dns: args.route.no_dns,
        proxies,
        preamble: args.send.iter().map(|text| text_to_send(text)).collect::<Result<_>>()?,
        limits: Limits {
            connect: try_limit,
            idle: try_limit.filter(|_| !is_probe),
            run: limit("--timeout", args.timeout.as_deref())?,
            ..Limits::default()
        },
        // What is received is looked at, and nothing else.
        output: Output {
            file: Some(PathBuf::from("/dev/null")),
            verbose: args.verbose,
            quiet: args.quiet,
            ..Output::default()
        },
        tls: tls::resolve(&args.tls, is_tls)?,
        verdict: VerdictPatterns { expect, ..VerdictPatterns::default() },
        ..Config::of(role)
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::Action;
    use crate::cli::tests::{action, refused};
    use crate::config::Role;

    fn targets(line: &str) -> Vec<String> {
        let Ok(Action::Wait(configs)) = action(line, false) else { panic!("tcpx {line}") };
        let target = |role: &Role| match role {
            Role::Connect(connect) => connect.target.to_string(),
            Role::Listen(_) | Role::Run | Role::Scan(_) => panic!("tcpx {line}"),
        };
        configs.iter().map(|config| target(&config.role)).collect()
    }

    #[test]
    fn targets_are_one_word_or_two() {
        assert_eq!(targets("wait h 80"), ["h:80"]);
        assert_eq!(targets("wait a:1 ::1 2 unix:/x tls://c:3 d http"), ["a:1", "[::1]:2", "unix:/x", "c:3", "d:80"]);
        assert_eq!(targets("wait -u h 53 --expect x"), ["udp://h:53"]);
    }

    #[test]
    fn what_cannot_be_waited_for_is_refused() {
        for (line, said) in [
            ("wait h", "no port in \"h\" | write HOST:PORT, or HOST PORT"),
            ("wait h 80 --send x", "--send asks for an answer, and none is expected | add --expect REGEX"),
            ("wait h 80 -4 -6", "-4 and -6 contradict each other | leave both out to use IPv4 and IPv6"),
            ("wait h 80 -q -v", "-q and -v contradict each other | leave one of them out"),
            ("wait h 80 --tls-insecure", "--tls-insecure needs --tls | add --tls, or leave it out"),
        ] {
            assert_eq!(refused(line), said, "{line}");
        }
        for line in
            ["wait", "wait h 80 81", "wait h 0", "wait h 70000", "wait h 80 --timeout -1", "wait h 80 --expect ("]
        {
            assert!(!refused(line).is_empty(), "{line}");
        }
    }
}
