//! Completions for bash.

use std::collections::BTreeMap;

use super::{OWN_HOSTS, Places, Value, builtins, encodings, more_encodings};

/// The script.
pub(super) fn script(commands: &[Places]) -> String {
    include_str!("bash.sh")
        .replace("@COMMANDS@", commands.iter().map(row).collect::<String>().trim_end())
        .replace("@VALUES@", values(commands).trim_end())
        .replace("@ENCODINGS@", &encodings().join(" "))
        .replace("@LABELS@", &more_encodings().join(" "))
        .replace("@BUILTINS@", &builtins().join(" "))
        .replace("@OWN@", &OWN_HOSTS.join(" "))
}

/// What a command has, as a branch of `case`.
fn row(places: &Places) -> String {
    let options: Vec<_> = places.options.iter().flat_map(|option| option.names.clone()).collect();
    let words: Vec<_> = places.words.iter().map(|word| format!("\"{}\"", kind(word))).collect();
    format!(
        "        \"{}\")\n            options=\"{}\"\n            places=({})\n            more=\"{}\"\n            ;;\n",
        places.command,
        options.join(" "),
        words.join(" "),
        kind(&places.more)
    )
}

/// Which options take a value, and of which kind, as branches of `case`.
fn values(commands: &[Places]) -> String {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for places in commands {
        for option in &places.options {
            let Some(value) = &option.value else { continue };
            let patterns = option.names.iter().map(|name| format!("\"{}:{name}\"", places.command));
            names.entry(kind(value)).or_default().extend(patterns);
        }
    }
    let row = |(kind, names): (String, Vec<String>)| {
        format!("        {})\n            value=\"{kind}\" ;;\n", names.join(" | "))
    };
    names.into_iter().map(row).collect()
}

/// The word for a kind of value in the script.
fn kind(value: &Value) -> String {
    match value {
        Value::Any => "any".to_owned(),
        Value::OneOf(words) => format!("one {}", words.join(" ")),
        Value::Encoding => "encoding".to_owned(),
        Value::Builtin => "builtin".to_owned(),
        Value::Script => "script".to_owned(),
        Value::OwnScript => "own_script".to_owned(),
        Value::File => "file".to_owned(),
        Value::Folder => "folder".to_owned(),
        Value::Host => "host".to_owned(),
        Value::OwnHost => "own_host".to_owned(),
        Value::Port => "port".to_owned(),
    }
}
