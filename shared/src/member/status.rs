//! A membership's lifecycle: which change of status is possible, and where it stands on a day, whether or not anybody has
//! written that down yet.

use super::{Membership, MembershipStatus};
use crate::catalog::term::Term;
use crate::refusal::{Problem, Refusal};
use crate::time::Day;

impl MembershipStatus {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Active, Self::Inactive, Self::Suspended, Self::Expired, Self::Terminated];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::Terminated => "terminated",
        }
    }

    /// The status that a word names.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// What it may become by a person's word. What has expired becomes active by renewing it, and by nothing else; what
    /// was terminated stays so; nothing becomes pending again.
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Active, Self::Terminated],
            Self::Active => &[Self::Inactive, Self::Suspended, Self::Expired, Self::Terminated],
            Self::Inactive => &[Self::Active, Self::Suspended, Self::Expired, Self::Terminated],
            Self::Suspended => &[Self::Active, Self::Inactive, Self::Expired, Self::Terminated],
            Self::Expired => &[Self::Terminated],
            Self::Terminated => &[],
        }
    }

    /// Whether it may become another by a person's word.
    ///
    /// # Errors
    /// `invalid_transition`, with what would be possible.
    pub fn check_next(self, next: Self) -> Result<(), Refusal> {
        if self.next().contains(&next) {
            return Ok(());
        }
        let (from, to) = (self.word(), next.word());
        let detail = match (self, next) {
            (Self::Expired, Self::Active) => {
                "A membership that has expired becomes active by renewing it.".to_owned()
            }
            (Self::Terminated, _) => "This membership is terminated, which is for good.".to_owned(),
            (same, other) if same == other => format!("This membership is {from} already."),
            _ => {
                let possible: Vec<&str> = self.next().iter().map(|status| status.word()).collect();
                format!("What is {from} cannot become {to}; it can become {}.", possible.join(", "))
            }
        };
        Err(Refusal::new(Problem::InvalidTransition, detail).at("status"))
    }
}

impl Membership {
    /// Where it stands on a day: what is active or inactive is expired once its end and the program's grace are over,
    /// unless the program renews by itself.
    pub fn standing(&self, term: &Term, day: Day) -> MembershipStatus {
        match self.status {
            MembershipStatus::Active | MembershipStatus::Inactive if self.lapsed(term, day) => {
                MembershipStatus::Expired
            }
            status => status,
        }
    }

    /// Whether its end and the grace after it are over.
    fn lapsed(&self, term: &Term, day: Day) -> bool {
        let renews = term.automatic && term.length.is_some();
        self.last_day(term).is_some_and(|last| last < day) && !renews
    }

    /// The last day on which it still works: its end, and the grace after it.
    pub fn last_day(&self, term: &Term) -> Option<Day> {
        let grace = i32::try_from(term.grace_days).unwrap_or(i32::MAX);
        self.expires_on.map(|end| Day(end.0.saturating_add(grace)))
    }

    /// Whether its end has passed and it works only for the grace after it.
    pub fn is_in_grace(&self, term: &Term, day: Day) -> bool {
        let ended = self.expires_on.is_some_and(|end| end < day);
        ended && !term.automatic && self.standing(term, day) == MembershipStatus::Active
    }

    /// This membership renewed on a day: a term more, counted from its end while that or its grace lasts, else from the
    /// day. `until` is an end that a person gives instead.
    ///
    /// # Errors
    /// `invalid_transition`, where it is none that can be renewed or the program has no terms; `invalid_request` on an
    /// end that lies before the present one.
    pub fn renewed(&self, term: &Term, day: Day, until: Option<Day>) -> Result<Self, Refusal> {
        let standing = self.standing(term, day);
        if !matches!(
            standing,
            MembershipStatus::Active | MembershipStatus::Inactive | MembershipStatus::Expired
        ) {
            let detail = format!("A membership that is {} cannot be renewed.", standing.word());
            return Err(Refusal::new(Problem::InvalidTransition, detail));
        }
        let lasts = self.expires_on.filter(|_| standing != MembershipStatus::Expired);
        let (from, next) = match lasts {
            Some(end) => (end, term.end_after_end(end, self.enrolled_on)),
            None => (day, term.end_after(day)),
        };
        let end = match until {
            Some(until) if until < day || self.expires_on.is_some_and(|end| until <= end) => {
                return Err(Refusal::field(
                    "until",
                    "The new end lies after the present one, and after today.",
                ));
            }
            Some(until) => until,
            None => next.filter(|end| *end > day.max(from)).ok_or_else(|| {
                let detail = "This program has no further term to renew for; name `until`.";
                Refusal::new(Problem::InvalidTransition, detail)
            })?,
        };
        Ok(Self { status: MembershipStatus::Active, expires_on: Some(end), ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::document::level::Window;
    use crate::member::tests::membership;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn yearly(automatic: bool, grace_days: u32) -> Term {
        let length = Some(Window { days: None, months: Some(12), years: None });
        Term { length, automatic, grace_days, ..Term::default() }
    }

    #[test]
    fn every_change_of_status_is_allowed_or_refused_as_the_table_says() {
        // rows from, columns to, in the order of ALL
        let table = [".A...T", "..ISET", ".A.SET", ".AI.ET", ".....T", "......"];
        for (from, row) in MembershipStatus::ALL.into_iter().zip(table) {
            for (to, cell) in MembershipStatus::ALL.into_iter().zip(row.chars()) {
                let answer = from.check_next(to);
                assert_eq!(answer.is_ok(), cell != '.', "{} to {}", from.word(), to.word());
                if let Err(refusal) = answer {
                    assert_eq!(refusal.code(), "invalid_transition");
                }
            }
        }
    }

    #[test]
    fn a_membership_works_to_the_last_day_of_its_grace() {
        let held = crate::member::Membership { expires_on: Some(day("2024-06-01")), ..membership() };
        let cases = [
            ("2024-06-01", 0, MembershipStatus::Active),
            ("2024-06-02", 0, MembershipStatus::Expired),
            ("2024-06-15", 14, MembershipStatus::Active),
            ("2024-06-16", 14, MembershipStatus::Expired),
        ];
        for (on, grace, standing) in cases {
            assert_eq!(held.standing(&yearly(false, grace), day(on)), standing, "{on}, {grace} days");
        }
        assert_eq!(held.standing(&yearly(true, 0), day("2025-01-01")), MembershipStatus::Active);
        assert!(held.is_in_grace(&yearly(false, 14), day("2024-06-02")));
        assert!(!held.is_in_grace(&yearly(false, 14), day("2024-06-01")));
    }

    #[test]
    fn a_term_follows_the_last_one_while_that_lasts_and_today_once_it_is_over() {
        let held = crate::member::Membership { expires_on: Some(day("2024-06-01")), ..membership() };
        let term = yearly(false, 14);
        for (on, end) in
            [("2024-05-20", "2025-06-01"), ("2024-06-10", "2025-06-01"), ("2024-07-01", "2025-07-01")]
        {
            let renewed = held.renewed(&term, day(on), None).unwrap();
            assert_eq!(renewed.expires_on, Some(day(end)), "renewed on {on}");
            assert_eq!(renewed.status, MembershipStatus::Active);
        }
        let season = Term { ends: held.expires_on, length: None, ..term };
        let none = held.renewed(&season, day("2024-05-20"), None).unwrap_err();
        assert_eq!(none.code(), "invalid_transition", "there is no further term");
        let ended = crate::member::Membership { status: MembershipStatus::Terminated, ..held.clone() };
        assert_eq!(ended.renewed(&term, day("2024-05-20"), None).unwrap_err().code(), "invalid_transition");
        let back = held.renewed(&term, day("2024-05-20"), Some(day("2024-05-30"))).unwrap_err();
        assert_eq!(back.field.as_deref(), Some("until"));
    }
}
