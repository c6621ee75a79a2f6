//! The part of the reference that is about tests: what they are, checks and assertions.

/// What the manual says of tests.
pub(in crate::script) const TESTS: &str = "tcpx test runs every fn test_NAME() of its scripts, several at the same time, and reports them in the order of the source. Each has a program of its own: the top level runs anew for it, so app, timers, tasks, listeners and connections are its own, and all of them end with it. setup() runs before each test, teardown() after it, whatever became of it. With fn cases_NAME() that gives an array, fn test_NAME(row) runs once for each of its items; a row that is a map with a name has that in its own. Without any row the test is skipped. cases_NAME() cannot wait. A file that does not load, or of which cases_NAME() fails, is an error of its own in the report, and the tests of the other files run. What a test prints or logs stands under it in the report.\n\ncheck goes on when it does not hold; the others throw, and can be caught: what is caught does not fail the test. Errors of conn.expect(..), of connections and of the script fail it, too, as do a task that fails and that nobody joins, a handler that fails, exit(n), and a time limit: 30 s for setup() and the test, 5 s for teardown(), 10 s for a call that waits and says none. In main and in sessions an assertion that nobody catches is exit code 1, and so is a check that did not hold; in a handler outside of tests check throws. What a test gives is not looked at: false is no failure. Of main() an integer is the exit code; false and everything else is a success, or 112 if a handler has failed.";

pub(super) const CHECKS: &[(&str, &str)] = &[
    ("check(held, name)", "Notes that this does not hold, and goes on; gives held. The name may be left out."),
    ("assert(held, message)", "Throws unless this holds. In all of these the message may be left out."),
    (
        "assert_eq(received, expected, message)",
        "Throws unless both are equal; the report shows the difference. A blob and a string are compared by the string's bytes.",
    ),
    ("assert_ne(received, other, message)", "Throws if both are equal."),
    (
        "assert_match(received, pattern, message)",
        "Throws unless a re(..), or a string with such a pattern, matches somewhere in a string or a blob.",
    ),
    ("fail(message)", "Throws."),
    ("skip(reason)", "Ends the test as one that was skipped, in setup() or in the test. teardown() still runs."),
];
