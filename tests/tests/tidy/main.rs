//! Tidy: the rules of the house that no compiler checks. Who may name whom, what lies where, how long a file is.
//!
//! Each rule is a function from the files that git tracks to what is wrong in them. Here each is put to the
//! real tree; in `caught`, each is put to a tree that breaks it, and must notice.

mod caught;
mod code;
mod house;
mod layers;
mod modules;
mod told;
mod tree;

use tree::{Finding, Tree};

#[track_caller]
fn clean(rule: fn(&Tree) -> Vec<Finding>) {
    let findings = rule(&Tree::tracked());
    let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{} to put right:\n{}", told.len(), told.join("\n"));
}

#[test]
fn the_tree_has_what_the_rules_are_about() {
    let tree = Tree::tracked();
    for path in ["shared/src/lib.rs", "edge/src/lib.rs", "sync-server/src/lib.rs"] {
        assert!(tree.text(path).is_some(), "{path} is gone: the rules of tidy look at nothing there");
    }
}

#[test]
fn the_core_names_no_io_no_clock_and_no_chance() {
    clean(layers::the_core_is_pure);
}

#[test]
fn no_crate_depends_the_wrong_way() {
    clean(layers::crates_depend_downwards);
}

#[test]
fn no_module_names_one_above_it() {
    clean(layers::modules_name_downwards);
}

#[test]
fn only_the_clock_says_now() {
    clean(layers::only_the_clock_says_now);
}

#[test]
fn only_the_store_knows_its_database() {
    clean(layers::only_the_store_knows_its_database);
}

#[test]
fn every_file_is_in_a_mod() {
    clean(modules::every_file_is_in_a_mod);
}

#[test]
fn no_file_is_called_mod_rs() {
    clean(modules::no_file_is_called_mod_rs);
}

#[test]
fn no_file_is_over_long() {
    clean(house::no_file_is_over_long);
}

#[test]
fn the_top_level_is_as_agreed() {
    clean(house::the_top_level_is_as_agreed);
}

#[test]
fn no_file_points_outside_the_repository() {
    clean(house::no_file_points_outside);
}

#[test]
fn every_silenced_lint_has_its_reason() {
    clean(house::silenced_lints_have_reasons);
}

#[test]
fn every_toml_parses() {
    clean(house::every_toml_parses);
}

#[test]
fn every_translated_sentence_is_said() {
    clean(house::every_translated_sentence_is_said);
}

#[test]
fn every_refusal_is_told_in_every_language() {
    clean(told::every_refusal_is_translated);
}
