//! Which file is which module: nothing lies about that no `mod` reaches.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::{Code, attributes, matching};
use crate::tree::{Finding, Source, Tree, has_extension};

/// A file that a target of cargo begins with: it finds its modules beside itself.
struct Root {
    path: String,
    is_test: bool,
}

/// A `mod name;` in a file.
struct Declared {
    /// Where its file may lie.
    places: Vec<String>,
    is_test: bool,
}

pub(crate) fn every_file_is_in_a_mod(tree: &Tree) -> Vec<Finding> {
    let reached = reach(tree);
    let lost = tree.sources().iter().filter(|source| !reached.contains_key(source.path.as_str()));
    lost.map(|source| {
        let what = "in no `mod`, so nothing compiles it; declare it beside its parent, or delete it";
        Finding::new(&source.path, 1, what)
    })
    .collect()
}

pub(crate) fn no_file_is_called_mod_rs(tree: &Tree) -> Vec<Finding> {
    let called = tree.sources().iter().filter(|source| source.path.ends_with("/mod.rs"));
    called
        .map(|source| {
            let folder = source.path.trim_end_matches("/mod.rs");
            Finding::new(
                &source.path,
                1,
                format!("a module's file stands beside its folder: call it {folder}.rs"),
            )
        })
        .collect()
}

/// The files that are tests as a whole.
pub(crate) fn tests_as_a_whole(tree: &Tree) -> BTreeSet<String> {
    let reached = reach(tree).into_iter();
    reached.filter(|(_, is_test)| *is_test).map(|(path, _)| path.to_owned()).collect()
}

/// Every file that a `mod` reaches from a target of cargo, and whether it is there only in tests.
fn reach(tree: &Tree) -> BTreeMap<&str, bool> {
    let by_path: BTreeMap<&str, &Source> =
        tree.sources().iter().map(|source| (source.path.as_str(), source)).collect();
    let roots = roots(tree);
    let mut reached: BTreeMap<&str, bool> = BTreeMap::new();
    let mut next: Vec<(String, bool, bool)> =
        roots.into_iter().map(|root| (root.path, root.is_test, true)).collect();
    while let Some((path, is_test, is_root)) = next.pop() {
        let Some(source) = by_path.get(path.as_str()) else { continue };
        // A file that ships from one place and is a test's from another, ships.
        if reached.get(source.path.as_str()).is_some_and(|known| !*known || is_test) {
            continue;
        }
        reached.insert(&source.path, is_test);
        for declared in declared(&source.path, &source.code, is_root) {
            let places = declared.places.into_iter();
            next.extend(places.map(|place| (place, is_test || declared.is_test, false)));
        }
    }
    reached
}

/// The first files of the targets: those that cargo finds by itself, and those that a Cargo.toml names.
fn roots(tree: &Tree) -> Vec<Root> {
    let mut found = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| path.ends_with("Cargo.toml")) {
        // A manifest that does not parse is cargo's to tell, and `every_toml_parses`'s.
        let manifest: toml::Table = text.parse().unwrap_or_default();
        if !manifest.contains_key("package") {
            continue;
        }
        let folder = path.trim_end_matches("Cargo.toml");
        for source in tree.sources() {
            let Some(inside) = source.path.strip_prefix(folder) else { continue };
            let parts: Vec<&str> = inside.split('/').collect();
            let is_test = matches!(parts[0], "tests" | "benches" | "examples");
            let is_root = match parts.as_slice() {
                ["build.rs"]
                | ["src", "lib.rs" | "main.rs"]
                | ["src", "bin", _]
                | ["src", "bin", _, "main.rs"]
                | ["tests" | "benches" | "examples", _, "main.rs"] => true,
                ["tests" | "benches" | "examples", file] => has_extension(file, "rs"),
                _ => false,
            };
            found.extend(is_root.then(|| Root { path: source.path.clone(), is_test }));
        }
        found.extend(
            named_targets(&manifest)
                .into_iter()
                .map(|(target, is_test)| Root { path: join(folder.trim_end_matches('/'), &target), is_test }),
        );
    }
    found
}

fn named_targets(manifest: &toml::Table) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for (kind, is_test) in
        [("lib", false), ("bin", false), ("test", true), ("bench", true), ("example", true)]
    {
        let targets = match manifest.get(kind) {
            Some(toml::Value::Array(targets)) => targets.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let paths = targets.iter().filter_map(|target| target.get("path")?.as_str());
        found.extend(paths.map(|path| (path.to_owned(), is_test)));
    }
    found
}

/// The `mod name;` of a file, those inside `mod name { … }` too.
fn declared(path: &str, code: &Code, is_root: bool) -> Vec<Declared> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.trim_end_matches(".rs");
    let own = if is_root || stem == "mod" { folder.to_owned() } else { join(folder, stem) };
    let inner: Vec<(usize, usize, &str)> = words_after_mod(&code.bare)
        .filter_map(|(start, name, after)| {
            Some((start, matching(&code.bare, skip_spaces(&code.bare, after), b'{', b'}')?, name))
        })
        .collect();
    words_after_mod(&code.bare)
        .filter(|(_, _, after)| code.bare[skip_spaces(&code.bare, *after)..].starts_with(';'))
        .map(|(start, name, _)| {
            let around = inner.iter().filter(|(from, to, _)| (*from..*to).contains(&start));
            let below = around.fold(own.clone(), |folder, (_, _, name)| join(&folder, name));
            let places = match path_attribute(code, start) {
                Some(given) => vec![join(folder, &given)],
                None => vec![join(&below, &format!("{name}.rs")), join(&below, &format!("{name}/mod.rs"))],
            };
            Declared { places, is_test: !code.ships_at(start) }
        })
        .collect()
}

/// Each `mod name`: where it starts, the name, where it ends.
fn words_after_mod(bare: &str) -> impl Iterator<Item = (usize, &str, usize)> {
    bare.match_indices("mod ").filter_map(|(start, word)| {
        let is_whole = !bare[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let from = skip_spaces(bare, start + word.len());
        let length = bare[from..].find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
        (is_whole && length > 0).then(|| (start, &bare[from..from + length], from + length))
    })
}

/// The file of a `#[path = "…"]` right above the `mod` here.
fn path_attribute(code: &Code, start: usize) -> Option<String> {
    let (from, to, content) = attributes(&code.bare).into_iter().rfind(|(_, end, _)| *end <= start)?;
    let between = code.bare[to..start].trim();
    let is_ours = content.trim_start().starts_with("path") && matches!(between, "" | "pub" | "pub(crate)");
    code.text[from..to].split('"').nth(1).filter(|_| is_ours).map(ToOwned::to_owned)
}

fn skip_spaces(bare: &str, from: usize) -> usize {
    from + bare[from..].len() - bare[from..].trim_start().len()
}

/// `folder/path`, with `..` taken away.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}
