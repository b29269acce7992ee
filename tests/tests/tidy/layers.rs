//! Who may name whom. The core is pure; the crates and, in a daemon, the modules look downwards only.

use crate::code::{Name, line_of};
use crate::tree::{Finding, Source, Tree};

/// The two daemons: package and folder, and the name of the library.
const DAEMONS: [(&str, &str); 2] = [("edge", "edge"), ("sync-server", "sync_server")];

/// In the core, what a name may not begin with, and what it may not hold at all.
const CORE_MAY_NOT_BEGIN: [&[&str]; 19] = [
    &["edge"],
    &["sync_server"],
    &["tokio"],
    &["redb"],
    &["reqwest"],
    &["axum"],
    &["hyper"],
    &["rand"],
    &["getrandom"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "env"],
    &["std", "io"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "SystemTime"],
    &["std", "time", "Instant"],
    &["uuid", "Uuid", "now_v7"],
    &["uuid", "Uuid", "new_v4"],
];
const CORE_MAY_NOT_HOLD: [&str; 2] = ["HashMap", "HashSet"];

/// In a daemon, the modules that each module may not name.
const ABOVE: [(&str, &[&str]); 4] = [
    ("store", &["app", "sync", "jobs", "http", "web", "console"]),
    ("app", &["sync", "jobs", "http", "web", "console"]),
    ("http", &["store"]),
    ("web", &["store"]),
];

const CLOCKS: [&str; 6] = ["SystemTime", "Instant", "Utc", "Local", "OffsetDateTime", "Zoned"];
const DATABASES: [&str; 6] = ["redb", "rusqlite", "sqlx", "postgres", "tokio_postgres", "deadpool_postgres"];
const SQL: [&str; 6] =
    ["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "ALTER TABLE ", "UPDATE "];

pub(crate) fn the_core_is_pure(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for source in tree.shipped("shared") {
        for name in source.code.names() {
            let begins = |with: &&[&str]| name.segments.len() > 1 && begins_with(&name, with);
            let holds = |word: &&str| name.segments.iter().any(|segment| segment == word);
            if CORE_MAY_NOT_BEGIN.iter().any(begins) || CORE_MAY_NOT_HOLD.iter().any(holds) {
                let what = "the core is handed values and hands back values: give it what it needs from outside, \
                            and use BTreeMap and BTreeSet";
                found.push(finding(source, &name, what));
            }
        }
    }
    found
}

pub(crate) fn crates_depend_downwards(tree: &Tree) -> Vec<Finding> {
    let outside = ["tokio", "redb", "reqwest", "axum", "hyper", "rand", "getrandom", "rustls"];
    let ours = ["edge", "sync-server", "system-tests", "demo"];
    let mut rules = vec![("shared", [&outside[..], &ours[..]].concat())];
    rules.extend(DAEMONS.map(|(daemon, _)| (daemon, ours.into_iter().filter(|it| *it != daemon).collect())));
    let mut found = Vec::new();
    for (folder, banned) in rules {
        let path = format!("{folder}/Cargo.toml");
        let manifest: toml::Table = tree.text(&path).unwrap_or_default().parse().unwrap_or_default();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(needs) = manifest.get(section).and_then(toml::Value::as_table) else { continue };
            for (name, need) in needs {
                let package = need.get("package").and_then(toml::Value::as_str).unwrap_or(name);
                if banned.contains(&package) {
                    let line = line_starting(tree.text(&path).unwrap_or_default(), name);
                    let what =
                        format!("{folder} may not depend on {package}; what both need goes into shared");
                    found.push(Finding::new(&path, line, what));
                }
            }
        }
    }
    for (folder, library) in DAEMONS {
        let other = DAEMONS.into_iter().find(|daemon| daemon.1 != library);
        for (source, name) in names_of(tree, folder) {
            if other.is_some_and(|(_, other)| name.segments.len() > 1 && name.segments[0] == other) {
                found.push(finding(
                    source,
                    &name,
                    "the daemons do not know each other; what both need goes into shared",
                ));
            }
        }
    }
    found
}

pub(crate) fn modules_name_downwards(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (folder, library) in DAEMONS {
        for (source, name) in names_of(tree, folder) {
            let own = module_of(&source.path);
            let Some((below, above)) = ABOVE.iter().find(|rule| own.first() == Some(&rule.0)) else {
                continue;
            };
            let Some(named) = module_named(&own, &name, library) else { continue };
            if above.contains(&named) {
                let what = match *below {
                    "http" | "web" => format!("`{below}` never names `{named}`: go through `app`"),
                    _ => {
                        format!("`{below}` never names `{named}`, which stands on it: hand it what it needs")
                    }
                };
                found.push(finding(source, &name, &what));
            }
        }
    }
    found
}

pub(crate) fn only_the_clock_says_now(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for folder in ["shared", "edge", "sync-server"] {
        for (source, name) in names_of(tree, folder) {
            let may = folder != "shared" && source.path == format!("{folder}/src/clock.rs");
            let [.., clock, now] = name.segments.as_slice() else { continue };
            if !may && CLOCKS.contains(&clock.as_str()) && now.starts_with("now") {
                found.push(finding(
                    source,
                    &name,
                    "only the daemon's clock.rs says now: take the time from there, or as a value",
                ));
            }
        }
    }
    found
}

pub(crate) fn only_the_store_knows_its_database(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (folder, _) in DAEMONS {
        for source in tree.shipped(folder).filter(|source| module_of(&source.path).first() != Some(&"store"))
        {
            for name in source.code.names() {
                if name.segments.len() > 1 && DATABASES.contains(&name.segments[0].as_str()) {
                    found.push(finding(
                        source,
                        &name,
                        "only `store` knows its database: ask it by a function with a name",
                    ));
                }
            }
            let code = &source.code;
            for words in SQL {
                let quoted = code.uncommented.match_indices(words).map(|(at, _)| at);
                // Where bare code is blank, the words stand in a string.
                for at in quoted.filter(|at| code.bare[*at..].starts_with(' ') && code.ships_at(*at)) {
                    let what = format!("`{}…` is SQL, and only `store` knows SQL", words.trim_end());
                    found.push(Finding::new(&source.path, line_of(&code.text, at), what));
                }
            }
        }
    }
    found
}

fn names_of<'a>(tree: &'a Tree, folder: &str) -> Vec<(&'a Source, Name)> {
    tree.shipped(folder)
        .flat_map(|source| source.code.names().into_iter().map(move |name| (source, name)))
        .collect()
}

fn finding(source: &Source, name: &Name, what: &str) -> Finding {
    Finding::new(&source.path, name.line, format!("names `{}`; {what}", name.segments.join("::")))
}

fn begins_with(name: &Name, with: &[&str]) -> bool {
    name.segments.len() >= with.len() && name.segments.iter().zip(with).all(|(segment, word)| segment == word)
}

/// `edge/src/http/sales.rs` is `http::sales`.
fn module_of(path: &str) -> Vec<&str> {
    let inside = path.split_once("/src/").map_or(path, |(_, inside)| inside);
    let parts = inside.trim_end_matches(".rs").split('/');
    parts.filter(|part| !matches!(*part, "lib" | "main" | "mod")).collect()
}

/// The module at the top of the crate that a name in module `own` is in, if it is one of this crate.
fn module_named<'a>(own: &[&'a str], name: &'a Name, library: &str) -> Option<&'a str> {
    let first = name.segments.first()?;
    if first == "crate" || first == library {
        return name.segments.get(1).map(String::as_str);
    }
    let ups = name.segments.iter().take_while(|segment| *segment == "super").count();
    if ups == 0 || ups < own.len() {
        return None;
    }
    name.segments.get(ups).map(String::as_str)
}

fn line_starting(text: &str, word: &str) -> usize {
    1 + text.lines().position(|line| line.starts_with(word)).unwrap_or(0)
}
