//! Runs a command line: from argv to an exit code.
//!
//! Owns the commands that only print (lists, completions, manual pages), `report`, and the prompts of `tcpx connect` without a
//! target. Does not open connections: the driver does.

mod load;
mod report;

use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::time::Instant;

use signal_hook::consts::SIGPIPE;

use crate::cli::{self, Action, AskTarget, Errand, Starter, Stop, generate, lists};
use crate::config::{Config, ScriptSource, Voice};
use crate::driver;
use crate::error::{Error, cause};
use crate::exit::Exit;
use crate::language;
use crate::output::console::{self, write_stderr};
use crate::script::{self, MAX_SCRIPT, TestList, builtin, starter, strict};
use crate::sys::{entry, stack, unix};

/// Runs tcpx with this argv, program name included, and returns the exit code. Every error has been printed.
pub fn run(argv: impl IntoIterator<Item = OsString>) -> Exit {
    language::choose(|name| std::env::var(name).ok());
    let argv: Vec<OsString> = argv.into_iter().collect();
    for (word, bytes) in cli::secrets(&argv) {
        entry::overwrite(word, bytes);
    }
    let result = match cli::parse(argv) {
        Ok(action) => carry_out(action),
        Err(Stop::Help(text)) => write(&language::encoded(&text)),
        Err(Stop::HelpOfTool(text)) => Ok(match write(&language::encoded(&text)) {
            Ok(exit @ Exit::Signal(_)) => exit,
            _ => Exit::Success,
        }),
        Err(Stop::NoCommand(text)) => {
            write_stderr(&text);
            Ok(Exit::Usage)
        }
        Err(Stop::Error(error)) => Err(error),
        Err(Stop::Told(text, exit)) => {
            write_stderr(&text);
            Ok(exit)
        }
    };
    result.unwrap_or_else(|error| {
        console::error(&error);
        error.exit()
    })
}

fn carry_out(action: Action) -> Result<Exit, Error> {
    match action {
        Action::Run(mut config) => {
            read_script(&mut config)?;
            Ok(run_config(*config))
        }
        Action::Errand(errand) => Ok(run_errand(&errand)),
        Action::Wait(configs) => Ok(wait(configs)),
        Action::AskTarget(ask) => match ask_target(&ask)? {
            Some(config) => Ok(run_config(config)),
            None => Err(Error::usage_hint("no host was given", "tcpx connect HOST PORT")),
        },
        Action::Load(mut config, load) => {
            read_script(&mut config)?;
            seed(&mut config);
            load::run(&config, &load)
        }
        Action::Report(asked) => report::report(&asked),
        Action::TestList(mut what) => {
            read_one_of(&mut what.0.sources, "tcpx test --list - < FILE")?;
            list_tests(&stack::with_large(|| script::list_tests(&what.0, &what.1))?)
        }
        Action::ScriptList => print(&lists::scripts()),
        Action::ScriptShow(name) => match builtin::find(&name) {
            Some(text) => print(text),
            None => Err(Error::ScriptLoad { message: builtin::unknown(&name) }),
        },
        Action::ScriptCheck(sources) => check_scripts(sources),
        Action::ScriptNew(Starter::Handlers) => print(&starter::handlers()),
        Action::ScriptNew(Starter::Session) => print(starter::SESSION),
        Action::ScriptNew(Starter::Test) => print(starter::TEST),
        Action::Text(text) => write(&language::encoded(&text)),
        Action::Encodings => print(&lists::encodings()),
        Action::Completions(shell) => print(&generate::completions(shell)),
        Action::Man(page) => print(&generate::man(page)),
    }
}

/// Connects or listens. A script without a seed gets one here, so that `-v` can print it.
fn run_config(mut config: Config) -> Exit {
    seed(&mut config);
    if config.script.is_none() {
        return driver::run(config);
    }
    stack::with_large(|| driver::run(config))
}

/// The runs that another tool's line asks for, one after the other: it has done it if one of them has.
fn run_errand(errand: &Errand) -> Exit {
    let mut result = None;
    if !errand.first_words.is_empty() {
        driver::say(&errand.first_words);
    }
    for config in errand.runs() {
        let exit = run_config(config);
        if let Some(words) = errand.last_words(exit) {
            driver::say_last(words);
        }
        let exit = errand.exit(exit);
        if matches!(exit, Exit::Signal(_)) {
            return exit;
        }
        if result != Some(Exit::Success) || errand.ends_as_last() {
            result = Some(exit);
        }
    }
    result.unwrap_or(Exit::Success)
}

/// Waits for one target after the other; the time limit is that of all.
fn wait(configs: Vec<Config>) -> Exit {
    let start = Instant::now();
    for mut config in configs {
        config.limits.spent = start.elapsed();
        let exit = driver::run(config);
        if exit != Exit::Success {
            return exit;
        }
    }
    Exit::Success
}

/// Gives a script without a seed one, and says it with `-v`.
fn seed(config: &mut Config) {
    if let Some(script) = &mut config.script
        && script.seed.is_none()
    {
        let seed = fastrand::u32(..).into();
        script.seed = Some(seed);
        if config.output.verbose > 0 && config.output.voice == Voice::Own {
            driver::say(&console::message(&format!("rand() begins with --seed {seed}")));
        }
    }
}

fn print(text: &str) -> Result<Exit, Error> {
    write(text.as_bytes())
}

/// Writes a result for people to stdout: on a terminal, in its encoding.
fn print_text(text: &str) -> Result<Exit, Error> {
    if io::stdout().is_terminal() { write(&language::encoded(text)) } else { print(text) }
}

/// Writes a result to stdout; if its reader is gone, tcpx ends by SIGPIPE as `cat` does.
fn write(bytes: &[u8]) -> Result<Exit, Error> {
    // The standard library's stdout ignores EBADF, so a closed stdout would go unnoticed.
    match unix::take_fd(1).and_then(|mut stdout| stdout.write_all(bytes)) {
        Ok(()) => Ok(Exit::Success),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Signal(SIGPIPE)),
        Err(error) => Err(Error::Write { target: "stdout".into(), cause: cause(&error) }),
    }
}

/// Prompts for host and port until both are valid; `None` at the end of the terminal's input.
fn ask_target(ask: &AskTarget) -> Result<Option<Config>, Error> {
    loop {
        let Some(host) = question("host: ")? else { return Ok(None) };
        if host.is_empty() {
            continue;
        }
        let port = if host.contains(':') { Some(String::new()) } else { question("port: ")? };
        let Some(port) = port else { return Ok(None) };
        match ask.answer(&host, &port) {
            Ok(config) => return Ok(Some(config)),
            Err(error) => console::error(&error),
        }
    }
}

fn question(prompt: &str) -> Result<Option<String>, Error> {
    write_stderr(&language::say(prompt));
    let mut line = String::new();
    // A terminal returns one line for each read, so lines typed ahead remain for the connection.
    match io::stdin().lock().read_line(&mut line) {
        Ok(0) => {
            write_stderr("\n");
            Ok(None)
        }
        Ok(_) => Ok(Some(line.trim().to_owned())),
        Err(error) => Err(Error::Read { source_name: "stdin".into(), cause: cause(&error) }),
    }
}

/// Reads a script from stdin.
fn script_of_stdin() -> Result<ScriptSource, Error> {
    let mut text = Vec::new();
    let read = unix::take_fd(0).and_then(|stdin| stdin.take(MAX_SCRIPT + 1).read_to_end(&mut text));
    read.map_err(|error| Error::Read { source_name: "stdin".into(), cause: cause(&error) })?;
    Ok(ScriptSource::Stdin(text))
}

/// Reads the script, or one of several, that comes from stdin.
fn read_script(config: &mut Config) -> Result<(), Error> {
    if let Some(tests) = &mut config.tests {
        read_one_of(&mut tests.sources, "tcpx test - < FILE")?;
    }
    match &mut config.script {
        // A plan of tests has its files apart.
        Some(script) if config.tests.is_none() => read_one_of(std::slice::from_mut(&mut script.source), ""),
        _ => Ok(()),
    }
}

/// Reads the one of some scripts that comes from stdin, if there is one.
fn read_one_of(sources: &mut [ScriptSource], example: &str) -> Result<(), Error> {
    let mut stdin = sources.iter_mut().filter(|source| matches!(source, ScriptSource::Stdin(_)));
    let Some(source) = stdin.next() else { return Ok(()) };
    if stdin.next().is_some() {
        return Err(Error::usage_hint("- is given twice: stdin holds one script", example.to_owned()));
    }
    *source = script_of_stdin()?;
    Ok(())
}

/// Checks scripts, one after the other.
fn check_scripts(mut sources: Vec<ScriptSource>) -> Result<Exit, Error> {
    read_one_of(&mut sources, "tcpx script check - < FILE")?;
    let checked = sources.iter().map(|source| stack::with_large(|| check_script(source)));
    Ok(checked.fold(Exit::Success, |worst, exit| if worst == Exit::Success { exit } else { worst }))
}

/// Prints the names of tests, and what is wrong with files.
fn list_tests(list: &TestList) -> Result<Exit, Error> {
    let printed = print(&list.text)?;
    list.warnings.iter().for_each(|warning| console::warn(warning));
    for message in &list.faults {
        console::error(&Error::ScriptLoad { message: message.clone() });
    }
    Ok(if list.faults.is_empty() { printed } else { Exit::ScriptLoad })
}

/// Prints every finding about a script; nothing for a correct one.
fn check_script(source: &ScriptSource) -> Exit {
    let findings = strict::check(source);
    let failed = !findings.faults.is_empty();
    for message in findings.faults {
        console::error(&Error::ScriptLoad { message });
    }
    for warning in &findings.warnings {
        console::warn(warning);
    }
    if failed { Exit::ScriptLoad } else { Exit::Success }
}
