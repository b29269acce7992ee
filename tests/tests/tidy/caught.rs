//! The rules, each put to a tree that breaks it, and to one that comes close and does not.

use crate::code::Code;
use crate::tree::{Finding, Tree};
use crate::{house, layers, modules, told as refusals};

fn told(rule: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
    let owned = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    rule(&Tree::of(owned)).iter().map(ToString::to_string).collect()
}

#[track_caller]
fn caught(rule: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)], begins: &[&str]) {
    let told = told(rule, files);
    let all = told.iter().zip(begins).all(|(told, begins)| told.starts_with(begins));
    assert!(all && told.len() == begins.len(), "expected {begins:#?}\nfound {told:#?}");
}

#[test]
fn a_core_that_names_the_world() {
    let text = "use std::{\n    collections::{BTreeMap, HashMap},\n    fs as files,\n};\nfn now() { tokio::spawn(x) }";
    let begins = [
        "shared/src/a.rs:2: names `std::collections::HashMap`",
        "shared/src/a.rs:3: names `std::fs`",
        "shared/src/a.rs:5: names `tokio::spawn`",
    ];
    let tree =
        [("shared/Cargo.toml", "[package]"), ("shared/src/lib.rs", "mod a;"), ("shared/src/a.rs", text)];
    caught(layers::the_core_is_pure, &tree, &begins);
}

#[test]
fn a_core_that_only_speaks_of_the_world_is_clean() {
    let text = "//! Unlike tokio::spawn.\n/* std::fs /* std::net */ */ fn edge(rand: u8) -> &'static str { r#\"std::env \"x\" \"# }\n\
                #[cfg(test)]\nmod tests {\n    use std::fs;\n    const Q: char = '\"';\n}\n";
    caught(layers::the_core_is_pure, &[("shared/Cargo.toml", "[package]"), ("shared/src/lib.rs", text)], &[]);
}

#[test]
fn a_file_of_tests_may_name_the_world() {
    let tree = [
        ("shared/Cargo.toml", "[package]"),
        ("shared/src/lib.rs", "#[cfg(test)]\nmod tests;"),
        ("shared/src/tests.rs", "use std::fs;"),
    ];
    caught(layers::the_core_is_pure, &tree, &[]);
}

#[test]
fn a_daemon_that_needs_the_other() {
    let tree = [
        ("edge/Cargo.toml", "[dependencies]\nshared.workspace = true\nsync-server.workspace = true\n"),
        ("sync-server/src/lib.rs", "pub fn a() { edge::run() }"),
        ("shared/Cargo.toml", "[dev-dependencies]\ntill = { package = \"edge\", path = \"../edge\" }"),
    ];
    let begins = [
        "shared/Cargo.toml:2: shared may not depend on edge",
        "edge/Cargo.toml:3: edge may not depend on sync-server",
        "sync-server/src/lib.rs:1: names `edge::run`",
    ];
    caught(layers::crates_depend_downwards, &tree, &begins);
}

#[test]
fn a_module_that_names_one_above_it_or_passes_over_one() {
    let tree = [
        ("edge/src/http/sales.rs", "use crate::app::Till;\nuse super::super::{store::Store, app};\n"),
        (
            "edge/src/store.rs",
            "fn a(x: super::app::Till) { BUSY.store(true); AtomicBool::store(&BUSY, true); }",
        ),
        ("sync-server/src/app/push.rs", "use super::pull; use sync_server::{http, store};"),
    ];
    let begins = [
        "edge/src/http/sales.rs:2: names `super::super::store::Store`; `http` never names `store`",
        "edge/src/store.rs:1: names `super::app::Till`; `store` never names `app`",
        "sync-server/src/app/push.rs:1: names `sync_server::http`; `app` never names `http`",
    ];
    caught(layers::modules_name_downwards, &tree, &begins);
}

#[test]
fn a_now_that_is_said_outside_the_clock() {
    let tree = [
        ("edge/src/clock.rs", "fn now() { std::time::SystemTime::now() }"),
        (
            "edge/src/app.rs",
            "fn a() {\n    let t = tokio::time::Instant::now();\n}\n#[cfg(test)]\nfn t() { Instant::now() }",
        ),
        ("shared/src/clock.rs", "fn a() { chrono::Utc::now() }"),
    ];
    let begins = [
        "shared/src/clock.rs:1: names `chrono::Utc::now`",
        "edge/src/app.rs:2: names `tokio::time::Instant::now`",
    ];
    caught(layers::only_the_clock_says_now, &tree, &begins);
}

#[test]
fn a_database_outside_the_store() {
    let tree = [
        ("edge/src/store/tables.rs", "use redb::Database; const Q: &str = \"SELECT 1\";"),
        ("edge/src/app.rs", "// SELECT what you like\nuse redb::Database;\nconst REDB: &str = \"redb::\";"),
        ("sync-server/src/jobs.rs", "fn a() {\n    run(\"SELECT id\n     FROM tills\")\n}"),
    ];
    let begins = ["edge/src/app.rs:2: names `redb::Database`", "sync-server/src/jobs.rs:2: `SELECT…` is SQL"];
    caught(layers::only_the_store_knows_its_database, &tree, &begins);
}

#[test]
fn a_file_in_no_mod() {
    let tree = [
        ("Cargo.toml", "[workspace]"),
        ("tests/src/main.rs", ""),
        ("edge/Cargo.toml", "[package]\n[[bench]]\nname = \"b\"\npath = \"src/speed.rs\""),
        (
            "edge/src/lib.rs",
            "pub mod store;\n// mod dead;\nconst M: &str = \"mod dead;\";\nmod deep { pub(crate) mod down; }",
        ),
        ("edge/src/store.rs", "#[path = \"store/odd.rs\"]\nmod strange;\nmod tables;"),
        ("edge/src/store/tables.rs", ""),
        ("edge/src/store/odd.rs", ""),
        ("edge/src/deep/down.rs", ""),
        ("edge/src/speed.rs", ""),
        ("edge/src/dead.rs", "mod store;"),
        ("edge/tests/crash.rs", ""),
        ("edge/tests/it/main.rs", "mod scan;"),
        ("edge/tests/it/scan.rs", ""),
        ("edge/tests/it/lost.rs", ""),
    ];
    caught(
        modules::every_file_is_in_a_mod,
        &tree,
        &[
            "tests/src/main.rs:1: in no `mod`",
            "edge/src/dead.rs:1: in no `mod`",
            "edge/tests/it/lost.rs:1: in no `mod`",
        ],
    );
}

#[test]
fn a_mod_rs() {
    let begins =
        ["edge/src/store/mod.rs:1: a module's file stands beside its folder: call it edge/src/store.rs"];
    caught(modules::no_file_is_called_mod_rs, &[("edge/src/store/mod.rs", "")], &begins);
}

#[test]
fn a_file_over_long_without_its_tests() {
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn a() {}\n".repeat(400));
    let (just, over) = ("fn a() {}\n".repeat(500) + &tests, "// why\n".repeat(501) + &tests);
    let begins = ["shared/src/over.rs:501: 501 lines without its tests"];
    caught(
        house::no_file_is_over_long,
        &[("shared/src/just.rs", &just), ("shared/src/over.rs", &over)],
        &begins,
    );
}

#[test]
fn a_new_entry_at_the_top() {
    let tree =
        [("docs/a.md", ""), ("deploy/a.md", ""), (".hidden", ""), ("README.md", ""), ("notes.txt", "")];
    caught(house::the_top_level_is_as_agreed, &tree, &["docs:1: may not lie at the top", "notes.txt:1:"]);
}

#[test]
fn a_file_that_points_outside() {
    let text =
        format!("see net{0}a\nsee {0}b\n{1}\n", concat!("/wo", "rk/"), concat!("`../shared/DES", "IGN.md`"));
    let begins = ["deploy/a.md:2: speaks of", "deploy/a.md:3: speaks of"];
    caught(house::no_file_points_outside, &[("deploy/a.md", &text)], &begins);
}

#[test]
fn a_lint_silenced_without_a_reason() {
    let text = "#[allow(dead_code)]\nfn a() {}\n#[expect(\n    dead_code, reason = \"later\"\n)]\nfn b() { c.expect(\"x\") }\n\
                #![cfg_attr(test, allow(unused))]\n";
    let begins = ["edge/src/lib.rs:1: a lint is silenced", "edge/src/lib.rs:7: a lint is silenced"];
    caught(house::silenced_lints_have_reasons, &[("edge/src/lib.rs", text)], &begins);
}

#[test]
fn a_toml_that_does_not_parse() {
    let tree = [("deploy/edge.toml", "a = 1\nb = \n"), ("deploy/server.toml", "a = 1\n")];
    caught(house::every_toml_parses, &tree, &["deploy/edge.toml:2: is no TOML any more"]);
}

#[test]
fn a_translated_sentence_that_nobody_says() {
    let phrases = "[\n[\"There are {1} of {2}.\", \"x\"],\n[\"It is gone.\", \"y\"],\n[\"Two\", \"z\"]\n]\n";
    let source = "fn a() { let _ = format!(\"There are {} \\\n    of {what:?}.\"); let _ = \"Two\"; }";
    let tree = [("shared/src/page/phrases.json", phrases), ("shared/src/lib.rs", source)];
    let begins = ["shared/src/page/phrases.json:3: nobody says `It is gone.`"];
    caught(house::every_translated_sentence_is_said, &tree, &begins);
}

#[test]
fn a_refusal_that_is_told_in_english_only() {
    let phrases = "[\n[\"There are {1} too many.\", \"x\", \"y\"]\n]\n";
    let source = "fn a() -> E {\n    let detail = format!(\"There are {} too \\\n        many.\");\n    \
                  log(\"it is no refusal\");\n    \
                  Refusal::field(\"name\", \"There is none of this name.\")\n}\n\
                  #[cfg(test)]\nmod tests {\n    fn b() { Refusal::field(\"a\", \"Only in a test.\") }\n}\n";
    let tree = [("shared/src/page/phrases.json", phrases), ("shared/src/lib.rs", source)];
    let begins = ["shared/src/lib.rs:5: `There is none of this name.` is told in English only"];
    caught(refusals::every_refusal_is_translated, &tree, &begins);
}

#[test]
fn blanking_keeps_every_byte_in_its_place() {
    let text = "fn é<'a>() { let s = \"ü//\\\"\"; let c = '\\''; br##\"\"#\"##; } // ß\n#[cfg(test)]\nmod tests { fn a() {} }\nfn z() {}";
    let code = Code::of(text);
    for blanked in [&code.uncommented, &code.bare, &code.shipped] {
        assert_eq!(blanked.len(), text.len());
        assert_eq!(blanked.lines().count(), text.lines().count());
        assert!(blanked.contains("fn z() {}"));
    }
    assert!(code.uncommented.contains("ü//") && !code.uncommented.contains('ß'));
    assert!(!code.bare.contains("ü") && code.bare.contains("let c =") && code.bare.contains("mod tests"));
    assert!(!code.shipped.contains("mod tests"));
}
