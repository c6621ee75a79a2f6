//! File access of a script: the files and folders it may use, and the resolution of paths in them.
//!
//! Every path is resolved, links included, before it is compared with the folders. An argument of a built-in script may name
//! a file or folder as well (`script/builtin.rs` says which): a path that begins with that argument, as it was given, is
//! relative to the working directory.

use std::path::{Component, Path, PathBuf};

use crate::codec::escape::show_line;
use crate::config::{Script, ScriptSource};
use crate::error::{Error, cause};
use crate::script::builtin::{self, Argument};

/// A folder as it was given, and its resolved path.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) shown: PathBuf,
    pub(super) real: PathBuf,
}

impl Folder {
    /// Resolves a folder, which must exist.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let place = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let real = place.canonicalize().map_err(|fault| cause(&fault))?;
        if real.is_dir() { Ok(Self { shown: path.to_owned(), real }) } else { Err("not a directory".to_owned()) }
    }

    /// The resolved path of a path below the folder; `None` if it is outside of the folder.
    pub(super) fn find(&self, path: &Path) -> std::io::Result<Option<PathBuf>> {
        let file = self.real.join(path).canonicalize()?;
        Ok(file.starts_with(&self.real).then_some(file))
    }
}

/// A file or folder that an argument of a built-in script names.
#[derive(Debug)]
enum Named {
    /// One file to read.
    File(PathBuf),
    /// A folder to read, or to read and write.
    Folder { folder: Folder, write: bool },
}

impl Named {
    /// Looks at an argument. A folder must exist; a file is looked at when it is read.
    fn open(argument: Argument, path: &str) -> Result<Self, String> {
        let shown = PathBuf::from(path);
        let write = match argument {
            Argument::File => return Ok(Self::File(shown)),
            Argument::Folder => false,
            Argument::FolderToWrite => true,
        };
        let folder = if path.is_empty() { Err("not a file name".to_owned()) } else { Folder::open(&shown) };
        folder.map(|folder| Self::Folder { folder, write })
    }

    /// Whether a path begins with the argument.
    fn has(&self, path: &Path) -> bool {
        match self {
            Self::File(shown) => path == shown,
            Self::Folder { folder, .. } => path.starts_with(&folder.shown),
        }
    }

    fn to_read(&self, path: &Path) -> Result<PathBuf, String> {
        let real = path.canonicalize().map_err(|fault| cause(&fault))?;
        match self {
            Self::Folder { folder, .. } if !real.starts_with(&folder.real) => {
                Err(format!("it is outside of {}", show_line(&folder.shown.to_string_lossy())))
            }
            _ => Ok(real),
        }
    }
}

fn unusable(is_to_write: bool, target: String, cause: String) -> Error {
    if is_to_write { Error::Write { target, cause } } else { Error::Read { source_name: target, cause } }
}

/// The files and folders one script may use.
#[derive(Debug, Default)]
pub(super) struct FileAccess {
    read: Vec<Folder>,
    write: Vec<Folder>,
    /// What arguments of a built-in script name.
    named: Vec<Named>,
}

impl FileAccess {
    /// What a script may use. `own`: its folder, if it is a file.
    ///
    /// # Errors
    /// A folder that an option or an argument names cannot be read, or not written.
    pub(super) fn of(script: &Script, own: Option<&Path>) -> Result<Self, Error> {
        let access = Self::new(own, &script.allow_read, &script.allow_write)?;
        let ScriptSource::Builtin(name) = &script.source else { return Ok(access) };
        let named = builtin::paths(name).filter_map(|(at, argument)| {
            let path = script.args.get(at)?;
            Some(Named::open(argument, path).map_err(|cause| {
                let target = format!("{} (argument {} of @{name})", show_line(path), at + 1);
                unusable(argument == Argument::FolderToWrite, target, cause)
            }))
        });
        Ok(Self { named: named.collect::<Result<_, _>>()?, ..access })
    }

    fn new(own: Option<&Path>, read: &[PathBuf], write: &[PathBuf]) -> Result<Self, Error> {
        let open = |option: &str, path: &PathBuf| {
            let target = || format!("{} ({option})", show_line(&path.to_string_lossy()));
            Folder::open(path).map_err(|cause| unusable(option == "--allow-write", target(), cause))
        };
        let own = own.and_then(|folder| Folder::open(folder).ok());
        let read = read.iter().map(|path| open("--allow-read", path));
        Ok(Self {
            read: own.into_iter().map(Ok).chain(read).collect::<Result<_, _>>()?,
            write: write.iter().map(|path| open("--allow-write", path)).collect::<Result<_, _>>()?,
            named: Vec::new(),
        })
    }

    /// The file to read: what an argument names; else a relative path is looked up in each folder, the script's own first.
    pub(super) fn to_read(&self, path: &str) -> Result<PathBuf, String> {
        let path = named(path)?;
        if let Some(named) = self.named.iter().find(|named| named.has(path)) {
            let found = named.to_read(path);
            // A file may also be in a folder that is readable anyway.
            if found.is_ok() || self.read.is_empty() || matches!(named, Named::Folder { .. }) {
                return found;
            }
        }
        if self.read.is_empty() && self.named.is_empty() {
            return Err("this script has no folder; --allow-read DIR names one to read from".to_owned());
        }
        let outside = "it is outside of the folders this script may read; --allow-read DIR names another";
        let mut why = if self.read.is_empty() { outside } else { "no such file or directory" };
        for folder in &self.read {
            match folder.find(path) {
                Ok(Some(file)) => return Ok(file),
                Ok(None) => why = outside,
                Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {}
                Err(fault) => return Err(cause(&fault)),
            }
        }
        Err(why.to_owned())
    }

    /// The file to write, which need not exist: below the folder that an argument names; else a relative path is below the
    /// first folder.
    pub(super) fn to_write(&self, path: &str) -> Result<PathBuf, String> {
        let path = named(path)?;
        for named in self.named.iter().filter(|named| named.has(path)) {
            if let Named::Folder { folder, write: true } = named {
                let outside = || format!("it is outside of {}", show_line(&folder.shown.to_string_lossy()));
                let real = of_new_file(path)?;
                return if real.starts_with(&folder.real) { Ok(real) } else { Err(outside()) };
            }
        }
        let outside = "it is outside of the folders this script may write; --allow-write DIR names another";
        let Some(first) = self.write.first() else {
            return Err("writing is not allowed; --allow-write DIR names a folder for it".to_owned());
        };
        let real = of_new_file(&first.real.join(path))?;
        if self.write.iter().any(|folder| real.starts_with(&folder.real)) { Ok(real) } else { Err(outside.to_owned()) }
    }
}

/// The resolved path of a file that need not exist.
fn of_new_file(file: &Path) -> Result<PathBuf, String> {
    let Some(Component::Normal(name)) = file.components().next_back() else {
        return Err("not a file name".to_owned());
    };
    match file.canonicalize() {
        Ok(real) => Ok(real),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
            let folder = match file.parent() {
                Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
                Some(folder) => folder,
                None => Path::new("/"),
            };
            Ok(folder.canonicalize().map_err(|fault| cause(&fault))?.join(name))
        }
        Err(fault) => Err(cause(&fault)),
    }
}

fn named(path: &str) -> Result<&Path, String> {
    if path.is_empty() || path.contains('\0') { Err("not a file name".to_owned()) } else { Ok(Path::new(path)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(name: &str, args: &[&str]) -> Result<FileAccess, String> {
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let script = Script { args, ..Script::new(ScriptSource::Builtin(name.to_owned())) };
        FileAccess::of(&script, None).map_err(|error| format!("{error} ({})", error.exit().code()))
    }

    #[test]
    fn a_folder_named_by_an_argument_is_readable_below_that_name_only() {
        let outside =
            Err("it is outside of the folders this script may read; --allow-read DIR names another".to_owned());
        let real = |path: &str| Ok(Path::new(path).canonicalize().unwrap());
        let access_to_scripts = access("http", &["scripts"]).unwrap();
        assert_eq!(access_to_scripts.to_read("scripts/echo.rhai"), real("scripts/echo.rhai"));
        assert_eq!(access_to_scripts.to_read("scripts//./echo.rhai"), real("scripts/echo.rhai"));
        assert_eq!(access_to_scripts.to_read("scripts/../Cargo.toml"), Err("it is outside of scripts".to_owned()));
        assert_eq!(access_to_scripts.to_read("scripts/none"), Err("no such file or directory".to_owned()));
        for path in ["echo.rhai", "Cargo.toml", "scripts2", "/etc/passwd", "./src/main.rs"] {
            assert_eq!(access_to_scripts.to_read(path), outside, "{path}");
        }
        let no = "writing is not allowed; --allow-write DIR names a folder for it";
        assert_eq!(access_to_scripts.to_write("scripts/new"), Err(no.to_owned()));
        assert_eq!(access("http", &["."]).unwrap().to_read("./Cargo.toml"), real("Cargo.toml"));
        assert_eq!(access("http", &["/"]).unwrap().to_read("//etc"), real("/etc"));
    }

    #[test]
    fn a_folder_to_write_takes_new_files_and_lets_none_out() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("mails");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("old"), "").unwrap();
        std::os::unix::fs::symlink(top.path(), folder.join("link")).unwrap();
        let name = folder.to_str().unwrap();
        let mails = access("smtp", &[name]).unwrap();
        let real = folder.canonicalize().unwrap();
        assert_eq!(mails.to_write(&format!("{name}/new")), Ok(real.join("new")));
        assert_eq!(mails.to_read(&format!("{name}/old")), Ok(real.join("old")));
        for path in ["../new", "link/new"] {
            assert_eq!(mails.to_write(&format!("{name}/{path}")), Err(format!("it is outside of {name}")), "{path}");
        }
        assert_eq!(mails.to_write(&format!("{name}/..")), Err("not a file name".to_owned()));
        assert!(mails.to_write("new").unwrap_err().starts_with("writing is not allowed"));
        // A name of the working directory has no parent that could be opened.
        assert_eq!(of_new_file(Path::new("new")), Ok(Path::new(".").canonicalize().unwrap().join("new")));
    }

    #[test]
    fn a_file_named_by_an_argument_is_readable_by_that_name_only() {
        let file = access("modbus", &["Cargo.toml", "build.rs"]).unwrap();
        assert_eq!(file.to_read("Cargo.toml"), Ok(Path::new("Cargo.toml").canonicalize().unwrap()));
        for path in ["build.rs", "Cargo.toml/x", "Cargo.lock"] {
            assert!(file.to_read(path).unwrap_err().starts_with("it is outside"), "{path}");
        }
        assert!(access("echo", &["Cargo.toml"]).unwrap().to_read("Cargo.toml").is_err());
        let none = access("modbus", &["none"]).unwrap();
        assert_eq!(none.to_read("none"), Err("no such file or directory".to_owned()));
    }

    #[test]
    fn a_folder_that_cannot_be_opened_is_an_error_with_its_argument() {
        let why = |path: &str| access("smtp", &[path]).unwrap_err();
        assert_eq!(why("none\n"), "write none\\n (argument 1 of @smtp): no such file or directory (23)");
        assert_eq!(why("Cargo.toml"), "write Cargo.toml (argument 1 of @smtp): not a directory (23)");
        assert_eq!(why(""), "write  (argument 1 of @smtp): not a file name (23)");
        let why = access("http", &["none"]).unwrap_err();
        assert_eq!(why, "read none (argument 1 of @http): no such file or directory (26)");
        assert!(access("smtp", &[]).is_ok());
    }
}
