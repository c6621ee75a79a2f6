//! The committed man pages, completions, script reference and third-party notices are equal to freshly generated ones.

use std::fs;
use std::path::Path;

use tcpx::testing;

use crate::dependencies;

/// `TCPX_BLESS=1 cargo test` regenerates the files.
#[test]
fn committed_files_equal_generated_ones() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bless = std::env::var_os("TCPX_BLESS").is_some();
    let notices = [("THIRD-PARTY-NOTICES.txt".to_owned(), dependencies::notices())];
    for (path, fresh) in testing::files().into_iter().chain(notices) {
        let file = top.join(&path);
        if bless {
            fs::create_dir_all(file.parent().expect("a file in a folder")).expect("the folder can be made");
            fs::write(&file, &fresh).unwrap_or_else(|error| panic!("write {path}: {error}"));
        }
        let committed = fs::read_to_string(&file).unwrap_or_else(|error| panic!("read {path}: {error}"));
        assert!(committed == fresh, "{path} is not fresh: run TCPX_BLESS=1 cargo test, and look at the difference");
    }
}
