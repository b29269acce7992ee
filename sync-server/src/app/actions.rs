//! Actions of rules: each is done once, by the server, after what met the rule was taken in.
//!
//! Node by node in the order of its journal, with a place that is kept in the same transaction as what was done up to it:
//! nothing is done twice, and nothing is left out. What waits for something (a catalog, a membership) is waited for.

use shared::books::SERVER;
use shared::catalog::action::Action;
use shared::catalog::{Catalog, Program};
use shared::earning::{self, Issuer};
use shared::entry::membership::{Cause, Standing};
use shared::entry::{Entry, EntryKind, Party, Sale};
use shared::ids::{Code, Dot, MembershipId, NodeId, Seq};
use shared::member::{Membership, MembershipStatus};
use shared::post::Taken;
use shared::time::{Day, Millis};

use super::changes::{self, Change};
use super::{App, Done, Who, catalog, levels};
use crate::store::{Read, Write};

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
    }
    if at > from {
        books.put_acted(node, at)?;
    }
    Ok((changed, at == until && until < head))
}

/// Does what an entry brings about; `None` where it waits for something.
fn act(books: &mut dyn Write, dot: Dot, now: Millis) -> Done<Option<usize>> {
    let Some(taken) = books.taken(dot)? else { return Ok(Some(0)) };
    let Ok(entry) = &taken.entry else { return Ok(Some(0)) };
    let Some(met) = met(books.as_read(), &taken, entry)? else { return Ok(None) };
    let mut changed = 0;
    for Met { of, membership, rule, actions, day } in met {
        changed += usize::from(write(books, (membership, &rule, of), (&actions[..], day), now)?);
    }
    Ok(Some(changed))
}

/// A rule that was met.
struct Met {
    of: Dot,
    membership: MembershipId,
    rule: Code,
    actions: Vec<Action>,
    day: Day,
}

/// The rules with actions that an entry meets; `None` where what says so is not known here yet.
fn met(books: &dyn Read, taken: &Taken, entry: &Entry) -> Done<Option<Vec<Met>>> {
    if taken.receipt.judged.as_ref().is_some_and(|judged| judged.duplicate_of.is_some()) {
        return Ok(Some(Vec::new()));
    }
    match &entry.kind {
        EntryKind::Sale(sale) => match &sale.earner {
            Party::Membership(earner) => of_sale(books, (taken.dot, entry), sale, *earner, None),
            Party::Nobody | Party::Customer(_) | Party::Card { .. } => Ok(Some(Vec::new())),
        },
        EntryKind::Attribute(attribute) if taken.dot.node == SERVER => {
            let Some(Ok(sold)) = books.taken(attribute.of)?.map(|taken| taken.entry) else { return Ok(None) };
            let EntryKind::Sale(sale) = &sold.kind else { return Ok(Some(Vec::new())) };
            let level = Some(&attribute.level);
            of_sale(books, (attribute.of, &sold), sale, attribute.membership, level)
        }
        EntryKind::Earn(moved) => of_activity(books, taken.dot, entry, moved.membership),
        _ => Ok(Some(Vec::new())),
    }
}

fn of_sale(
    books: &dyn Read,
    (of, entry): (Dot, &Entry),
    sale: &Sale,
    earner: MembershipId,
    level: Option<&Code>,
) -> Done<Option<Vec<Met>>> {
    if books.sale(of)?.is_some_and(|row| row.voided) {
        return Ok(Some(Vec::new()));
    }
    let Some((catalog, held)) = known(books, entry, earner)? else { return Ok(None) };
    let Some(program) = catalog.programs.get(&held.program) else { return Ok(Some(Vec::new())) };
    let place = Issuer { catalog: &catalog, outlet: entry.actor.outlet(), day: entry.business_date };
    let level = level.or(sale.level.as_ref()).unwrap_or(&held.level);
    let rules = earning::acting(program, level, &place, sale).into_iter();
    let day = entry.business_date;
    let met = rules.map(|rule| Met {
        of,
        membership: earner,
        rule: rule.code.clone(),
        actions: rule.then.clone(),
        day,
    });
    Ok(Some(met.collect()))
}

/// Of an activity its points say which rules it met.
fn of_activity(books: &dyn Read, of: Dot, entry: &Entry, earner: MembershipId) -> Done<Option<Vec<Met>>> {
    if entry.postings.iter().all(|posting| posting.why.rule.is_none()) {
        return Ok(Some(Vec::new()));
    }
    let Some((catalog, held)) = known(books, entry, earner)? else { return Ok(None) };
    let Some(program) = catalog.programs.get(&held.program) else { return Ok(Some(Vec::new())) };
    let acts = program.rules.all().iter().filter(|rule| !rule.then.is_empty());
    let met = acts
        .filter(|rule| entry.postings.iter().any(|posting| posting.why.rule.as_ref() == Some(&rule.code)));
    let day = entry.business_date;
    let met = met.map(|rule| Met {
        of,
        membership: earner,
        rule: rule.code.clone(),
        actions: rule.then.clone(),
        day,
    });
    Ok(Some(met.collect()))
}

/// The catalog by which an entry was decided, and the membership that it names; `None` while one is not known.
fn known(
    books: &dyn Read,
    entry: &Entry,
    earner: MembershipId,
) -> Done<Option<(std::sync::Arc<Catalog>, Membership)>> {
    let (catalog, held) = (books.catalog(entry.catalog)?, books.membership(earner)?);
    Ok(catalog.zip(held.map(|row| row.value)))
}

/// Writes what a rule changes of a membership; answers whether it changed anything.
fn write(
    books: &mut dyn Write,
    (id, rule, of): (MembershipId, &Code, Dot),
    (actions, day): (&[Action], Day),
    now: Millis,
) -> Done<bool> {
    let Some(held) = books.membership(id)?.map(|row| row.value) else { return Ok(false) };
    if held.status == MembershipStatus::Terminated {
        return Ok(false);
    }
    let mut next = held.clone();
    let words: Vec<String> = actions.iter().filter_map(|action| action.apply(&mut next, day)).collect();
    if next == held {
        return Ok(false);
    }
    let catalog = catalog::latest(books)?;
    if let Some(program) = catalog.programs.get(&next.program) {
        levels::stand(books.as_read(), &catalog, program, &mut next, now.day(program.zone))?;
    }
    let note = format!("{rule}: {}", words.join("; "));
    let change = Change { action: "membership.rule", subject: id.to_string(), detail: note.clone() };
    let cause = Cause::Rule { rule: rule.clone(), of };
    let kind = EntryKind::Standing(Standing { membership: next, cause, note });
    changes::author(books, &Who::server(), kind, &change, now)?;
    Ok(true)
}
