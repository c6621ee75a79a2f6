//! `Command`: what is typed behind `~` at the beginning of a line, as in ssh.
//!
//! Owns the words. Commands without an argument act with their letter, those with one with Enter. What is none is text.

/// What the user asks of tcpx itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `~?`: the list of commands.
    Help,
    /// `~.`: end the run.
    Leave,
    /// `~x`: show both directions as a hex dump, or do so no more.
    Hex,
    /// `~i`: tell about the connection.
    Info,
    /// `~r`: end the connection by RST.
    Reset,
    /// `~h`: end our side of the connection.
    HalfClose,
    /// `~e LABEL`: another encoding; without a label, tell which it is.
    Encoding(String),
    /// `~e raw`: no encoding.
    NoEncoding,
    /// `~s HEX`: send bytes.
    Bytes(String),
    /// `~f FILE`: send a file.
    File(String),
    /// `~1`, `~2` …: talk to that client.
    Choose(u64),
}

/// The answer to `~?`. `chooses`: there may be several clients.
pub fn help(chooses: bool) -> String {
    let mut text = String::from(
        "~?        this list                       ~i        about the connection
~e LABEL  another encoding (~e raw: none)  ~x        hex dump on or off
~s HEX    send bytes (~s 0d0a)             ~f FILE   send a file
~h        end our side                     ~r        reset the connection
~.        leave                            ~~        a tilde
",
    );
    if chooses {
        text.push_str("~1 ~2 ..  talk to that client (~i lists them); otherwise to the newest\n");
    }
    text
}

impl Command {
    /// The command of a letter that acts at once.
    pub(super) fn of_letter(letter: char) -> Option<Self> {
        Some(match letter {
            '?' => Self::Help,
            '.' => Self::Leave,
            'x' => Self::Hex,
            'i' => Self::Info,
            'r' => Self::Reset,
            'h' => Self::HalfClose,
            _ => return None,
        })
    }

    /// The command of a whole line.
    pub(super) fn of_line(line: &str, chooses: bool) -> Option<Self> {
        let words = line.strip_prefix('~')?.trim_end();
        if chooses && let Ok(number) = words.parse() {
            return Some(Self::Choose(number));
        }
        let letter = words.chars().next()?;
        let rest = &words[letter.len_utf8()..];
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return None;
        }
        let argument = rest.trim().to_owned();
        Some(match letter {
            'e' if argument == "raw" => Self::NoEncoding,
            'e' => Self::Encoding(argument),
            's' => Self::Bytes(argument),
            'f' => Self::File(argument),
            _ => return None,
        })
    }

    /// What was typed for it.
    pub fn words(&self) -> String {
        let (letter, argument) = match self {
            Self::Help => ('?', ""),
            Self::Leave => ('.', ""),
            Self::Hex => ('x', ""),
            Self::Info => ('i', ""),
            Self::Reset => ('r', ""),
            Self::HalfClose => ('h', ""),
            Self::Encoding(label) => ('e', label.as_str()),
            Self::NoEncoding => ('e', "raw"),
            Self::Bytes(hex) => ('s', hex.as_str()),
            Self::File(name) => ('f', name.as_str()),
            Self::Choose(number) => return format!("~{number}"),
        };
        if argument.is_empty() { format!("~{letter}") } else { format!("~{letter} {argument}") }
    }

    /// Whether it acts although lines typed before it are not sent yet.
    pub fn is_urgent(&self) -> bool {
        matches!(self, Self::Help | Self::Leave | Self::Hex | Self::Info | Self::Reset)
    }
}
