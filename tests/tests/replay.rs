//! A year of real receipts through real tills, a real server, and everything that goes wrong.

use system_tests::replay::{Options, Told, run};

#[test]
fn a_year_of_real_receipts_ends_in_books_that_are_right_to_the_point() {
    let whole = std::env::var_os("TILLKEEP_FULL").is_some_and(|value| value == "1");
    let options = Options { whole, ..Options::default() };
    let told = Told::new(|line| eprintln!("{line}"));
    if let Err(why) = run(&options, told) {
        panic!("{why}");
    }
}
