//! Keys as WebDriver writes them.

/// Enter.
pub const ENTER: char = '\u{e007}';
/// Escape.
pub const ESCAPE: char = '\u{e00c}';
/// Tab.
pub const TAB: char = '\u{e004}';
/// Control, held.
pub const CONTROL: char = '\u{e009}';
/// Arrow down.
pub const DOWN: char = '\u{e015}';
/// Arrow up.
pub const UP: char = '\u{e013}';

/// The n-th function key, 1 to 12.
///
/// # Panics
/// There is no such key.
pub fn f(n: u32) -> char {
    char::from_u32(0xe030 + n).filter(|_| (1..=12).contains(&n)).expect("a function key, 1 to 12")
}
