//! I10: what a till with no line lets through stays within the caps, whoever asks for what and whenever. The generator asks
//! for more than the caps allow and takes whatever is said to be available, so that every bound is really reached.

use shared::account::{AccountId, Base, LotTerms};
use shared::catalog::document::Document;
use shared::catalog::{Catalog, Version};
use shared::decide::{Command, Deed, Grounds, Moving, decide};
use shared::entry::{Actor, Idem};
use shared::ids::{NodeId, TillId};
use shared::points::Points;
use shared::time::Millis;
use shared::view::{AccountView, Facts, MemberView, Place};

use super::rng::Rng;
use super::scene;

/// The caps: points at once, of one member within `HOURS`, at the till since its last contact, and how often there.
const AT_ONCE: i64 = 50;
const OF_MEMBER: i64 = 100;
const HOURS: u64 = 2;
const AT_TILL: i64 = 270;
const COUNT: usize = 7;
const HOUR_MS: u64 = 3_600_000;

/// How often each bound was reached exactly.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reached {
    /// Points at once.
    pub at_once: u64,
    /// Points of one member within the window.
    pub of_member: u64,
    /// Points at the till since its last contact.
    pub at_till: u64,
    /// Redemptions at the till since its last contact.
    pub count: u64,
}

impl Reached {
    /// Adds another run's.
    pub fn add(&mut self, other: Self) {
        self.at_once += other.at_once;
        self.of_member += other.of_member;
        self.at_till += other.at_till;
        self.count += other.count;
    }
}

/// A till with no line, by what it let through.
struct Till {
    catalog: Catalog,
    passed: Vec<(Millis, AccountId, Points)>,
    /// How many of them before its last contact.
    told: usize,
    now: Millis,
}

fn catalog() -> Catalog {
    let caps = serde_json::json!({
        "mode": "trust", "per_redemption": AT_ONCE.to_string(), "per_member": OF_MEMBER.to_string(),
        "per_member_hours": HOURS, "till_points": AT_TILL.to_string(), "till_count": COUNT,
    });
    let document = serde_json::json!({
        "outlets": [{"code": "north", "name": "North", "time_zone": "UTC", "currency": "MYR"}],
        "currencies": [{"code": "PTS", "name": "Points", "cash_value": {"amount": "0.01", "currency": "MYR"}}],
        "programs": [{"code": "std", "name": "Standard", "time_zone": "UTC", "currencies": ["PTS"],
            "levels": [{"code": "member", "name": "Member", "threshold": "0"}],
            "redemption": {"minimum": "1", "step": "1"}, "offline": caps}],
    });
    let document: Document = serde_json::from_value(document).expect("the catalog reads");
    Version::default().next(document).expect("the catalog compiles").1
}

impl Till {
    /// Points of a member within the window until now.
    fn of_member(&self, account: AccountId) -> Points {
        let since = self.now.before(HOURS * HOUR_MS);
        let recent = self.passed.iter().filter(|(at, of, _)| *at >= since && *of == account);
        recent.map(|(_, _, points)| *points).sum()
    }

    /// Points and redemptions since the last contact.
    fn untold(&self) -> (Points, usize) {
        let untold = &self.passed[self.told..];
        (untold.iter().map(|(_, _, points)| *points).sum(), untold.len())
    }

    /// Asks for some points; answers what would do where that is too much.
    fn ask(&mut self, member: u8, points: Points) -> Result<(), Points> {
        let (account, membership) = (scene::account(member), scene::membership(member));
        let place = Place { outlet: Some(scene::OUTLETS[0]), till: Some(TillId(1)), node: NodeId(2) };
        let mut facts = Facts::at(place);
        let mut base = Base::default();
        base.lots.credit(LotTerms::plain(None), Points(1_000_000));
        facts.accounts.insert(account, AccountView::of(base, self.now));
        facts.members.push(MemberView { customer: scene::customer(membership.customer), membership });
        let (till, count) = self.untold();
        facts.offline.member.insert(account, self.of_member(account));
        facts.offline.till.insert(scene::POINTS, till);
        facts.offline.till_count = u32::try_from(count).unwrap_or(u32::MAX);
        let moving = Moving {
            membership: scene::membership(member).id,
            currency: scene::POINTS,
            points,
            reason: "a gift".into(),
            reference: None,
            approval: None,
        };
        let command = Command {
            actor: Actor::Till { outlet: scene::OUTLETS[0], till: TillId(1), cashier: None },
            idem: Some(Idem { key: 1, body: 1 }),
            business_date: None,
            occurred_at: None,
            grounds: Grounds::Offline,
            deed: Deed::RedeemPoints(moving),
        };
        match decide(&facts, &self.catalog, &command, self.now) {
            Ok(draft) => {
                let taken = draft.postings.iter().map(|posting| posting.points).sum();
                self.passed.push((self.now, account, taken));
                Ok(())
            }
            Err(refusal) => {
                let available = refusal.available.unwrap_or_default();
                Err(Points(available.parse().unwrap_or(0)))
            }
        }
    }

    /// Whether the last redemption left everything within the caps, and which of them it reached.
    fn check(&self, account: AccountId) -> Result<Reached, String> {
        let last = self.passed.last().map_or(Points::ZERO, |(_, _, points)| *points);
        let (member, (till, count)) = (self.of_member(account), self.untold());
        if last.0 > AT_ONCE || member.0 > OF_MEMBER || till.0 > AT_TILL || count > COUNT {
            return Err(format!(
                "I10: {last:?} at once, {member:?} of one member, {till:?} in {count} at the till with no line"
            ));
        }
        Ok(Reached {
            at_once: u64::from(last.0 == AT_ONCE),
            of_member: u64::from(member.0 == OF_MEMBER),
            at_till: u64::from(till.0 == AT_TILL),
            count: u64::from(count == COUNT),
        })
    }
}

/// Runs one seed.
///
/// # Errors
/// The cap that was passed.
pub fn run(seed: u64) -> Result<Reached, String> {
    let mut rng = Rng::new(seed ^ 0x0ca9);
    let mut till = Till { catalog: catalog(), passed: Vec::new(), told: 0, now: Millis(1_700_000_000_000) };
    let mut reached = Reached::default();
    for _ in 0..60 {
        till.now = till.now.after(rng.below(HOUR_MS / 2));
        if rng.chance(12) {
            till.told = till.passed.len();
        }
        let member = u8::try_from(rng.below(u64::from(scene::MEMBERS))).unwrap_or(0);
        let asked = Points(i64::try_from(rng.between(1, 2 * AT_ONCE.unsigned_abs())).unwrap_or(1));
        let passed = match till.ask(member, asked) {
            Ok(()) => true,
            // the answer says what would do, and that must do
            Err(available) if available.is_positive() => {
                if till.ask(member, available).is_err() {
                    return Err(format!(
                        "seed {seed}: {available:?} were said to be available, and were refused"
                    ));
                }
                true
            }
            Err(_) => false,
        };
        if passed {
            reached.add(till.check(scene::account(member)).map_err(|text| format!("seed {seed}: {text}"))?);
        }
    }
    Ok(reached)
}
