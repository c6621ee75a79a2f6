//! Resolves `import`: only files at or below the script's folder, not through links that lead out of it.
//!
//! Owns the rules for paths, the cache, and the discovery of cycles.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use rhai::{Engine, EvalAltResult, ModuleResolver, Position, Shared};

use crate::script::engine::{self, Fault};
use crate::script::paths::Folder;
use crate::script::source::{Source, Sources};
use crate::script::waiting;

/// Resolves the imports of one script.
pub(super) struct Resolver {
    sources: Rc<Sources>,
    /// The script's folder; `None` for built-in scripts and one-liners.
    folder: Option<Folder>,
    /// The folder of each text, relative to the script's folder, by the name of the text.
    places: RefCell<HashMap<String, PathBuf>>,
    modules: RefCell<HashMap<PathBuf, Shared<rhai::Module>>>,
    /// The imports in progress, outermost first.
    loading: RefCell<Vec<(PathBuf, String)>>,
}

impl Resolver {
    pub(super) fn new(sources: Rc<Sources>, folder: Option<&Path>) -> Self {
        let folder = folder.and_then(|folder| Folder::open(folder).ok());
        Self { sources, folder, places: RefCell::default(), modules: RefCell::default(), loading: RefCell::default() }
    }

    /// The text of an import, without running it.
    pub(super) fn open(&self, importer: &str, path: &str) -> Result<Rc<Source>, String> {
        let (file, name) = self.locate(importer, path)?;
        self.read(&file, name, path)
    }

    fn import(&self, engine: &Engine, importer: &str, path: &str) -> Result<Shared<rhai::Module>, Refusal> {
        let (file, name) = self.locate(importer, path)?;
        if let Some(module) = self.modules.borrow().get(&file) {
            return Ok(module.clone());
        }
        self.check_cycle(&file, &name)?;
        let source = self.read(&file, name.clone(), path)?;

        self.loading.borrow_mut().push((file.clone(), name.clone()));
        let module = engine::compile(engine, &source)
            .and_then(|(ast, constants)| engine::run(engine, &waiting::rewrite_part(&ast), constants));
        self.loading.borrow_mut().pop();
        let module: Shared<_> = module.map_err(|fault| Refusal::Inside(name, fault))?.into();
        self.modules.borrow_mut().insert(file, module.clone());
        Ok(module)
    }

    /// The file of an import and its name in messages. Its own imports are relative to its folder.
    fn locate(&self, importer: &str, path: &str) -> Result<(PathBuf, String), String> {
        let Some(folder) = &self.folder else {
            return Err("only a script in a file can import others".to_owned());
        };
        let below = checked(path)?;
        let below = self.places.borrow().get(importer).cloned().unwrap_or_default().join(below);
        self.sources.note_file(folder.real.join(&below));
        let file = folder
            .find(&below)
            .map_err(|cause| format!("import \"{path}\": {}", crate::error::cause(&cause)))?
            .ok_or_else(|| format!("import \"{path}\": it is outside of the script's folder"))?;
        let name = folder.shown.join(&below).display().to_string();
        let folder = below.parent().unwrap_or(Path::new("")).to_owned();
        self.places.borrow_mut().insert(name.clone(), folder);
        Ok((file, name))
    }

    fn read(&self, file: &Path, name: String, path: &str) -> Result<Rc<Source>, String> {
        let source = Rc::new(Source::read(file, name).map_err(|text| format!("import \"{path}\": {text}"))?);
        self.sources.add(Rc::clone(&source));
        Ok(source)
    }

    fn check_cycle(&self, file: &Path, name: &str) -> Result<(), Refusal> {
        let loading = self.loading.borrow();
        let main = &self.sources.main().name;
        let is_main = Path::new(main).canonicalize().is_ok_and(|main| main == file);
        let round = match loading.iter().position(|(open, _)| open == file) {
            Some(at) => &loading[at..],
            None if is_main => &loading[..],
            None => return Ok(()),
        };
        let mut names: Vec<_> = round.iter().map(|(_, name)| name.as_str()).collect();
        if is_main {
            names.insert(0, main);
        }
        Err(format!("the imports go round in a circle: {} → {name}", names.join(" → ")).into())
    }
}

impl ModuleResolver for Resolver {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        at: Position,
    ) -> Result<Shared<rhai::Module>, Fault> {
        self.import(engine, source.unwrap_or_default(), path).map_err(|refusal| match refusal {
            Refusal::Path(text) => EvalAltResult::ErrorRuntime(text.into(), at).into(),
            Refusal::Inside(name, fault) => EvalAltResult::ErrorInModule(name, fault, at).into(),
        })
    }
}

/// The error of an import.
enum Refusal {
    /// The file is not allowed, or cannot be read.
    Path(String),
    /// The text with that name has errors.
    Inside(String, Fault),
}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        Self::Path(text)
    }
}

/// The path of an import below the importing file's folder, `.rhai` added.
fn checked(path: &str) -> Result<PathBuf, String> {
    let given = Path::new(path);
    if path.is_empty() || path.contains('\0') {
        return Err(format!("import \"{path}\": not a file name"));
    }
    if !given.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(format!("import \"{path}\": only files at or below the script's folder can be imported"));
    }
    let mut path = path.to_owned();
    if given.extension().is_none_or(|extension| extension != "rhai") {
        path.push_str(".rhai");
    }
    Ok(Path::new(&path).components().filter(|part| matches!(part, Component::Normal(_))).collect())
}
