//! Actions of rules: each is done once, by the server, after what met the rule was taken in.
//!
//! Node by node in the order of its journal, with a place that is kept in the same transaction as what was done up to it:
//! nothing is done twice, and nothing is left out. What waits for something (a catalog, a membership) is waited for.

use std::sync::Arc;

use rust_decimal::Decimal;
use shared::books::SERVER;
use shared::books::rows::Quantity;
use shared::catalog::action::Action;
use shared::catalog::earning::EarningRule;
use shared::catalog::{Catalog, Program};
use shared::entry::membership::{Attribute, Cause, Standing};
use shared::entry::{Entry, EntryKind, Party, Sale};
use shared::ids::{Code, Dot, Hash, MembershipId, NodeId, Seq};
use shared::limits;
use shared::member::{Membership, MembershipStatus};
use shared::post::Taken;
use shared::render::{self, follow};
use shared::time::{Day, Millis};

use super::changes::{self, Change};
use super::{App, Done, Who, catalog, levels};
use crate::store::{Read, Write};

mod beside;

/// Entries looked at in one commit.
const STEP: u64 = 1_000;

/// Does what is due; answers how many memberships it changed.
pub fn round_blocking(app: &App, now: Millis) -> Done<usize> {
    let mut changed = 0;
    for node in behind(&*app.read()?)? {
        loop {
            let (done, more) = app.write_blocking(move |books| step(books, node, now))?;
            changed += done;
            if !more {
                break;
            }
        }
    }
    Ok(changed)
}

/// Nodes with entries that were not looked at, if any rule acts.
fn behind(books: &dyn Read) -> Done<Vec<NodeId>> {
    let catalog = catalog::latest(books)?;
    let acts = |program: &Program| program.rules.all().iter().any(|rule| !rule.then.is_empty());
    if !catalog.programs.values().any(acts) {
        return Ok(Vec::new());
    }
    let mut behind = Vec::new();
    for (node, row) in books.nodes()? {
        if books.acted(node)? < row.head.seq {
            behind.push(node);
        }
    }
    Ok(behind)
}

/// Goes through some entries of a node; answers how many memberships it changed, and whether there may be more to do.
fn step(books: &mut dyn Write, node: NodeId, now: Millis) -> Done<(usize, bool)> {
    let head = books.node(node)?.unwrap_or_default().head.seq;
    let from = books.acted(node)?;
    let until = Seq(head.0.min(from.0.saturating_add(STEP)));
    let (mut at, mut changed) = (from, 0);
    while at < until {
        let seq = at.next();
        let Some(more) = act(books, Dot::new(node, seq), now)? else { break };
        (at, changed) = (seq, changed + more);
        // a return further on asks how far it has come
        books.put_acted(node, at)?;
    }
    Ok((changed, at == until && until < head))
}

/// Does what an entry brings about; `None` where it waits for something.
fn act(books: &mut dyn Write, dot: Dot, now: Millis) -> Done<Option<usize>> {
    let Some(taken) = books.taken(dot)? else { return Ok(Some(0)) };
    let Ok(entry) = &taken.entry else { return Ok(Some(0)) };
    if taken.receipt.judged.as_ref().is_some_and(|judged| judged.duplicate_of.is_some()) {
        return Ok(Some(0));
    }
    if matches!(entry.kind, EntryKind::Refund(_) | EntryKind::Void(_)) {
        return undo(books, &taken, now).map(Some);
    }
    let Some(met) = met(books.as_read(), &taken, entry)? else { return Ok(None) };
    let mut changed = 0;
    for met in met {
        changed += usize::from(write(books, &met, now)?);
        changed += beside::give(books, &met, now)?;
    }
    Ok(Some(changed))
}

/// A rule that was met, and by what.
struct Met {
    of: Dot,
    /// The chain's hash after it.
    hash: Hash,
    /// Its receipt's number.
    receipt: String,
    /// Where it was, by the outlet's name.
    outlet: String,
    at: Millis,
    membership: MembershipId,
    rule: Code,
    actions: Vec<Action>,
    day: Day,
    /// By which it was decided.
    catalog: Arc<Catalog>,
}

impl Met {
    fn new(
        (taken, entry): (&Taken, &Entry),
        (catalog, membership): (&Arc<Catalog>, MembershipId),
        rule: &EarningRule,
    ) -> Self {
        let outlet = entry.actor.outlet().and_then(|id| catalog.outlets.get(&id));
        Self {
            of: taken.dot,
            hash: taken.head.hash,
            receipt: render::transaction::receipt(&entry.kind).unwrap_or_default().to_owned(),
            outlet: outlet.map_or_else(String::new, |outlet| outlet.name.clone()),
            at: entry.at.ms().min(taken.receipt.received),
            membership,
            rule: rule.code.clone(),
            actions: rule.then.clone(),
            day: entry.business_date,
            catalog: Arc::clone(catalog),
        }
    }
}

/// The rules with actions that an entry meets; `None` where what says so is not known here yet.
fn met(books: &dyn Read, taken: &Taken, entry: &Entry) -> Done<Option<Vec<Met>>> {
    match &entry.kind {
        EntryKind::Sale(sale) => match &sale.earner {
            Party::Membership(earner) => {
                let back = back_so_far(books, taken.dot)?;
                of_sale(books, taken, (*earner, None), back.as_deref())
            }
            Party::Nobody | Party::Customer(_) | Party::Card { .. } => Ok(Some(Vec::new())),
        },
        EntryKind::Attribute(attribute) if taken.dot.node == SERVER => {
            let Some(sold) = books.taken(attribute.of)? else { return Ok(None) };
            let back = back_so_far(books, attribute.of)?;
            let earner = (attribute.membership, Some(attribute));
            of_sale(books, &sold, earner, back.as_deref())
        }
        EntryKind::Earn(moved) => of_activity(books, taken, entry, moved.membership),
        _ => Ok(Some(Vec::new())),
    }
}

/// What came back of a sale by what was looked at already, line by line; `None` where it was undone. What was not looked at
/// yet undoes for itself what it finds done.
fn back_so_far(books: &dyn Read, of: Dot) -> Done<Option<Vec<Decimal>>> {
    let row = books.sale(of)?.unwrap_or_default();
    let mut back = vec![Decimal::ZERO; row.sold.len()];
    for dot in &row.reversals {
        if books.acted(dot.node)? < dot.seq {
            continue;
        }
        let returned = books.receipt(*dot)?.and_then(|receipt| receipt.judged?.returned);
        let Some(returned) = returned else { continue };
        if returned.whole.1 {
            return Ok(None);
        }
        for (sum, (_, with)) in back.iter_mut().zip(&returned.lines) {
            *sum = (*sum).max(with.0);
        }
    }
    Ok(Some(back))
}

/// The rules that a sale meets without what came back of it; none where all of it did.
fn of_sale(
    books: &dyn Read,
    taken: &Taken,
    (earner, attributed): (MembershipId, Option<&Attribute>),
    back: Option<&[Decimal]>,
) -> Done<Option<Vec<Met>>> {
    let (Ok(entry), Some(back)) = (&taken.entry, back) else { return Ok(Some(Vec::new())) };
    let EntryKind::Sale(sale) = &entry.kind else { return Ok(Some(Vec::new())) };
    let Some((catalog, held)) = known(books, entry, earner)? else { return Ok(None) };
    let earner = follow::Earner { membership: &held, attributed };
    let rules = follow::met(entry, sale, earner, &catalog, back).into_iter();
    Ok(Some(rules.map(|rule| Met::new((taken, entry), (&catalog, held.id), rule)).collect()))
}

/// Takes back what a return leaves no ground for: what the rules did that the sale met before it and meets no more.
fn undo(books: &mut dyn Write, taken: &Taken, now: Millis) -> Done<usize> {
    let returned = taken.receipt.judged.as_ref().and_then(|judged| judged.returned.clone());
    let Some(returned) = returned else { return Ok(0) };
    let attributed = books.sale(returned.sale)?.and_then(|row| row.attributed);
    let by = attributed.unwrap_or(returned.sale);
    // what was not done yet is done, where the time comes, with an eye on what came back
    if books.acted(by.node)? < by.seq {
        return Ok(0);
    }
    let Some(sold) = books.taken(returned.sale)? else { return Ok(0) };
    let Ok(entry) = &sold.entry else { return Ok(0) };
    let attribution = attributed.map(|dot| books.taken(dot)).transpose()?.flatten();
    let earner = match (attribution.and_then(|taken| taken.entry.ok()).map(|it| it.kind), &entry.kind) {
        (Some(EntryKind::Attribute(attribute)), _) => Some((attribute.membership, Some(attribute))),
        (_, EntryKind::Sale(Sale { earner: Party::Membership(earner), .. })) => Some((*earner, None)),
        _ => None,
    };
    let Some((earner, attribute)) = earner else { return Ok(0) };
    let side = |whole: bool, side: fn(&(Quantity, Quantity)) -> Quantity| {
        (!whole).then(|| returned.lines.iter().map(|pair| side(pair).0).collect::<Vec<_>>())
    };
    let (before, after) = (side(returned.whole.0, |pair| pair.0), side(returned.whole.1, |pair| pair.1));
    let rules = |back: Option<Vec<Decimal>>| {
        of_sale(books.as_read(), &sold, (earner, attribute.as_ref()), back.as_deref())
    };
    let (before, after) = (rules(before)?.unwrap_or_default(), rules(after)?.unwrap_or_default());
    let mut changed = 0;
    for met in before.iter().filter(|met| !after.iter().any(|kept| kept.rule == met.rule)) {
        changed += beside::take_back(books, met, now)?;
    }
    Ok(changed)
}

/// Of an activity its points say which rules it met.
fn of_activity(
    books: &dyn Read,
    taken: &Taken,
    entry: &Entry,
    earner: MembershipId,
) -> Done<Option<Vec<Met>>> {
    if entry.postings.iter().all(|posting| posting.why.rule.is_none()) {
        return Ok(Some(Vec::new()));
    }
    let Some((catalog, held)) = known(books, entry, earner)? else { return Ok(None) };
    let Some(program) = catalog.programs.get(&held.program) else { return Ok(Some(Vec::new())) };
    let acts = program.rules.all().iter().filter(|rule| !rule.then.is_empty());
    let met = acts
        .filter(|rule| entry.postings.iter().any(|posting| posting.why.rule.as_ref() == Some(&rule.code)));
    Ok(Some(met.map(|rule| Met::new((taken, entry), (&catalog, held.id), rule)).collect()))
}

/// The catalog by which an entry was decided, and the membership that it names; `None` while one is not known.
fn known(books: &dyn Read, entry: &Entry, earner: MembershipId) -> Done<Option<(Arc<Catalog>, Membership)>> {
    let (catalog, held) = (books.catalog(entry.catalog)?, books.membership(earner)?);
    Ok(catalog.zip(held.map(|row| row.value)))
}

/// The membership that has what another had: the one that it was merged into, or itself.
fn survivor(books: &dyn Read, id: MembershipId) -> Done<Option<Membership>> {
    let mut found = books.membership(id)?.map(|row| row.value);
    for _ in 0..limits::GENERATIONS {
        let Some(next) = found.as_ref().and_then(|held| held.moved_to) else { break };
        found = books.membership(next)?.map(|row| row.value);
    }
    Ok(found)
}

/// Writes what a rule changes of a membership; answers whether it changed anything.
fn write(books: &mut dyn Write, met: &Met, now: Millis) -> Done<bool> {
    let Some(held) = survivor(books.as_read(), met.membership)? else { return Ok(false) };
    if held.status == MembershipStatus::Terminated {
        return Ok(false);
    }
    let mut next = held.clone();
    let rule = &met.rule;
    let changes = met.actions.iter().filter(|action| action.changes_record());
    let words: Vec<String> = changes.filter_map(|action| action.apply(&mut next, met.day)).collect();
    if next == held {
        return Ok(false);
    }
    let catalog = catalog::latest(books)?;
    if let Some(program) = catalog.programs.get(&next.program) {
        levels::stand(books.as_read(), &catalog, program, &mut next, now.day(program.zone))?;
    }
    let note = format!("{rule}: {}", words.join("; "));
    let change = Change { action: "membership.rule", subject: held.id.to_string(), detail: note.clone() };
    let cause = Cause::Rule { rule: rule.clone(), of: met.of };
    let kind = EntryKind::Standing(Standing { membership: next, cause, note });
    changes::author(books, &Who::server(), kind, &change, now)?;
    Ok(true)
}
