//! The defaults in place of options that are not given.

use super::Settings;
use crate::cli::args::{
    ConnectArgs, Late, ListenArgs, OutputArgs, ProgressWord, ScriptArgs, SettingsArgs, TextArgs, Word,
};
use crate::cli::rules;

impl Settings {
    /// Fills in what the command line leaves open. `is_talk`: stdin and stdout are terminals.
    pub(in crate::cli) fn apply(&self, word: &mut Word, is_talk: bool) {
        match word {
            Word::Connect(Late(args)) => self.connect(args, is_talk),
            Word::Listen(Late(args)) => self.listen(args, is_talk),
            Word::Run(Late(args)) => {
                self.fill("script-timeout", &mut args.limits.script_timeout);
                self.output(&mut args.output);
            }
            Word::Test(Late(args)) => {
                self.fill("script-timeout", &mut args.limits.script_timeout);
                self.fill("test-timeout", &mut args.test_timeout);
                args.no_color = self.has_no_color();
            }
            Word::Scan(Late(args)) => self.fill("connect-timeout", &mut args.connect_timeout),
            Word::Wait(Late(args)) => self.fill("connect-timeout", &mut args.connect_timeout),
            _ => {}
        }
    }

    fn connect(&self, args: &mut ConnectArgs, is_talk: bool) {
        self.fill("connect-timeout", &mut args.connect_timeout);
        // With --reconnect the pauses grow by themselves.
        if args.retry.retry.is_some() && !args.retry.reconnect {
            self.fill("retry-delay", &mut args.retry.retry_delay);
        }
        let is_talk = is_talk && !rules::has_program(&args.exec);
        self.both(&mut args.script, &mut args.text, &mut args.output, is_talk);
    }

    fn listen(&self, args: &mut ListenArgs, is_talk: bool) {
        let is_talk = is_talk && !rules::has_program(&args.exec);
        self.both(&mut args.script, &mut args.text, &mut args.output, is_talk);
    }

    fn both(&self, script: &mut ScriptArgs, text: &mut TextArgs, output: &mut OutputArgs, is_talk: bool) {
        if rules::has_script(script) {
            self.fill("script-timeout", &mut script.limits.script_timeout);
        } else if is_talk && text.recv_encoding.is_none() && text.send_encoding.is_none() && output.output.is_none() {
            // Between people alone: in a pipe bytes stay what they are.
            self.fill("encoding", &mut text.encoding);
        }
        self.output(output);
    }

    fn output(&self, args: &mut OutputArgs) {
        if self.value("progress") == Some("auto") && args.progress.is_none() && !args.quiet {
            args.progress = Some(ProgressWord::Auto);
        }
        args.terminal.no_history |= self.value("no-history") == Some("true");
        args.terminal.no_color = self.has_no_color();
    }

    fn has_no_color(&self) -> bool {
        self.value("color") == Some("never")
    }

    fn fill(&self, name: &str, option: &mut Option<String>) {
        if option.is_none() {
            *option = self.value(name).map(str::to_owned);
        }
    }
}

/// Whether a command reads the defaults.
pub(in crate::cli) fn are_read(word: &Word) -> bool {
    let args: &SettingsArgs = match word {
        Word::Connect(Late(args)) => &args.settings,
        Word::Listen(Late(args)) => &args.settings,
        Word::Run(Late(args)) => &args.settings,
        Word::Test(Late(args)) => &args.settings,
        Word::Scan(Late(args)) => &args.settings,
        Word::Wait(Late(args)) => &args.settings,
        Word::Config { word: crate::cli::args::ConfigWord::Show(args) } => args,
        _ => return false,
    };
    !args.no_config
}
