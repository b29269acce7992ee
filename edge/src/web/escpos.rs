//! What a receipt printer is sent: ESC/POS, 42 characters a line. Printers have no font for every language: what is not
//! in their first code page is printed in English, or as `?` in names.

use shared::api::till::DayReport;
use shared::api::transaction::Transaction;
use shared::page::language::Language;
use shared::page::words::{Words, grouped};

use crate::app::desk::Desk;

/// Characters in a line of font A on 80 mm paper.
const WIDTH: usize = 42;

const RESET: &[u8] = b"\x1b@";
const CENTRE: &[u8] = b"\x1ba\x01";
const LEFT: &[u8] = b"\x1ba\x00";
const BOLD: &[u8] = b"\x1bE\x01";
const PLAIN: &[u8] = b"\x1bE\x00";
const TALL: &[u8] = b"\x1d!\x11";
const NORMAL: &[u8] = b"\x1d!\x00";
/// Feeds past the knife and cuts.
const CUT: &[u8] = b"\n\n\n\n\x1dV\x01";

struct Paper<'a> {
    words: &'a Words,
    bytes: Vec<u8>,
}

impl<'a> Paper<'a> {
    fn new(desk: &Desk, words: &'a Words) -> Self {
        let mut paper = Self { words, bytes: RESET.to_vec() };
        paper.raw(CENTRE).raw(BOLD).line(&desk.outlet_name).raw(PLAIN).line(&desk.till).raw(LEFT).rule();
        paper
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    fn line(&mut self, text: &str) -> &mut Self {
        self.bytes.extend(plain(text));
        self.raw(b"\n")
    }

    fn rule(&mut self) -> &mut Self {
        let line = "-".repeat(WIDTH);
        self.line(&line)
    }

    /// Something at the left, something at the right; too long a left part is cut.
    fn pair(&mut self, left: &str, right: &str) -> &mut Self {
        let room = WIDTH.saturating_sub(right.chars().count() + 1);
        let left: String = left.chars().take(room).collect();
        let gap = WIDTH.saturating_sub(left.chars().count() + right.chars().count());
        let text = format!("{left}{}{right}", " ".repeat(gap));
        self.line(&text)
    }

    fn said(&self, key: &str) -> String {
        let text = self.words.say(key);
        text.to_owned()
    }

    fn end(mut self) -> Vec<u8> {
        self.raw(CUT);
        self.bytes
    }
}

/// Text as the printer's first code page has it.
fn plain(text: &str) -> impl Iterator<Item = u8> + '_ {
    let one = |c: char| match c {
        '−' | '–' | '—' => b'-',
        '×' => b'x',
        '’' | '“' | '”' => b'\'',
        c if c.is_ascii() && !c.is_ascii_control() => u8::try_from(c).unwrap_or(b'?'),
        _ => b'?',
    };
    text.chars().map(one)
}

/// The language that the printer can write.
fn printable(words: &Words) -> bool {
    words.language() != Language::Arabic
}

/// A receipt: what was bought, earned, used, what is left, and the code that proves it.
pub(super) fn receipt(desk: &Desk, of: &Transaction, words: &Words) -> Vec<u8> {
    let english;
    let words = if printable(words) {
        words
    } else {
        match super::pages::words(Language::English) {
            Ok(known) => {
                english = known;
                &english
            }
            Err(_) => words,
        }
    };
    let mut paper = Paper::new(desk, words);
    let kind = paper.said(&format!("receipt.kind.{}", of.kind));
    paper.pair(&format!("{kind} {}", of.receipt.as_deref().unwrap_or(&of.id)), &of.business_date);
    for line in &of.lines {
        paper.pair(&format!("{} x {}", line.quantity, line.sku), &line.unit_price);
    }
    if let (Some(payable), Some(money)) = (&of.payable, &of.money) {
        let pay = paper.said("basket.pay");
        paper.rule().raw(BOLD).pair(&pay, &format!("{money} {payable}")).raw(PLAIN);
    }
    paper.rule();
    let keys = if of.kind == "sale" {
        ("receipt.earned", "receipt.used")
    } else {
        ("receipt.taken_back", "receipt.given_back")
    };
    let unit = paper.said("paper.points");
    let points = |points: &str, currency: &str| format!("{} {currency} {unit}", grouped(points));
    for (currency, sum) in sums(of.earned.iter().map(|one| (&one.currency, &one.points))) {
        let key = paper.said(keys.0);
        paper.pair(&key, &points(&sum, currency));
    }
    for (currency, sum) in sums(of.redeemed.iter().map(|one| (&one.currency, &one.points))) {
        let key = paper.said(keys.1);
        paper.pair(&key, &points(&sum, currency));
    }
    for balance in &of.balances {
        let key = paper.said("receipt.balance");
        paper.pair(&key, &points(&balance.balance, &balance.currency));
    }
    for line in of.follows.iter().flat_map(|follows| wrapped(&follows.text)) {
        paper.line(&line);
    }
    let (state, code, thanks) = (
        paper.said(&format!("receipt.state.{}", of.state)),
        paper.said("receipt.code"),
        paper.said("paper.thanks"),
    );
    for line in wrapped(&state) {
        paper.line(&line);
    }
    paper.rule().raw(CENTRE).line(&code).raw(TALL).line(&of.verification).raw(NORMAL).line(&thanks).raw(LEFT);
    paper.end()
}

/// The till's day.
pub(super) fn day(desk: &Desk, of: &DayReport, words: &Words) -> Vec<u8> {
    let mut paper = Paper::new(desk, words);
    let title = paper.said("paper.day");
    paper.pair(&title, &of.date);
    for (key, count) in
        [("paper.sales", of.sales), ("paper.returns", of.returns), ("paper.waiting", of.waiting)]
    {
        let said = paper.said(key);
        paper.pair(&said, &count.to_string());
    }
    paper.rule();
    for one in &of.currencies {
        let (earned, redeemed, value) =
            (paper.said("day.earned"), paper.said("day.redeemed"), paper.said("day.value"));
        paper.pair(&format!("{earned} {}", one.currency), &grouped(&one.earned));
        paper.pair(&format!("{redeemed} {}", one.currency), &grouped(&one.redeemed));
        if let Some(worth) = &one.value {
            paper.pair(&value, &format!("{} {}", worth.currency, worth.amount));
        }
    }
    paper.end()
}

/// Points by currency, added up; they are decimal strings of one scale each.
fn sums<'a>(items: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<(&'a str, String)> {
    let mut sums: Vec<(&str, rust_decimal::Decimal)> = Vec::new();
    for (currency, points) in items {
        let points = points.parse().unwrap_or_default();
        match sums.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, sum)) => *sum += points,
            None => sums.push((currency, points)),
        }
    }
    sums.into_iter().map(|(currency, sum)| (currency, sum.to_string())).collect()
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::api::till::DayCurrency;

    #[test]
    fn the_day_is_printed_in_lines_that_fit_and_is_cut() {
        let desk = Desk {
            node: 1,
            till: "Till 2".into(),
            outlet: "kl".into(),
            outlet_name: "Kedai Ünal".into(),
            outlets: std::collections::BTreeMap::new(),
            time_zone: "UTC".into(),
            currency: "MYR".into(),
            programs: Vec::new(),
            currencies: std::collections::BTreeMap::new(),
            steps: std::collections::BTreeMap::new(),
            conversions: Vec::new(),
        };
        let worth = shared::api::Money { amount: "12.00".into(), currency: "MYR".into() };
        let currency = DayCurrency {
            currency: "PTS".into(),
            earned: "1234".into(),
            redeemed: "1200".into(),
            value: Some(worth),
        };
        let report = DayReport {
            date: "2026-11-21".into(),
            sales: 3,
            returns: 1,
            currencies: vec![currency],
            waiting: 2,
        };
        let words = super::super::pages::words(Language::Malay).unwrap();
        let printed = day(&desk, &report, &words);
        assert!(printed.starts_with(RESET) && printed.ends_with(CUT));
        let text = String::from_utf8(printed).unwrap();
        assert!(text.contains("Kedai ?nal") && text.contains("Dikumpul PTS"), "{text:?}");
        let line = text.lines().find(|line| line.starts_with("Dikumpul PTS")).unwrap();
        assert_eq!((line.chars().count(), line.ends_with("1,234")), (WIDTH, true));
    }
}
