//! The files under test, real or made up, and what a rule finds in them.

use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::code::Code;
use crate::modules;

/// Every text file that git tracks, by its path from the root, and the Rust among them read more closely.
pub(crate) struct Tree {
    files: Vec<(String, String)>,
    sources: Vec<Source>,
}

/// One Rust file.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) code: Code,
    /// The file is a test as a whole: a test target, a bench, or a module that is only there in tests.
    pub(crate) is_test: bool,
}

/// Something to put right.
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Tree {
    /// The tree of this repository. A file that is tracked and gone is left out; one that is no text, too.
    pub(crate) fn tracked() -> Tree {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let listed = Command::new("git")
            .args(["ls-files", "-z"])
            .current_dir(&root)
            .output()
            .expect("tidy asks git which files there are, so git must be on the PATH");
        assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
        let names = String::from_utf8(listed.stdout).expect("a path in git that is no UTF-8");
        let read = |path: &str| Some((path.to_owned(), std::fs::read_to_string(root.join(path)).ok()?));
        Tree::of(names.split('\0').filter(|path| !path.is_empty()).filter_map(read).collect())
    }

    /// A tree of these paths and texts.
    pub(crate) fn of(files: Vec<(String, String)>) -> Tree {
        let rust = files.iter().filter(|(path, _)| has_extension(path, "rs"));
        let sources = rust
            .map(|(path, text)| Source { path: path.clone(), code: Code::of(text), is_test: false })
            .collect();
        let mut tree = Tree { files, sources };
        let tests = modules::tests_as_a_whole(&tree);
        for source in &mut tree.sources {
            source.is_test = tests.contains(&source.path);
        }
        tree
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files().find(|(known, _)| *known == path).map(|(_, text)| text)
    }

    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The Rust that goes into a crate's library or program: what lies in its `src`, tests left out.
    pub(crate) fn shipped(&self, folder: &str) -> impl Iterator<Item = &Source> {
        let src = format!("{folder}/src/");
        self.sources.iter().filter(move |source| !source.is_test && source.path.starts_with(&src))
    }
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.what)
    }
}

pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}
