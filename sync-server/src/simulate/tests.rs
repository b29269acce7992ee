use shared::entry::Authority;
use shared::time::Millis;

use super::chain::Chain;
use super::dial::{Custom, Setting};
use super::outages::{HOUR_MS, Outages};
use super::receipts::{Receipt, Receipts};
use super::*;

/// Three households that buy for so much every day, in one store after the other.
fn receipts(days: u64, cents: u64) -> Receipts {
    let start = Millis::parse("2017-01-01T08:00:00Z").unwrap();
    let mut all = Vec::new();
    for day in 0..days {
        for household in 0..3_u32 {
            let store = u32::try_from((day + u64::from(household)) % 3).unwrap();
            let at = start.after(day * 24 * HOUR_MS + u64::from(household) * HOUR_MS);
            all.push(Receipt { number: 0, household, store, at, cents });
        }
    }
    for (receipt, number) in all.iter_mut().zip(1..) {
        receipt.number = number;
    }
    Receipts { all, households: 3, stores: 3 }
}

fn played<'a>(receipts: &'a Receipts, setting: &Setting, millionths: u64) -> Chain<'a> {
    let outages = Outages { seed: 1, hours: 24, millionths };
    let mut chain = Chain::new(receipts, outages, setting, Custom::default()).unwrap();
    chain.play();
    chain
}

#[test]
fn with_a_line_everything_is_allowed_online_and_nothing_is_short() {
    let receipts = receipts(30, 25_000);
    let chain = played(&receipts, &Setting::mode("trust"), 0);
    let tally = &chain.tally;
    // 250 a day: 500 after two days, so from the third day on every other visit; 14 times in 30 days
    assert_eq!((tally.asked, tally.asked_offline, tally.refusals()), (42, 0, 0));
    assert_eq!(tally.allowed.get(&Authority::Online), Some(&42));
    assert_eq!((tally.overdrawn, tally.is_balanced()), (0, true), "{tally:?}");
    assert_eq!(chain.days.closed.len(), 33, "30 days, and the three in which everybody tells the rest");
    assert_eq!(chain.days.broken(&chain.books), []);
}

#[test]
fn with_no_line_refuse_refuses_all_and_trust_loses_some() {
    let receipts = receipts(120, 10_000);
    let refuse = played(&receipts, &Setting::mode("refuse"), 400_000).tally;
    assert!(refuse.asked_offline > 20 && refuse.refused_offline == refuse.asked_offline, "{refuse:?}");
    assert_eq!((refuse.overdrawn, refuse.refused.keys().next()), (0, Some(&"offline_refused")));
    let chain = played(&receipts, &Setting::mode("trust"), 400_000);
    let trust = &chain.tally;
    assert!(trust.refused_offline == 0 && trust.overdrawn > 0 && trust.is_balanced(), "{trust:?}");
    assert_eq!(trust.short(), trust.program, "without a debt the program bears all of it");
    assert_eq!(chain.days.broken(&chain.books), []);
    let capped = played(&receipts, &Setting::trust(Some(1), None), 400_000).tally;
    assert!(capped.refusals() > 0 && capped.short() < trust.short(), "{capped:?}");
}

#[test]
fn a_line_of_the_ledger_changed_breaks_the_seal_of_its_day() {
    let receipts = receipts(10, 25_000);
    let mut chain = played(&receipts, &Setting::mode("trust"), 0);
    let (key, line) = chain.books.lines.iter().next().map(|(key, line)| (*key, line.clone())).unwrap();
    let day = line.at.day(chrono_tz::UTC);
    chain.books.lines.insert(key, shared::books::LedgerLine { outlet: None, ..line });
    assert_eq!(chain.days.broken(&chain.books), [day]);
}

#[test]
fn the_best_setting_refuses_least_within_the_loss() {
    let receipts = receipts(120, 10_000);
    let plan = Plan {
        tries: vec![(500, Setting::ladder(500))],
        outage_hours: vec![24],
        millionths: 400_000,
        seeds: 1,
        custom: Custom::default(),
    };
    let rows = run(&receipts, &plan, &|_, _| ()).unwrap();
    let (none, refuse) = (best(&rows, 0).unwrap(), &rows[0]);
    assert_eq!((none.runs[0].short().0, refuse.setting.as_str()), (0, "refuse"));
    assert!(none.runs[0].refusals() <= refuse.runs[0].refusals());
    let any = best(&rows, i64::MAX).unwrap();
    assert_eq!(any.runs[0].refusals(), 0, "{any:?}");
    let loss = any.runs[0].short().0 - 1;
    let some = best(&rows, loss).unwrap();
    assert!(some.runs[0].short().0 <= loss && some.runs[0].refusals() > 0, "{some:?}");
    assert!(table::csv(&rows).unwrap().lines().count() == rows.len() + 1);
}

#[test]
fn what_is_reserved_is_never_short_and_lets_through_what_refuse_refuses() {
    let receipts = receipts(120, 10_000);
    let chain = played(&receipts, &Setting::reserved(None), 400_000);
    let reserved = &chain.tally;
    let stood = |tally: &Tally, authority| tally.allowed.get(&authority).copied().unwrap_or(0);
    assert_eq!((reserved.overdrawn, reserved.is_balanced()), (0, true), "{reserved:?}");
    assert!(stood(reserved, Authority::Reserved) > 5, "{reserved:?}");
    assert_eq!((stood(reserved, Authority::Offline), stood(reserved, Authority::Late)), (0, 0));
    assert!(reserved.refused_offline < reserved.asked_offline, "{reserved:?}");
    assert_eq!(chain.days.broken(&chain.books), []);
    let held: i64 = chain.books.rights.values().map(|row| row.left.0).sum();
    let set_aside: i64 = chain.books.accounts.values().map(|account| account.base().reserved.0).sum();
    assert_eq!(held, set_aside, "nothing is set aside for nobody");

    let more = played(&receipts, &Setting::reserved(Some((None, None))), 400_000).tally;
    let trust = played(&receipts, &Setting::mode("trust"), 400_000).tally;
    // what is reserved for other tills is not there for one with no line, however much it is trusted
    let elsewhere = more.refused.get("insufficient_points").copied().unwrap_or(0);
    assert_eq!((more.refused_offline, more.is_balanced()), (elsewhere, true), "{more:?}");
    assert!(more.refused_offline <= reserved.refused_offline, "{more:?} {reserved:?}");
    assert!(stood(&more, Authority::Reserved) > 0 && more.short() <= trust.short(), "{more:?} {trust:?}");
}

#[test]
fn with_a_line_rights_at_idle_tills_stand_in_nobodys_way() {
    let receipts = receipts(30, 25_000);
    for setting in [Setting::reserved(None), Setting::reserved(Some((Some(24), Some(500))))] {
        let tally = played(&receipts, &setting, 0).tally;
        assert_eq!(
            (tally.asked, tally.refusals(), tally.overdrawn),
            (42, 0, 0),
            "{}: {tally:?}",
            setting.name
        );
    }
}
