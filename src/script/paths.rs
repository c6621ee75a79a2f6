//! File access of a script: the folders it may use, and the resolution of paths in them.
//!
//! Every path is resolved, links included, before it is compared with the folders.

use std::path::{Component, Path, PathBuf};

use crate::codec::escape::show_line;
use crate::error::cause;

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

/// The folders one script may use.
#[derive(Debug, Default)]
pub(super) struct FileAccess {
    read: Vec<Folder>,
    write: Vec<Folder>,
}

impl FileAccess {
    /// `own`: the folder of the script, if it is a file.
    pub(super) fn new(own: Option<&Path>, read: &[PathBuf], write: &[PathBuf]) -> Result<Self, String> {
        let open = |option: &str, path: &PathBuf| {
            Folder::open(path).map_err(|cause| format!("{option} {}: {cause}", show_line(&path.to_string_lossy())))
        };
        let own = own.and_then(|folder| Folder::open(folder).ok());
        let read = read.iter().map(|path| open("--allow-read", path));
        Ok(Self {
            read: own.into_iter().map(Ok).chain(read).collect::<Result<_, _>>()?,
            write: write.iter().map(|path| open("--allow-write", path)).collect::<Result<_, _>>()?,
        })
    }

    /// The file to read: a relative path is looked up in each folder, the script's own first.
    pub(super) fn to_read(&self, path: &str) -> Result<PathBuf, String> {
        let path = named(path)?;
        if self.read.is_empty() {
            return Err("this script has no folder; --allow-read DIR names one to read from".to_owned());
        }
        let mut why = "no such file or directory";
        for folder in &self.read {
            match folder.find(path) {
                Ok(Some(file)) => return Ok(file),
                Ok(None) => {
                    why = "it is outside of the folders this script may read; --allow-read DIR names another";
                }
                Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {}
                Err(fault) => return Err(cause(&fault)),
            }
        }
        Err(why.to_owned())
    }

    /// The file to write, which need not exist: a relative path is below the first folder.
    pub(super) fn to_write(&self, path: &str) -> Result<PathBuf, String> {
        let path = named(path)?;
        let outside = "it is outside of the folders this script may write; --allow-write DIR names another";
        let Some(first) = self.write.first() else {
            return Err("writing is not allowed; --allow-write DIR names a folder for it".to_owned());
        };
        let file = first.real.join(path);
        let Some(Component::Normal(name)) = file.components().next_back() else {
            return Err("not a file name".to_owned());
        };
        let name = name.to_owned();
        let real = match file.canonicalize() {
            Ok(real) => real,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
                let folder = file.parent().unwrap_or(Path::new("/"));
                folder.canonicalize().map_err(|fault| cause(&fault))?.join(name)
            }
            Err(fault) => return Err(cause(&fault)),
        };
        if self.write.iter().any(|folder| real.starts_with(&folder.real)) { Ok(real) } else { Err(outside.to_owned()) }
    }
}

fn named(path: &str) -> Result<&Path, String> {
    if path.is_empty() || path.contains('\0') { Err("not a file name".to_owned()) } else { Ok(Path::new(path)) }
}
