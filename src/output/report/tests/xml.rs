//! A strict check of XML: legal characters, tags that nest, quoted attributes, known entities.

/// Panics if the text is not a well-formed document. Knows as much of XML as JUnit needs.
pub(super) fn check(xml: &str) {
    if let Some(fault) = fault(xml) {
        panic!("{fault} in\n{xml}");
    }
}

fn fault(xml: &str) -> Option<String> {
    if let Some(illegal) = xml.chars().find(|c| !is_legal(*c)) {
        return Some(format!("illegal character {illegal:?}"));
    }
    let Some(mut rest) = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>") else {
        return Some("no declaration".to_owned());
    };
    let (mut open, mut roots) = (Vec::new(), 0);
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        if open.is_empty() && !text.trim().is_empty() {
            return Some(format!("text outside of the root: {text:?}"));
        }
        if let Some(fault) = text_fault(text) {
            return Some(fault);
        }
        let Some(end) = rest[at..].find('>') else { return Some("a tag without end".to_owned()) };
        let tag = &rest[at + 1..at + end];
        rest = &rest[at + end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Some(format!("unexpected end of {name}"));
            }
            continue;
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
            return Some(format!("bad name {name:?}"));
        }
        if let Some(fault) = attributes_fault(attributes) {
            return Some(fault);
        }
        roots += usize::from(open.is_empty());
        if !is_empty {
            open.push(name);
        }
    }
    let is_whole = open.is_empty() && roots == 1 && rest.trim().is_empty();
    (!is_whole).then(|| format!("{roots} roots, {open:?} open, {rest:?} behind"))
}

/// XML 1.0, production 2.
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn text_fault(text: &str) -> Option<String> {
    if text.contains("]]>") || text.contains('\r') {
        return Some(format!("bad text {text:?}"));
    }
    let is_entity = |rest: &str| ["amp;", "lt;", "gt;", "quot;", "apos;"].iter().any(|name| rest.starts_with(name));
    text.split('&').skip(1).find(|rest| !is_entity(rest)).map(|rest| format!("bad entity &{rest}"))
}

fn attributes_fault(mut text: &str) -> Option<String> {
    let mut names = Vec::new();
    while !text.is_empty() {
        let Some((name, rest)) = text.split_once("=\"") else { return Some(format!("bad attribute {text:?}")) };
        let Some((value, rest)) = rest.split_once('"') else { return Some(format!("open attribute {text:?}")) };
        if names.contains(&name) || name.contains(|c: char| !c.is_ascii_lowercase()) {
            return Some(format!("bad or double attribute {name:?}"));
        }
        if value.contains(['<', '\n', '\t']) {
            return Some(format!("bad value {value:?}"));
        }
        if let Some(fault) = text_fault(value) {
            return Some(fault);
        }
        names.push(name);
        text = rest.trim_start();
    }
    None
}

#[test]
fn faults_are_found() {
    let document = |body: &str| format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}\n");
    assert_eq!(fault(&document("<a b=\"&lt;x\" c=\"\"><d-e/>t &amp; ]] &gt;</a>")), None);
    for bad in [
        "<a>\u{b}</a>",
        "<a>\u{fffe}</a>",
        "<a>]]></a>",
        "<a>&x;</a>",
        "<a>& </a>",
        "<a><b></a></b>",
        "<a>",
        "<a/><a/>",
        "<a/>x",
        "<a b=c/>",
        "<a b=\"1\" b=\"2\"/>",
        "<a b=\"<\"/>",
        "",
    ] {
        assert!(fault(&document(bad)).is_some(), "{bad:?}");
    }
    assert!(fault("<a/>").is_some());
}
