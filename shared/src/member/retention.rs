//! How long the personal data of a customer are kept once a membership is over, by its program.

use super::{Membership, MembershipStatus};
use crate::catalog::Program;
use crate::time::Day;

impl Membership {
    /// The last day on which this membership keeps the personal data of whoever has it: so long after it ended (or, where it
    /// was set to inactive or terminated, after that), or after the last points that were earned or redeemed since, as its
    /// program says. `None` where it keeps them for as long as it is there: it is not over, or the program has no period.
    ///
    /// `changed` is when its record changed last, `active` when points were earned or redeemed last.
    pub fn kept_until(
        &self,
        program: &Program,
        (changed, active): (Day, Option<Day>),
        today: Day,
    ) -> Option<Day> {
        let period = program.retention?;
        let over = match self.standing(&program.term, today) {
            MembershipStatus::Pending | MembershipStatus::Active | MembershipStatus::Suspended => {
                return None;
            }
            MembershipStatus::Expired => self.last_day(&program.term).unwrap_or(changed),
            MembershipStatus::Inactive | MembershipStatus::Terminated => changed,
        };
        Some(period.after(active.map_or(over, |active| active.max(over))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Version};
    use crate::member::tests::membership;

    fn catalog(retention: &serde_json::Value) -> Catalog {
        let document = serde_json::json!({
            "outlets": [{"code": "kl", "name": "KL", "time_zone": "UTC", "currency": "MYR"}],
            "currencies": [{"code": "PTS", "name": "Points"}],
            "programs": [{
                "code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
                "levels": [{"code": "member", "name": "Member", "threshold": "0"}],
                "term": {"length": {"months": 12}, "grace_days": 10}, "retention": retention,
            }],
        });
        Version::default().next(serde_json::from_value(document).unwrap()).unwrap().1
    }

    #[test]
    fn who_is_a_member_no_more_is_kept_for_the_programs_period_after_the_last_sign_of_life() {
        use MembershipStatus::{Active, Inactive, Pending, Suspended, Terminated};
        let (years, never) = (catalog(&serde_json::json!({"years": 2})), catalog(&serde_json::Value::Null));
        let day = |text: &str| Day::parse(text).unwrap();
        // status, end, record changed, last activity -> kept until, asked on 1 November 2026
        for (status, end, changed, active, until) in [
            (Active, None, "2019-01-01", None, None),
            (Pending, None, "2019-01-01", None, None),
            (Suspended, Some("2020-01-01"), "2019-01-01", None, None),
            // ended, and ten days of grace after that
            (Active, Some("2020-01-01"), "2026-10-01", None, Some("2022-01-11")),
            (Active, Some("2020-01-01"), "2026-10-01", Some("2019-05-05"), Some("2022-01-11")),
            (Active, Some("2020-01-01"), "2026-10-01", Some("2021-05-05"), Some("2023-05-05")),
            (Active, Some("2026-10-25"), "2019-01-01", None, None),
            (Inactive, None, "2024-02-29", None, Some("2026-02-28")),
            (Terminated, None, "2024-02-29", Some("2025-06-30"), Some("2027-06-30")),
        ] {
            let mut held = membership();
            (held.status, held.expires_on) = (status, end.map(day));
            let signs = (day(changed), active.map(day));
            let kept = |catalog: &Catalog| {
                held.kept_until(catalog.program("std").unwrap(), signs, day("2026-11-01"))
            };
            assert_eq!(kept(&years).map(|day| day.to_string()).as_deref(), until, "{held:?}");
            assert_eq!(kept(&never), None);
        }
    }
}
