//! Settling a day: a million entries over many accounts come in, every till has told everything, and one round settles all
//! of it. How long that takes, and how much memory at the most.

use shared::books::CaseKind;
use shared::entry::{Authority, Column, Entry, EntryKind, Redemption};
use shared::points::Points;
use shared::time::Millis;
use shared::wire::PushReply;
use sync_server::app::{days, settling, sync};

use super::super::Options;
use super::super::measure::{Rounds, brief, number, timed};
use super::super::memory;
use super::super::table::Table;
use super::{BATCH, Centre, PUSHES, Pusher};
use crate::harness::scratch::Scratch;

/// One of so many entries redeems with no line; the others earn.
const REDEEMS: u64 = 5;

/// Lets the day's entries come in, and settles them.
pub fn measure(options: &Options, table: &mut Table<'_>) {
    let folder = Scratch::new("settling");
    let dir = folder.path().join("data");
    std::fs::create_dir_all(&dir).expect("a folder");
    let (took, mut centre) = timed(|| Centre::open(&dir, options.day.1));
    table.note(&format!("a server with {} accounts, imported in {}", centre.members.len(), brief(took)));
    let mut pushers: Vec<Pusher> = (0..PUSHES).map(|till| centre.enrol(till)).collect();
    let (took, redeemed) = timed(|| take_in(&mut centre, &mut pushers, options.day.0));
    let entries = options.day.0;
    table.note(&format!(
        "{entries} entries taken in in {}, {redeemed} of them redemptions with no line",
        brief(took)
    ));
    let now = Millis(centre.at).after(60_000);
    for pusher in &pushers {
        let (node, head) = (pusher.node, pusher.head);
        let told = centre.app.write_blocking(move |books| Ok(books.told_by_pull(node, head, now)?));
        told.expect("a till has told everything");
    }
    let before = memory::peak_anew();
    let (took, cuts) = timed(|| settling::round_blocking(&centre.app, now).expect("the day is settled"));
    let peak = memory::peak_kib();
    assert!(cuts > 0, "there is something to settle");
    let one = |figure: f64| {
        let mut rounds = Rounds::default();
        rounds.add(figure);
        rounds
    };
    let what =
        format!("settling a day of {entries} entries over {} accounts in {cuts} cuts, s", options.day.1);
    table.figure(&what, &one(took.as_secs_f64()));
    table.figure("the same, µs an entry", &one(took.as_secs_f64() * 1e6 / number(u64::from(entries))));
    table.figure("the same, memory at the most, MiB", &one(number(peak) / 1024.0));
    table.note(&format!("memory before it: {} MiB", before >> 10));
    let (took, closed) = timed(|| days::round_blocking(&centre.app, now.after(48 * 3_600_000)));
    table.note(&format!("{} days closed in {}", closed.expect("days are closed"), brief(took)));
    let (short, cases) = check(&centre);
    table.note(&format!("nothing waits; {cases} redemptions were short, by {short} points"));
    centre.app.close();
}

/// Pushes the day's entries; answers how many of them redeem.
fn take_in(centre: &mut Centre, pushers: &mut [Pusher], entries: u32) -> u64 {
    let (mut done, mut redeemed) = (0, 0);
    while done < entries {
        for pusher in &mut *pushers {
            let push = centre.push_of(pusher, |centre, pusher| {
                let earn = centre.earn(pusher);
                if centre.rng.below(REDEEMS) != 0 {
                    return earn;
                }
                redeemed += 1;
                redemption(earn)
            });
            let head = push.head;
            let taken = centre.runtime.block_on(sync::push(&centre.app, push, Millis(centre.at)));
            assert_eq!(taken.expect("the push is taken"), PushReply::Taken { head });
            done += BATCH;
            if done >= entries {
                break;
            }
        }
    }
    redeemed
}

/// An earn turned into a redemption of the same member with no line.
fn redemption(earn: Entry) -> Entry {
    let EntryKind::Earn(of) = earn.kind else { return earn };
    let facts = Redemption {
        authority: Authority::Offline,
        seen: Points(500),
        age_ms: 60_000,
        approval: None,
        value: 1.into(),
        off: 0.into(),
        got: None,
        membership: of.membership,
        hold: None,
        card: None,
        right: None,
    };
    let mut postings = earn.postings;
    for posting in &mut postings {
        (posting.column, posting.lot) = (Column::Redeemed, None);
    }
    Entry { kind: EntryKind::Redeem(of, facts), postings, ..earn }
}

/// Nothing waits any more; answers points that were short, and of how many redemptions.
fn check(centre: &Centre) -> (i64, u64) {
    let books = centre.app.read().expect("the books");
    let mut after = None;
    loop {
        let page = books.accounts(after, 10_000).expect("accounts");
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        let waits = page.iter().find(|(_, account)| !account.base().suspense.is_zero());
        assert!(waits.is_none(), "this account was not settled: {waits:?}");
    }
    let (mut short, mut count) = (0, 0);
    let mut note = |_, case: shared::books::Case| {
        if let CaseKind::Overdraft { short: borne, .. } = &case.kind {
            (short, count) = (short + borne.borne().0, count + 1);
        }
        true
    };
    books.cases_latest(None, &mut note).expect("cases");
    (short, count)
}
