//! The functions registered with an engine: for each name the number of arguments and the type of the first one.

use std::any::TypeId;
use std::collections::{BTreeSet, HashMap};

use rhai::{Dynamic, Engine};

use crate::script::api::conn::{Conn, Listener};
use crate::script::waiting::{self, WAITING};

/// The functions and properties of an engine.
pub(super) struct Catalog {
    forms: HashMap<String, Vec<Form>>,
}

/// One overload of a function.
#[derive(Clone, Copy)]
struct Form {
    parameters: usize,
    /// `None`: any type.
    first: Option<TypeId>,
}

impl Catalog {
    /// Reads the metadata of an engine.
    pub(super) fn of(engine: &Engine) -> Self {
        let mut forms: HashMap<String, Vec<Form>> = HashMap::new();
        let all = engine.collect_fn_metadata(
            None,
            |info| {
                let function = info.metadata;
                let first = function.param_types.first().copied().filter(|id| *id != TypeId::of::<Dynamic>());
                Some((function.name.to_string(), Form { parameters: function.num_params, first }))
            },
            true,
        );
        for (name, form) in all {
            forms.entry(name).or_default().push(form);
        }
        for known in &WAITING {
            let (receiver, first) = match known.form {
                waiting::Form::Conn | waiting::Form::Send => (1, Some(TypeId::of::<Conn>())),
                waiting::Form::Listener => (1, Some(TypeId::of::<Listener>())),
                waiting::Form::Task => (1, None),
                waiting::Form::Function => (0, None),
            };
            let counts = known.arguments.0..=known.arguments.1;
            let of_name = forms.entry(known.name.to_owned()).or_default();
            of_name.extend(counts.map(|count| Form { parameters: receiver + count, first }));
        }
        Self { forms }
    }

    /// Whether there is a function with that name.
    pub(super) fn has(&self, name: &str) -> bool {
        is_keyword(name) || self.forms.contains_key(name)
    }

    /// Whether a function with that name takes this many arguments, the receiver of a method included.
    pub(super) fn takes(&self, name: &str, arguments: usize) -> bool {
        keyword_takes(name, arguments) || self.forms(name).any(|form| form.parameters == arguments)
    }

    /// The same, with a first argument of that type.
    pub(super) fn takes_type(&self, name: &str, arguments: usize, first: TypeId) -> bool {
        let fits = |form: Form| form.parameters == arguments && form.first.is_none_or(|id| id == first);
        keyword_takes(name, arguments) || self.forms(name).any(fits)
    }

    /// The argument counts of a function, without the first `bound` arguments.
    pub(super) fn counts(&self, name: &str, bound: usize) -> BTreeSet<usize> {
        self.forms(name).filter_map(|form| form.parameters.checked_sub(bound)).collect()
    }

    /// Whether a type has a readable property.
    pub(super) fn reads(&self, property: &str, of: TypeId) -> bool {
        self.takes_type(&format!("get${property}"), 1, of)
    }

    /// Whether a type has a writable property.
    pub(super) fn sets(&self, property: &str, of: TypeId) -> bool {
        self.takes_type(&format!("set${property}"), 2, of)
    }

    /// The properties of a type.
    pub(super) fn properties(&self, of: TypeId) -> Vec<&str> {
        let is_of = |forms: &[Form]| forms.iter().any(|form| form.first == Some(of));
        self.forms.iter().filter(|(_, forms)| is_of(forms)).filter_map(|(name, _)| name.strip_prefix("get$")).collect()
    }

    fn forms(&self, name: &str) -> impl Iterator<Item = Form> {
        self.forms.get(name).into_iter().flatten().copied()
    }
}

/// Keywords that are called like functions and are not registered.
const KEYWORDS: [(&str, usize, usize); 7] = [
    ("Fn", 1, 1),
    ("call", 1, usize::MAX),
    ("curry", 1, usize::MAX),
    ("is_shared", 1, 1),
    ("is_def_fn", 2, 3),
    ("is_def_var", 1, 1),
    ("type_of", 1, 1),
];

fn is_keyword(name: &str) -> bool {
    KEYWORDS.iter().any(|(keyword, ..)| *keyword == name)
}

fn keyword_takes(name: &str, arguments: usize) -> bool {
    KEYWORDS.iter().any(|(keyword, least, most)| *keyword == name && (*least..=*most).contains(&arguments))
}
