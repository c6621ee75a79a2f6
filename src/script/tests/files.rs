//! Files: which may be read and written, and the errors for others.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{Bench, conn};
use crate::config::{Script, ScriptSource};
use crate::session::{Event, Handler, HandlerError};

/// A temporary folder with a folder for the script, one to read, one to write, and a file outside of these.
struct Tree {
    top: tempfile::TempDir,
}

impl Tree {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        for folder in ["own/sub", "data", "out"] {
            fs::create_dir_all(top.path().join(folder)).unwrap();
        }
        let tree = Self { top };
        tree.write("secret.txt", b"secret");
        tree.write("own/a.txt", b"own");
        tree.write("own/sub/gbk.txt", b"\xc4\xe3\r\n");
        tree.write("data/b.bin", b"\x00\xff");
        tree.write("data/a.txt", b"data");
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn run(&self, body: &str, allow: bool) -> Result<String, String> {
        self.write("own/main.rhai", format!("fn on_connect(conn) {{ {body} }}").as_bytes());
        self.load(ScriptSource::File(self.path("own/main.rhai")), allow).unwrap()
    }

    /// The output of the script, or the first line of its error without the position.
    fn load(&self, source: ScriptSource, allow: bool) -> Result<Result<String, String>, String> {
        let by_chunk = matches!(source, ScriptSource::OnData(_));
        let mut script = super::script(source);
        if allow {
            script.allow_read.push(self.path("data"));
            script.allow_write.push(self.path("out"));
        }
        let bench = Bench::try_script(script)?;
        let mut out = Vec::new();
        let event = if by_chunk { super::data(b"x") } else { Event::Opened };
        let result = bench.handler.handle(&conn(1), event, &mut out);
        Ok(match result {
            Ok(()) => Ok(out.iter().map(super::shown).collect::<Vec<_>>().join("|")),
            Err(HandlerError::Failed { summary, .. }) => {
                let text = summary.replace(&format!("{}/", self.top.path().display()), "");
                Err(text.splitn(4, ':').last().unwrap_or_default().trim().to_owned())
            }
            Err(other) => panic!("{other:?}"),
        })
    }
}

#[test]
fn files_are_read_beside_the_script_and_where_it_is_allowed() {
    let tree = Tree::new();
    let body = format!(
        "print(read_file(\"a.txt\").hex()); print(read_text(\"a.txt\")); print(read_text(\"sub/gbk.txt\", \"gbk\").len());
         print(read_text(\"sub/../a.txt\")); print(read_file(\"b.bin\").hex()); print(read_text(\"{}\"));",
        tree.path("data/a.txt").display()
    );
    assert_eq!(tree.run(&body, true).unwrap(), "6f776e|own|3|own|00ff|data");
    assert_eq!(
        tree.run("print(type_of(env(\"PATH\"))); print(env(\"TCPX_NONE\") == ()); print(env(\"a=b\") == ())", false)
            .unwrap(),
        "string|true|true"
    );
}

#[test]
fn reading_outside_of_allowed_folders_is_refused() {
    let tree = Tree::new();
    symlink("../secret.txt", tree.path("own/link.txt")).unwrap();
    symlink("../data", tree.path("own/folder")).unwrap();
    symlink("none", tree.path("own/dangling")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        tree.path("own/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    tree.write("own/large", &vec![b'x'; (4 << 20) + 1]);
    tree.write("own/full", &vec![b'x'; 4 << 20]);
    let outside = "it is outside of the folders this script may read; --allow-read DIR names another";
    let cases = [
        ("../secret.txt", outside),
        ("sub/../../secret.txt", outside),
        ("link.txt", outside),
        ("folder/b.bin", outside),
        ("/etc/passwd", outside),
        ("/proc/self/mem", outside),
        ("none", "no such file or directory"),
        ("dangling", "no such file or directory"),
        ("b.bin", "no such file or directory"),
        ("", "not a file name"),
        ("a\\x00b", "not a file name"),
        ("sub", "not a regular file"),
        ("pipe", "not a regular file"),
        ("large", "larger than 4 MiB, what a blob may hold"),
    ];
    for (path, why) in cases {
        let said = tree.run(&format!("read_file(\"{path}\")"), false).unwrap_err();
        assert_eq!(said, format!("read_file(\"{path}\"): {why}"));
    }
    assert_eq!(
        tree.run("print(read_file(\"folder/b.bin\").len())", true).unwrap_err(),
        format!("read_file(\"folder/b.bin\"): {outside}")
    );
    assert_eq!(tree.run("print(read_file(\"full\").len())", false).unwrap(), "4194304");
    assert!(tree.run("read_text(\"a.txt\", \"nope\")", false).unwrap_err().contains("unknown encoding \"nope\""));
}

#[test]
fn scripts_without_a_folder_read_only_what_is_allowed() {
    let tree = Tree::new();
    let source = |path: &str| ScriptSource::OnData(format!("print(read_text(\"{path}\"))"));
    assert_eq!(tree.load(source("a.txt"), true).unwrap().unwrap(), "data");
    let said = tree.load(source("a.txt"), false).unwrap().unwrap_err();
    assert!(said.ends_with("this script has no folder; --allow-read DIR names one to read from"), "{said}");
}

#[test]
fn files_are_written_only_where_it_is_allowed() {
    let tree = Tree::new();
    let body = format!(
        "append_file(\"log.txt\", \"é\"); append_file(\"log.txt\", hex(\"ff\")); append_file(\"{}\", \"abs\");",
        tree.path("out/abs.txt").display()
    );
    tree.run(&body, true).unwrap();
    assert_eq!(fs::read(tree.path("out/log.txt")).unwrap(), b"\xc3\xa9\xff");
    assert_eq!(fs::read(tree.path("out/abs.txt")).unwrap(), b"abs");

    symlink("../secret.txt", tree.path("out/link.txt")).unwrap();
    symlink("../new.txt", tree.path("out/dangling")).unwrap();
    symlink("../own", tree.path("out/folder")).unwrap();
    let outside = "it is outside of the folders this script may write; --allow-write DIR names another";
    let absolute = tree.path("own/a.txt").display().to_string();
    let cases = [
        ("../secret.txt", outside),
        ("link.txt", outside),
        ("folder/a.txt", outside),
        ("folder/new.txt", outside),
        (absolute.as_str(), outside),
        ("/dev/null", outside),
        ("none/x", "no such file or directory"),
        ("..", "not a file name"),
        ("", "not a file name"),
        (".", "not a regular file"),
    ];
    for (path, why) in cases {
        let said = tree.run(&format!("append_file(\"{path}\", \"x\")"), true).unwrap_err();
        assert!(said.ends_with(why), "{path}: {said}");
    }
    assert!(tree.run("append_file(\"dangling\", \"x\")", true).is_err());
    assert!(!tree.path("new.txt").exists());
    assert_eq!(fs::read(tree.path("secret.txt")).unwrap(), b"secret");
    assert_eq!(fs::read(tree.path("own/a.txt")).unwrap(), b"own");

    let no = tree.run("append_file(\"log.txt\", \"x\")", false).unwrap_err();
    assert_eq!(no, "append_file(\"log.txt\"): writing is not allowed; --allow-write DIR names a folder for it");
    assert_eq!(tree.run("append_file(\"a\", 1)", true).unwrap_err(), "append_file takes a blob or a string, not int");
    let much = tree.run("let s = \"\"; s.pad(4194305, 'x'); append_file(\"a\", s)", true).unwrap_err();
    assert_eq!(much, "append_file(\"a\"): more than 4 MiB at once");
}

#[test]
fn a_folder_that_does_not_exist_is_an_error_of_that_folder() {
    let load = |read: &Path, write: &Path| {
        let script = Script {
            allow_read: vec![read.into()],
            allow_write: vec![write.into()],
            ..super::script(ScriptSource::Builtin("echo".into()))
        };
        Bench::try_script(script).err().unwrap_or_default()
    };
    assert_eq!(load(Path::new("/no/such"), Path::new("/")), "read /no/such (--allow-read): no such file or directory");
    assert_eq!(load(Path::new("/"), Path::new("/etc/passwd")), "write /etc/passwd (--allow-write): not a directory");
}
