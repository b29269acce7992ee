//! Sentences that a manager would say, from what the core records.

use shared::books::{Case, CaseKind, ParkedWhy, Side};
use shared::catalog::Catalog;
use shared::ids::CurrencyId;
use shared::points::Points;
use shared::render;
use shared::voucher::USES;

/// Points with their currency's code.
pub fn points(catalog: &Catalog, currency: CurrencyId, points: Points) -> String {
    match catalog.currencies.get(&currency) {
        Some(currency) => format!("{} {}", points.format(currency.scale), currency.code),
        None if currency == USES && points == Points(1) => "1 use of a voucher".to_owned(),
        None if currency == USES => format!("{} uses of a voucher", points.0),
        None => format!("{} (currency {})", points.0, currency.0),
    }
}

/// A case.
pub fn case(catalog: &Catalog, case: &Case) -> String {
    match &case.kind {
        CaseKind::Overdraft { authority, amount, covered, short, .. } => {
            let say = |amount: Points| match case.account {
                Some(account) => points(catalog, account.currency, amount),
                None => amount.0.to_string(),
            };
            let bearers = [
                (short.member_debt, format!("the member owes {}", say(short.member_debt))),
                (short.outlet, format!("the outlet bears {}", say(short.outlet))),
                (short.program, format!("the program bears {}", say(short.program))),
            ];
            let borne = bearers.into_iter().filter(|(points, _)| points.is_positive());
            let borne: Vec<String> = borne.map(|(_, told)| told).collect();
            format!(
                "{} were redeemed ({}), {} were there; {}.",
                say(*amount),
                render::authority(*authority),
                say(*covered),
                borne.join(", ")
            )
        }
        CaseKind::OverReturn { sale } => {
            format!(
                "More of sale {sale} was given back than was sold; return {} counts only what was left.",
                case.of
            )
        }
        CaseKind::Conflict { first } => {
            format!(
                "{} came under the same key as {first} with another body; it counts for nothing.",
                case.of
            )
        }
        CaseKind::Difference { currency, till, server, is_return: true } => format!(
            "For return {} the till counted {}; by what was left of its lines it is {}, and that was posted.",
            case.of,
            points(catalog, *currency, *till),
            points(catalog, *currency, *server)
        ),
        CaseKind::Difference { currency, till, server, .. } => format!(
            "The till gave {}; by its own catalog it should have been {}.",
            points(catalog, *currency, *till),
            points(catalog, *currency, *server)
        ),
        CaseKind::VoucherUsed { uses } => format!(
            "{} was undone, and its points came back, after the voucher that it bought had been used: {} was had for \
             nothing.",
            case.of,
            points(catalog, USES, *uses)
        ),
        CaseKind::CardTaken { tail, .. } => {
            format!("Enrolment {} gave card …{tail}, which is another member's; that one keeps it.", case.of)
        }
    }
}

/// The kind of a case.
pub fn case_kind(kind: &CaseKind) -> &'static str {
    match kind {
        CaseKind::Overdraft { .. } => "overdraft",
        CaseKind::OverReturn { .. } => "returned_twice",
        CaseKind::Conflict { .. } => "conflict",
        CaseKind::Difference { .. } => "difference",
        CaseKind::CardTaken { .. } => "card_taken",
        CaseKind::VoucherUsed { .. } => "voucher_used",
    }
}

/// Why an entry is parked.
pub fn parked(why: &ParkedWhy) -> String {
    match why {
        ParkedWhy::Undecodable(text) => format!("It cannot be read: {text}."),
        ParkedWhy::UnknownCatalog(hash) => format!("Its catalog {} is not known here.", &hash.0.hex()[..12]),
        ParkedWhy::UnknownMembership(id) => format!("Membership {id} is not known here."),
        ParkedWhy::NoOriginal => "The sale that it gives back is not here yet.".to_owned(),
        ParkedWhy::Revoked => {
            "It brings points, and came after its till was revoked. Trying it again accepts it.".to_owned()
        }
        ParkedWhy::RevokedPart => {
            "It came after its till was revoked. What it took counts; what it brings waits. Trying it again accepts it."
                .to_owned()
        }
        ParkedWhy::Malformed(text) => format!("It contradicts itself: {text}."),
    }
}

/// A side of the ledger.
pub fn side(side: Side) -> &'static str {
    match side {
        Side::Member => "member",
        Side::Suspense => "suspense",
        Side::Debt => "debt",
        Side::Outlet => "outlet",
        Side::Program => "program",
        Side::InTransit => "in_transit",
    }
}
