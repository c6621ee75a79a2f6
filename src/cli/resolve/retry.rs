//! The options about making the connection again → [`Retry`].

use std::time::Duration;

use super::super::args::RetryArgs;
use super::super::values;
use crate::config::Retry;
use crate::config::retry::RetryAfter;
use crate::error::{Error, Result};

/// Time between two tries with `--retry` alone.
const DELAY: Duration = Duration::from_secs(1);

/// Whether there are further tries, and when.
pub(super) fn retry(args: &RetryArgs) -> Result<Option<Retry>> {
    let tries = args.retry.as_deref().map(tries).transpose()?;
    let delay = args.retry_delay.as_deref().map(|text| values::duration_or_zero("--retry-delay", text)).transpose()?;
    if args.reconnect {
        if delay == Some(Duration::ZERO) {
            return Err(Error::usage_hint(
                "--reconnect without a pause would never rest",
                "write a time, as in --retry-delay 100ms, or leave --retry-delay out",
            ));
        }
        return Ok(Some(Retry { after: RetryAfter::AnyEnd, tries, delay }));
    }
    let retry = |tries| Retry { after: RetryAfter::NoConnection, tries: Some(tries), delay: delay.or(Some(DELAY)) };
    Ok(tries.map(retry))
}

/// A number of further tries, which may be none.
fn tries(text: &str) -> Result<u64> {
    match text {
        "0" => Ok(0),
        _ => values::count("--retry", text),
    }
}
