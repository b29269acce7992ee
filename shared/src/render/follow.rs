//! What the rules that a sale met do beside giving points: the server does it, and a till tells beforehand.

use rust_decimal::Decimal;

use crate::api::transaction::Follows;
use crate::catalog::action::Action;
use crate::catalog::earning::EarningRule;
use crate::catalog::{Catalog, Program};
use crate::earning::{self, Issuer};
use crate::entry::membership::Attribute;
use crate::entry::{Entry, EntryKind, Sale};
use crate::ids::{Code, Hash};
use crate::member::{Membership, MembershipStatus};
use crate::voucher::VoucherId;

/// Who earns by a sale, as it came to be.
#[derive(Clone, Copy, Debug)]
pub struct Earner<'a> {
    /// The membership as it is now.
    pub membership: &'a Membership,
    /// What made the sale its own later: the level and the rules that held are this one's to say, not the sale's.
    pub attributed: Option<&'a Attribute>,
}

/// The rules with actions that a sale meets without what came back of it (`back`: so many of each line), in the order
/// written. A membership that does not earn meets none.
pub fn met<'a>(
    entry: &Entry,
    sale: &Sale,
    earner: Earner<'_>,
    catalog: &'a Catalog,
    back: &[Decimal],
) -> Vec<&'a EarningRule> {
    let membership = earner.membership;
    let Some(program) = catalog.programs.get(&membership.program) else { return Vec::new() };
    let day = entry.business_date;
    if !program.rules.act()
        || program.retired
        || membership.standing(&program.term, day) != MembershipStatus::Active
    {
        return Vec::new();
    }
    let place = Issuer { catalog, outlet: entry.actor.outlet(), day };
    let mut kept = sale.without(back);
    if let Some(attributed) = earner.attributed {
        kept.held.clone_from(&attributed.held);
    }
    let level = earner.attributed.map(|attributed| &attributed.level).or(sale.level.as_ref());
    earning::acting(program, level.unwrap_or(&membership.level), &place, &kept)
}

/// What follows of a sale for its member. `hash` is the chain's after it.
pub fn of(
    (entry, hash): (&Entry, Hash),
    earner: Earner<'_>,
    catalog: &Catalog,
    back: &[Decimal],
) -> Vec<Follows> {
    let EntryKind::Sale(sale) = &entry.kind else { return Vec::new() };
    let Some(program) = catalog.programs.get(&earner.membership.program) else { return Vec::new() };
    let mut follows = Vec::new();
    for rule in met(entry, sale, earner, catalog, back) {
        let told = |(place, action)| told((hash, &rule.code, place), action, earner.membership, program);
        follows.extend(rule.then.iter().enumerate().filter_map(told));
    }
    follows
}

fn told(
    (hash, rule, place): (Hash, &Code, usize),
    action: &Action,
    membership: &Membership,
    program: &Program,
) -> Option<Follows> {
    let (kind, text, voucher) = match action {
        Action::Voucher(reward) => {
            let id = VoucherId::by_rule(hash, rule, place);
            let name = program.rewards.iter().find(|known| known.code == *reward);
            let name = name.map_or(reward.as_str(), |known| known.name.as_str());
            let text = match membership.vouchers.iter().find(|known| known.id == id) {
                Some(voucher) => format!("Voucher {}: {name}", voucher.number()),
                None => format!("A voucher follows: {name}"),
            };
            ("voucher", text, Some(id))
        }
        Action::Level { level, .. } => {
            let all = program.tiers.iter().flat_map(|tier| &tier.levels);
            let name = all.into_iter().find(|known| known.code == *level);
            let name = name.map_or(level.as_str(), |known| known.name.as_str());
            let has = membership.held.iter().any(|held| held.level == *level);
            let text = if has { format!("Level {name}") } else { format!("The level {name} follows") };
            ("level", text, None)
        }
        Action::Notify(_) => ("message", "The member is sent a message".to_owned(), None),
        Action::Label { .. } | Action::Attribute(..) | Action::Webhook { .. } => return None,
    };
    Some(Follows {
        kind: kind.to_owned(),
        rule: rule.to_string(),
        text,
        voucher_id: voucher.map(|id| id.to_string()),
    })
}
