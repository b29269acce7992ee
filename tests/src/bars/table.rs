//! The table that is told.

use super::measure::Rounds;

/// What was measured, told as it becomes known.
pub struct Table<'a> {
    say: &'a mut dyn FnMut(&str),
    missed: Vec<String>,
}

impl<'a> Table<'a> {
    /// An empty one; says its head.
    pub fn new(say: &'a mut dyn FnMut(&str)) -> Self {
        say("         |   median |        bar | spread over rounds       | what");
        Self { say, missed: Vec::new() }
    }

    /// Something for information.
    pub fn note(&mut self, text: &str) {
        (self.say)(&format!("         · {text}"));
    }

    /// A figure with no bar.
    pub fn figure(&mut self, what: &str, figures: &Rounds) {
        let (median, least, most) = figures.spread();
        (self.say)(&format!(
            "         | {median:>8.2} |            | {least:.2}..{most:.2} in {} | {what}",
            figures.count()
        ));
    }

    /// A figure that may be at most its bar.
    #[expect(clippy::needless_pass_by_value, reason = "a figure is told once")]
    pub fn ratio(&mut self, what: &str, figures: Rounds, bar: f64) {
        let (median, ..) = figures.spread();
        self.row(what, &figures, median <= bar, &format!("≤ {bar}"));
    }

    /// A figure that must be at least its bar.
    pub fn at_least(&mut self, what: &str, figures: &Rounds, bar: f64) {
        let (median, ..) = figures.spread();
        self.row(what, figures, median >= bar, &format!("≥ {bar}"));
    }

    fn row(&mut self, what: &str, figures: &Rounds, met: bool, bar: &str) {
        let (median, least, most) = figures.spread();
        let word = if met { "MET    " } else { "NOT MET" };
        let spread = format!("{least:.2}..{most:.2} in {}", figures.count());
        (self.say)(&format!("{word}  | {median:>8.2} | {bar:>10} | {spread:<24} | {what}"));
        if !met {
            self.missed.push(what.to_owned());
        }
    }

    /// Says what was missed.
    pub fn end(&mut self) {
        let missed = match self.missed.as_slice() {
            [] => "all bars measured are met".to_owned(),
            missed => format!("not met: {}", missed.join("; ")),
        };
        (self.say)(&missed);
    }
}
