//! The difference between what was expected and what was received: lines of text with the changed words marked, or rows of
//! a hex dump with the changed bytes marked.
//!
//! Owns what is compared and how much of it is shown. Its rows are safe for a terminal; colours are those of `details`.

use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{DiffOp, DiffableStr, group_diff_ops};

use super::{Content, Value};
use crate::codec::escape::show_line;
use crate::output::hexdump::{self, ROW};

/// One row of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which side it is from.
    pub side: Side,
    /// Its text in parts; `true` marks what differs from the other side.
    pub parts: Vec<(bool, String)>,
}

/// Where a row is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Both sides have it.
    Both,
    /// What was expected.
    Expected,
    /// What was received.
    Received,
    /// A remark.
    Note,
}

impl Row {
    fn note(text: impl Into<String>) -> Self {
        Self { side: Side::Note, parts: vec![(false, text.into())] }
    }

    /// A row of which only parts are marked; if all of it differs, nothing is. It is shown from its beginning, or around this
    /// place in bytes if it is long; how much of it is left out is not known if its text is cut.
    fn marked(side: Side, parts: &[(bool, &str)], around: usize, is_cut: bool) -> Self {
        let is_all = parts.iter().all(|(changed, text)| *changed || text.is_empty());
        let parts = parts.iter().filter(|(_, text)| !text.is_empty());
        let mut row = Self { side, parts: Vec::new() };
        for (changed, text) in
            shorten(parts.map(|(changed, text)| (*changed && !is_all, *text)).collect(), around, is_cut)
        {
            match row.parts.last_mut() {
                Some((last, shown)) if *last == changed => shown.push_str(&show_line(&text)),
                _ => row.parts.push((changed, show_line(&text).into_owned())),
            }
        }
        row
    }

    /// The mark in its first column.
    pub fn sign(&self) -> char {
        match self.side {
            Side::Both => ' ',
            Side::Expected => '-',
            Side::Received => '+',
            Side::Note => '~',
        }
    }

    /// The sign and the text.
    pub fn plain(&self) -> String {
        let text: String = self.parts.iter().map(|(_, text)| text.as_str()).collect();
        format!("{} {text}", self.sign())
    }
}

/// The rows for two values; `None` if one of them is a pattern.
pub fn rows(expected: &Value, received: &Value) -> Option<Vec<Row>> {
    match (&expected.content, &received.content) {
        (Content::Pattern(_), _) | (_, Content::Pattern(_)) => None,
        (Content::Bytes(_), _) | (_, Content::Bytes(_)) => Some(hex_rows(expected, received)),
        (Content::Text(old), Content::Text(new)) => {
            let mut rows = text_rows(old, new, expected.is_cut() || received.is_cut());
            if expected.length.max(received.length) > MAX_WIDTH {
                rows.insert(0, Row::note(lengths(expected, received)));
            }
            Some(rows)
        }
        (Content::Text(old) | Content::Shown(old), Content::Text(new) | Content::Shown(new)) => {
            Some(text_rows(old, new, expected.is_cut() || received.is_cut()))
        }
    }
}

/// How long both sides are.
fn lengths(expected: &Value, received: &Value) -> String {
    match (expected.length, received.length) {
        (one, other) if one == other => format!("both have {one} bytes"),
        (one, other) => format!("expected {one} bytes, received {other}"),
    }
}

/// The rows for two texts, or for the beginnings of two.
fn text_rows(expected: &str, received: &str, is_cut: bool) -> Vec<Row> {
    if expected == received {
        return vec![Row::note("both look the same")];
    }
    let (old, old_ends) = lines(expected);
    let (new, new_ends) = lines(received);
    let window = Window::new(&old, &new);
    let (old, old_more) = window.of(&old);
    let (new, new_more) = window.of(&new);
    let mut rows = Vec::new();
    for (side, text) in [("expected", expected), ("received", received)] {
        if text.is_empty() {
            rows.push(Row::note(format!("{side} is empty")));
        }
    }
    if window.before > 0 {
        rows.push(Row::note(format!("… {} equal lines before", window.before)));
    }
    let groups = group_diff_ops(operations(old, new), CONTEXT);
    for (number, group) in groups.iter().enumerate() {
        if number > 0 {
            rows.push(Row::note("…"));
        }
        for op in group {
            push_op(&mut rows, op, old, new, is_cut);
        }
    }
    if is_cut {
        rows.push(Row::note("… the rest is not compared"));
        return rows;
    }
    for (side, more) in [("expected", old_more), ("received", new_more)] {
        if more > 0 {
            rows.push(Row::note(format!("… {side}: {more} more lines")));
        }
    }
    match (old_ends, new_ends) {
        (true, false) => rows.push(Row::note("received has no line end at its end")),
        (false, true) => rows.push(Row::note("expected has no line end at its end")),
        _ => {}
    }
    rows
}

/// The lines of a text, and whether the last has a line end.
fn lines(text: &str) -> (Vec<&str>, bool) {
    let ends = text.ends_with('\n');
    let body = text.strip_suffix('\n').unwrap_or(text);
    (if text.is_empty() { Vec::new() } else { body.split('\n').collect() }, ends)
}

/// What makes the one of the other, by the algorithm of Myers (the crate's functions with a choice of algorithms have all of
/// them in the program).
fn operations(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut captured = Compact::new(Replace::new(Capture::new()), old, new);
    let Ok(()) = myers::diff(&mut captured, old, 0..old.len(), new, 0..new.len());
    captured.into_inner().into_inner().into_ops()
}

/// The lines that are compared: from a few before the first difference on, and not too many.
struct Window {
    before: usize,
    after: usize,
}

impl Window {
    fn new(old: &[&str], new: &[&str]) -> Self {
        let same = |(a, b): &(&&str, &&str)| a == b;
        let start = old.iter().zip(new).take_while(same).count();
        let most = old.len().min(new.len()) - start;
        let end = old.iter().rev().zip(new.iter().rev()).take(most).take_while(same).count();
        Self { before: start.saturating_sub(CONTEXT), after: end.saturating_sub(CONTEXT) }
    }

    /// The part of one side, and how many of its differing lines are left out.
    fn of<'a, 'b>(&self, lines: &'b [&'a str]) -> (&'b [&'a str], usize) {
        let all = &lines[self.before..lines.len() - self.after];
        let shown = all.len().min(MAX_LINES);
        (&all[..shown], all.len() - shown)
    }
}

fn push_op(rows: &mut Vec<Row>, op: &DiffOp, old: &[&str], new: &[&str], is_cut: bool) {
    let (old, new) = (&old[op.old_range()], &new[op.new_range()]);
    match op {
        DiffOp::Equal { .. } => {
            rows.extend(old.iter().map(|line| Row::marked(Side::Both, &[(false, line)], 0, is_cut)));
        }
        // Lines of the same number stand for each other.
        DiffOp::Replace { .. } if old.len() == new.len() => {
            let (mut before, mut after) = (Vec::new(), Vec::new());
            for (old, new) in old.iter().zip(new) {
                let (from, to) = changed(old, new);
                // Both sides of a long line show the same place: what is only left out is marked in one of them.
                let start = same_start(old, new);
                before.push(Row::marked(Side::Expected, &from, start, is_cut));
                after.push(Row::marked(Side::Received, &to, start, is_cut));
            }
            rows.append(&mut before);
            rows.append(&mut after);
        }
        _ => {
            rows.extend(old.iter().map(|line| Row::marked(Side::Expected, &[(true, line)], 0, is_cut)));
            rows.extend(new.iter().map(|line| Row::marked(Side::Received, &[(true, line)], 0, is_cut)));
        }
    }
}

/// The parts of a line.
type Parts<'a> = Vec<(bool, &'a str)>;

/// The changed parts of two lines that stand for each other: words, or what is between an equal beginning and end if that
/// leaves more of them unmarked. If they have little in common, all of them.
fn changed<'a>(old: &'a str, new: &'a str) -> (Parts<'a>, Parts<'a>) {
    let start = same_start(old, new);
    let end = same_end(&old[start..], &new[start..]);
    let parts = |text: &'a str| {
        let (before, rest) = text.split_at(start);
        let (middle, after) = rest.split_at(rest.len() - end);
        vec![(false, before), (true, middle), (false, after)]
    };
    let longest = old.len().max(new.len());
    let (mut best, mut common) = ((parts(old), parts(new)), start + end);
    if longest <= MAX_WORDS {
        let (old, new) = (old.tokenize_words(), new.tokenize_words());
        let (old, new) = words(&operations(&old, &new), &old, &new);
        let equal = old.iter().filter(|(changed, _)| !changed).map(|(_, word)| word.len()).sum();
        if equal >= common {
            (best, common) = ((old, new), equal);
        }
    }
    if (common as f32) < LIKE * longest as f32 { (vec![(true, old)], vec![(true, new)]) } else { best }
}

/// The words of both sides.
fn words<'a>(operations: &[DiffOp], old: &[&'a str], new: &[&'a str]) -> (Parts<'a>, Parts<'a>) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for operation in operations {
        let changed = !matches!(operation, DiffOp::Equal { .. });
        before.extend(old[operation.old_range()].iter().map(|word| (changed, *word)));
        after.extend(new[operation.new_range()].iter().map(|word| (changed, *word)));
    }
    (before, after)
}

/// Length in bytes of what both begin with.
fn same_start(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
}

/// Length in bytes of what both end with.
fn same_end(one: &str, other: &str) -> usize {
    let pairs = one.chars().rev().zip(other.chars().rev());
    pairs.take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
}

/// The parts of a long line around a place in bytes.
fn shorten(parts: Vec<(bool, &str)>, around: usize, is_cut: bool) -> Vec<(bool, String)> {
    let length = |text: &str| text.chars().count();
    let total: usize = parts.iter().map(|(_, text)| length(text)).sum();
    if total <= MAX_WIDTH {
        return parts.into_iter().map(|(changed, text)| (changed, text.to_owned())).collect();
    }
    let line = parts.iter().flat_map(|(_, text)| text.chars());
    let mut bytes = 0;
    let before = line.take_while(|letter| {
        bytes += letter.len_utf8();
        bytes <= around
    });
    let from = before.count().saturating_sub(MAX_WIDTH / 4).min(total - MAX_WIDTH);
    let mut out = Vec::new();
    if from > 0 {
        out.push((false, "…".to_owned()));
    }
    let (mut skip, mut left) = (from, MAX_WIDTH);
    for (changed, text) in parts {
        let shown: String = text.chars().skip(skip).take(left).collect();
        skip = skip.saturating_sub(length(text));
        left -= length(&shown);
        if !shown.is_empty() {
            out.push((changed, shown));
        }
    }
    if from + MAX_WIDTH < total {
        let more = total - from - MAX_WIDTH;
        out.push((false, if is_cut { "…".to_owned() } else { format!("… ({more} more characters)") }));
    }
    out
}

fn hex_rows(expected: &Value, received: &Value) -> Vec<Row> {
    let lengths = lengths(expected, received);
    let (expected, received) = (expected.content.bytes(), received.content.bytes());
    let Some(first) = (0..expected.len().max(received.len())).find(|at| expected.get(*at) != received.get(*at)) else {
        return vec![Row::note("both are the same bytes")];
    };
    let mut rows = vec![Row::note(format!("{lengths}; the first difference is at offset {first} (0x{first:x})"))];
    let blocks = expected.len().max(received.len()).div_ceil(ROW);
    let block = |bytes: &'_ [u8], number: usize| {
        let from = (number * ROW).min(bytes.len());
        from..(from + ROW).min(bytes.len())
    };
    let (mut shown, mut last) = (0, None);
    for number in first / ROW..blocks {
        let (old, new) = (&expected[block(expected, number)], &received[block(received, number)]);
        if old == new {
            continue;
        }
        if shown == MAX_ROWS {
            rows.push(Row::note("… more rows differ"));
            break;
        }
        // The row before a difference, to find the place by.
        if let Some(before) = number.checked_sub(1)
            && last != Some(before)
        {
            if last.is_some_and(|last| last + 1 < before) {
                rows.push(Row::note("…"));
            }
            let bytes = &expected[block(expected, before)];
            rows.push(hex_row(Side::Both, before, bytes, bytes));
        }
        rows.extend((!old.is_empty()).then(|| hex_row(Side::Expected, number, old, new)));
        rows.extend((!new.is_empty()).then(|| hex_row(Side::Received, number, new, old)));
        shown += 1;
        last = Some(number);
    }
    rows
}

/// One row of a hex dump; the bytes that differ from the other side's are marked.
fn hex_row(side: Side, number: usize, bytes: &[u8], other: &[u8]) -> Row {
    let mut text = format!("{:08x} ", number * ROW);
    let digits = text.len() + 1;
    hexdump::push_row(&mut text, bytes);
    let text = text.trim_end();
    let mut parts = Vec::new();
    let mut from = 0;
    for at in 0..bytes.len() {
        let is_changed = bytes.get(at) != other.get(at);
        let column = digits + at * 3 + usize::from(at >= ROW / 2);
        if is_changed {
            parts.push((false, &text[from..column]));
            parts.push((true, &text[column..column + 2]));
            from = column + 2;
        }
    }
    parts.push((false, &text[from..]));
    Row::marked(side, &parts, 0, false)
}

/// Equal lines shown around a difference.
const CONTEXT: usize = 3;
/// Maximum lines of each side that are compared.
const MAX_LINES: usize = 200;
/// Maximum length, in bytes, of a line whose words are compared.
const MAX_WORDS: usize = 4096;
/// Maximum characters of a line that is shown. The lengths of both texts are said if one has more bytes.
const MAX_WIDTH: usize = 160;
/// Maximum differing rows of a hex dump.
const MAX_ROWS: usize = 16;
/// From this part on that two lines have in common, their changed parts are marked.
const LIKE: f32 = 0.5;
