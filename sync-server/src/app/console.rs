//! Where the words of a long piece of work go.

/// Data, messages and progress, whoever listens.
pub trait Console {
    /// A line of data.
    fn out(&mut self, line: &str);
    /// A line for people.
    fn err(&mut self, line: &str);
    /// So much is done, of so much.
    fn progress(&mut self, done: u64, total: u64);
}
