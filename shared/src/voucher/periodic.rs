//! Benefits that are counted by period: which vouchers a membership is due on a day.

use super::{Voucher, VoucherId};
use crate::catalog::Program;
use crate::catalog::reward::Reward;
use crate::ids::{Hash, MembershipId};
use crate::member::{Membership, MembershipStatus};
use crate::time::Day;

/// So many days before a period begins its vouchers are given, so that tills with no line have them.
pub const AHEAD_DAYS: i32 = 7;

impl VoucherId {
    /// The id of what a membership is given of a reward for the period that begins on a day: the same however often it is
    /// worked out.
    pub fn by_period(membership: MembershipId, reward: &Reward, first: Day) -> Self {
        let name = [
            b"tillkeep benefit voucher 1",
            &membership.0.as_bytes()[..],
            &first.0.to_be_bytes()[..],
            reward.code.as_str().as_bytes(),
        ];
        let hash = Hash::of(&name.concat());
        let bytes = hash.0.first_chunk::<16>().copied().unwrap_or_default();
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// The vouchers that a membership should have on a day by its program's counted benefits: of the period that the day is in,
/// and of the next where that begins soon. None where it is not active, was merged away, or its program is over.
pub fn due(program: &Program, held: &Membership, today: Day) -> Vec<Voucher> {
    let works = held.moved_to.is_none() && !program.retired;
    if !works || held.standing(&program.term, today) != MembershipStatus::Active {
        return Vec::new();
    }
    let mut due = Vec::new();
    for reward in &program.rewards {
        let Some(every) = reward.every else { continue };
        let next = Day(every.last(today).0.saturating_add(1));
        let soon = next.0.saturating_sub(today.0) <= AHEAD_DAYS;
        for first in [Some(every.first(today)), soon.then_some(next)].into_iter().flatten() {
            let on = first.max(today);
            let ended = held.expires_on.is_some_and(|end| end < on) && !program.term.automatic;
            if !ended && reward.when.is_for(held, on) {
                let id = VoucherId::by_period(held.id, reward, first);
                due.extend(Voucher::new(reward, program.id, held.id, id.0, first));
            }
        }
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Version};
    use crate::member::tests::membership;

    fn document() -> serde_json::Value {
        serde_json::json!({
            "outlets": [{"code": "kl", "name": "KL", "time_zone": "UTC", "currency": "MYR"}],
            "currencies": [{"code": "PTS", "name": "Points"}],
            "programs": [{
                "code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
                "levels": [{"code": "member", "name": "Member", "threshold": "0"},
                           {"code": "gold", "name": "Gold", "threshold": "1000"}],
            }],
            "rewards": [
                {"code": "coffee", "name": "Two coffees a month", "program": "std", "every": "month",
                 "when": {"levels": ["gold"]}, "gives": {"voucher": {"off": {"item": ["coffee"]}, "uses": 2}}},
                {"code": "lounge", "name": "The lounge", "program": "std", "every": "quarter",
                 "when": {"labels": ["vip"], "from": "2026-04-01"},
                 "gives": {"voucher": {"off": {"item": ["lounge"]}}}},
                {"code": "sorry", "name": "Sorry", "program": "std",
                 "gives": {"voucher": {"off": {"percent": {"percent": "5"}}, "days": 30}}},
            ],
        })
    }

    /// Reward, uses, from, until.
    type Due<'a> = &'a [(&'a str, u32, &'a str, &'a str)];
    /// Level, label, status, end and day, and what is due.
    type Row<'a> = (&'a str, &'a str, MembershipStatus, Option<&'a str>, &'a str, Due<'a>);

    fn catalog() -> Catalog {
        Version::default().next(serde_json::from_value(document()).unwrap()).unwrap().1
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn each_period_has_its_vouchers_for_whom_they_are_and_the_next_ones_come_a_week_ahead() {
        let catalog = catalog();
        let program = catalog.program("std").unwrap();
        // level, label, status, end, day -> reward, uses, from, until
        let november = ("coffee", 2, "2026-11-01", "2026-11-30");
        let december = ("coffee", 2, "2026-12-01", "2026-12-31");
        let autumn = ("lounge", 1, "2026-10-01", "2026-12-31");
        let active = MembershipStatus::Active;
        let rows: [Row<'_>; 11] = [
            ("member", "", active, None, "2026-11-05", &[]),
            ("gold", "", active, None, "2026-11-05", &[november]),
            ("gold", "", active, None, "2026-11-23", &[november]),
            ("gold", "", active, None, "2026-11-24", &[november, december]),
            ("gold", "", active, None, "2026-12-01", &[december]),
            ("gold", "vip", active, None, "2026-11-05", &[november, autumn]),
            // the lounge begins on 1 April: a week before there is it already
            ("member", "vip", active, None, "2026-03-24", &[]),
            ("member", "vip", active, None, "2026-03-25", &[("lounge", 1, "2026-04-01", "2026-06-30")]),
            ("gold", "", MembershipStatus::Suspended, None, "2026-11-05", &[]),
            // a membership that ends with the month has nothing of the next
            ("gold", "", active, Some("2026-11-30"), "2026-11-24", &[november]),
            ("gold", "", active, Some("2026-11-04"), "2026-11-05", &[]),
        ];
        for (level, label, status, end, today, expected) in rows {
            let mut held = membership();
            held.program = program.id;
            held.level = crate::ids::Code::new(level).unwrap();
            held.labels = Some(label.to_owned()).filter(|label| !label.is_empty()).into_iter().collect();
            held.status = status;
            held.expires_on = end.map(day);
            let found = due(program, &held, day(today));
            let told: Vec<_> = found
                .iter()
                .map(|it| (it.reward.as_str(), it.uses, it.from.to_string(), it.until.to_string()))
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(reward, uses, from, until)| (*reward, *uses, (*from).to_owned(), (*until).to_owned()))
                .collect();
            assert_eq!(told, expected, "{level} {label} {status:?} {end:?} {today}");
            let again = due(program, &held, day(today));
            assert_eq!(again, found, "the same ids, however often it is asked");
        }
    }

    #[test]
    fn a_benefit_by_period_that_makes_no_sense_is_refused_with_what_would() {
        for (pointer, value, field, said) in [
            ("/rewards/0/points", serde_json::json!("100"), "rewards[coffee].every", "costs no points"),
            (
                "/rewards/0/gives/voucher/days",
                serde_json::json!(30),
                "rewards[coffee].gives.voucher.days",
                "leave out",
            ),
            ("/rewards/0/when", serde_json::json!({"outlets": ["kl"]}), "rewards[coffee].when", "not for"),
            ("/rewards/0/when", serde_json::json!({"channels": ["web"]}), "rewards[coffee].when", "not for"),
            (
                "/rewards/0/gives",
                serde_json::json!({"donation": {"cause": "Trees"}}),
                "rewards[coffee]",
                "voucher",
            ),
            ("/rewards/2/gives/voucher/days", serde_json::json!(null), "rewards[sorry].gives", "1 to"),
        ] {
            let mut wrong = document();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            wrong.pointer_mut(parent).unwrap()[name] = value;
            let refused = Version::default().next(serde_json::from_value(wrong).unwrap()).unwrap_err();
            assert!(
                refused.field.starts_with(field) && refused.detail.contains(said),
                "{pointer}: {refused}"
            );
        }
    }
}
