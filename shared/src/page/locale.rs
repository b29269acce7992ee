//! Dates, times and money as each language writes them. Figures stay those of the receipt.

use chrono::{Datelike as _, Timelike as _};
use chrono_tz::Tz;

use super::language::Language;
use super::words::grouped;
use crate::time::{Day, Millis};

const ENGLISH: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MALAY: [&str; 12] =
    ["Jan", "Feb", "Mac", "Apr", "Mei", "Jun", "Jul", "Ogo", "Sep", "Okt", "Nov", "Dis"];
const ARABIC: [&str; 12] = [
    "يناير",
    "فبراير",
    "مارس",
    "أبريل",
    "مايو",
    "يونيو",
    "يوليو",
    "أغسطس",
    "سبتمبر",
    "أكتوبر",
    "نوفمبر",
    "ديسمبر",
];
/// Weekdays from Monday on, in the order of the languages.
const WEEKDAYS: [[&str; 7]; 3] = [
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    ["Isnin", "Selasa", "Rabu", "Khamis", "Jumaat", "Sabtu", "Ahad"],
    ["الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"],
];
/// What people write for a currency where no other is meant; of all others the code is written.
const SYMBOLS: [(&str, &str); 14] = [
    ("MYR", "RM"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("USD", "US$"),
    ("SGD", "S$"),
    ("AUD", "A$"),
    ("HKD", "HK$"),
    ("IDR", "Rp"),
    ("INR", "₹"),
    ("JPY", "¥"),
    ("KRW", "₩"),
    ("PHP", "₱"),
    ("THB", "฿"),
    ("VND", "₫"),
];

fn months(language: Language) -> &'static [&'static str; 12] {
    match language {
        Language::English => &ENGLISH,
        Language::Malay => &MALAY,
        Language::Arabic => &ARABIC,
    }
}

fn month_of(language: Language, month0: u32) -> &'static str {
    usize::try_from(month0).ok().and_then(|place| months(language).get(place)).copied().unwrap_or("")
}

/// A date, such as `28 Nov 2026`.
pub fn day(language: Language, day: Day) -> String {
    let date = day.date();
    format!("{} {} {}", date.day(), month_of(language, date.month0()), date.year())
}

/// A date without its year, such as `28 Nov`.
pub fn day_of_year(language: Language, day: Day) -> String {
    let date = day.date();
    format!("{} {}", date.day(), month_of(language, date.month0()))
}

/// A date's month, such as `Nov 2026`.
pub fn month(language: Language, day: Day) -> String {
    let date = day.date();
    format!("{} {}", month_of(language, date.month0()), date.year())
}

/// A date with its day of the week, such as `Saturday 28 Nov 2026`.
pub fn weekday(language: Language, of: Day) -> String {
    let names = Language::ALL.into_iter().zip(WEEKDAYS).find(|(own, _)| *own == language);
    let place = usize::try_from(of.date().weekday().num_days_from_monday()).unwrap_or(0);
    let name = names.and_then(|(_, names)| names.get(place).copied()).unwrap_or("");
    format!("{name} {}", day(language, of))
}

/// A moment to its minute, such as `28 Nov 2026 18:11`; in UTC, and saying so, where no zone is given.
pub fn moment(language: Language, at: Millis, zone: Option<Tz>) -> String {
    let there = at.utc().with_timezone(&zone.unwrap_or(Tz::UTC));
    let told = day(language, Day::of(there.date_naive()));
    let utc = if zone.is_none() { " UTC" } else { "" };
    format!("{told} {:02}:{:02}{utc}", there.hour(), there.minute())
}

/// An amount of money, such as `RM 1,234.50`; a decimal string in, as the API has it.
pub fn money(language: Language, currency: &str, amount: &str) -> String {
    let symbol = SYMBOLS.iter().find(|(code, _)| *code == currency).map_or(currency, |(_, symbol)| *symbol);
    let told = format!("{symbol} {}", grouped(amount));
    // where a line reads from right to left, a sign stays at its own figure
    if language.direction() == "rtl" { format!("\u{2066}{told}\u{2069}") } else { told }
}

/// A date within a sentence, such as `28 Nov`, `28 Nov 2026` or `2026-11-28`, in a language; nothing where it is none.
pub fn told(language: Language, text: &str) -> Option<String> {
    if let Ok(of) = Day::parse(text) {
        return Some(day(language, of));
    }
    let mut parts = text.split(' ');
    let (number, name, year) = (parts.next()?, parts.next()?, parts.next());
    let digits = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && text.chars().all(|c| c.is_ascii_digit())
    };
    let place = ENGLISH.iter().position(|month| *month == name)?;
    let own = months(language).get(place)?;
    if parts.next().is_some() || !digits(number, 2) || year.is_some_and(|year| !digits(year, 4)) {
        return None;
    }
    Some(match year {
        Some(year) => format!("{number} {own} {year}"),
        None => format!("{number} {own}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_told_as_each_language_writes_it() {
        let of = Day::parse("2026-11-28").unwrap();
        let cases = [
            (Language::English, "28 Nov 2026", "Saturday 28 Nov 2026", "Nov 2026"),
            (Language::Malay, "28 Nov 2026", "Sabtu 28 Nov 2026", "Nov 2026"),
            (Language::Arabic, "28 نوفمبر 2026", "السبت 28 نوفمبر 2026", "نوفمبر 2026"),
        ];
        for (language, short, long, of_month) in cases {
            assert_eq!(day(language, of), short);
            assert_eq!(weekday(language, of), long);
            assert_eq!(month(language, of), of_month);
        }
        assert_eq!(day_of_year(Language::Malay, Day::parse("2026-03-01").unwrap()), "1 Mac");
    }

    #[test]
    fn a_moment_is_told_where_it_is_and_says_utc_where_it_is_nowhere() {
        let at = Millis::parse("2026-11-28T18:05:00Z").unwrap();
        let zone = Some(chrono_tz::Asia::Kuala_Lumpur);
        assert_eq!(moment(Language::English, at, zone), "29 Nov 2026 02:05");
        assert_eq!(moment(Language::English, at, None), "28 Nov 2026 18:05 UTC");
    }

    #[test]
    fn money_bears_its_sign_where_it_has_one() {
        assert_eq!(money(Language::English, "MYR", "1234.50"), "RM 1,234.50");
        assert_eq!(money(Language::Malay, "CHF", "-7"), "CHF −7");
        assert_eq!(money(Language::Arabic, "MYR", "5.00"), "\u{2066}RM 5.00\u{2069}");
    }

    #[test]
    fn a_date_in_a_sentence_is_told_and_nothing_else_is() {
        assert_eq!(told(Language::Malay, "3 Oct 2026").as_deref(), Some("3 Okt 2026"));
        assert_eq!(told(Language::Arabic, "28 Nov").as_deref(), Some("28 نوفمبر"));
        assert_eq!(told(Language::Malay, "2026-10-03").as_deref(), Some("3 Okt 2026"));
        for other in ["28 Nov 2026 18:11", "May Lee", "3 Mays", "12345 Nov", "28 Nov x", ""] {
            assert_eq!(told(Language::Malay, other), None, "{other}");
        }
    }
}
