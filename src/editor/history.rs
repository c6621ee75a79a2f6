//! `History`: lines that were sent before, oldest first, and the search in them.
//!
//! Owns which lines are kept. Where they are stored is not its business.

/// Maximum number of lines.
pub const MOST: usize = 1000;
/// Maximum length of a line that is kept, in bytes: a paste is no line to type again.
const LONGEST: usize = 4096;

/// The lines, and which one is shown.
#[derive(Debug, Default)]
pub struct History {
    lines: Vec<String>,
    /// The line that is shown, if one is, and what was typed before that.
    at: Option<usize>,
    typed: String,
}

impl History {
    /// With lines of earlier runs.
    pub fn new(lines: Vec<String>) -> Self {
        let mut history = Self::default();
        for line in lines {
            history.add(&line);
        }
        history
    }

    /// Adds a line. Returns whether it is to be kept: not if it is empty, too long, the same as the last one, or begins with a space.
    pub fn add(&mut self, line: &str) -> bool {
        self.at = None;
        let is_kept = !line.trim().is_empty()
            && line.len() <= LONGEST
            && !line.starts_with(' ')
            && !line.contains('\n')
            && self.lines.last().is_none_or(|last| last != line);
        if is_kept {
            if self.lines.len() >= MOST {
                self.lines.remove(0);
            }
            self.lines.push(line.to_owned());
        }
        is_kept
    }

    /// The line before the one that is shown; `typed`: the line as it stands.
    pub fn older(&mut self, typed: &str) -> Option<&str> {
        let at = match self.at {
            None => {
                typed.clone_into(&mut self.typed);
                self.lines.len().checked_sub(1)?
            }
            Some(at) => at.checked_sub(1)?,
        };
        self.at = Some(at);
        Some(&self.lines[at])
    }

    /// The line after the one that is shown; in the end what was typed.
    pub fn newer(&mut self) -> Option<&str> {
        let at = self.at? + 1;
        if at < self.lines.len() {
            self.at = Some(at);
            return Some(&self.lines[at]);
        }
        self.at = None;
        Some(&self.typed)
    }

    /// The newest line that contains a text, of those before `before`.
    pub fn find(&self, text: &str, before: usize) -> Option<(usize, &str)> {
        let lines = &self.lines[..before.min(self.lines.len())];
        lines.iter().enumerate().rev().find(|(_, line)| line.contains(text)).map(|(at, line)| (at, line.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_walked_both_ways_and_what_was_typed_comes_back() {
        let mut history = History::new(vec!["one".into(), "two".into()]);
        assert_eq!(history.newer(), None);
        assert_eq!(history.older("half"), Some("two"));
        assert_eq!(history.older("two"), Some("one"));
        assert_eq!(history.older("one"), None);
        assert_eq!(history.newer(), Some("two"));
        assert_eq!(history.newer(), Some("half"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn what_is_no_line_to_type_again_is_not_kept() {
        let mut history = History::default();
        assert!(history.add("one"));
        for line in ["one", "", "  ", " secret", "a\nb", &"x".repeat(LONGEST + 1)] {
            assert!(!history.add(line), "{line}");
        }
        for number in 0..MOST {
            history.add(&number.to_string());
        }
        assert_eq!(history.lines.len(), MOST);
        assert_eq!(history.find("one", MOST), None, "the oldest has gone");
        assert_eq!(history.find("99", MOST).map(|found| found.1), Some("999"));
        assert_eq!(history.find("99", 999).map(|found| found.1), Some("998"));
    }
}
