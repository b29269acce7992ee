use super::super::approve::{Approving, Given};
use super::super::{Deed, Draft, Grounds, Moving, decide};
use super::stage::*;
use crate::catalog::Catalog;
use crate::entry::approval::Approval;
use crate::entry::{Authority, EntryKind, Redemption};
use crate::ids::{ApprovalId, Code};
use crate::points::Points;
use crate::refusal::Refusal;
use crate::view::Facts;

const ID: ApprovalId = ApprovalId(uuid::Uuid::from_u128(9));

fn dial(policy: serde_json::Value) -> Catalog {
    catalog_with("/programs/0/offline", policy)
}

fn capped() -> Catalog {
    dial(serde_json::json!({"mode": "trust", "per_redemption": "500"}))
}

fn approving(member: u128, points: i64) -> Deed {
    Deed::Approve(Approving {
        id: ID,
        operator: Code::new("m1").unwrap(),
        name: "Mei".into(),
        membership: id(member),
        currency: PTS,
        points: Points(points),
    })
}

/// What a manager gave, by the decision itself.
fn given(points: i64) -> Approval {
    let deed = approving(1, points);
    let draft = decide(&facts(5_430), &capped(), &command(Grounds::Offline, deed), now()).unwrap();
    assert!(draft.postings.is_empty());
    let EntryKind::Approval(approval) = draft.kind else { panic!("an approval") };
    approval
}

fn approved(balance: i64, points: i64) -> Facts {
    let mut facts = facts(balance);
    facts.approval = Some(Given { approval: given(points), used: false });
    facts
}

fn sell_by(facts: &Facts, catalog: &Catalog, redeem: &[i64]) -> Result<Draft, Refusal> {
    let mut sale = selling(vec![line("100", "10.00")], redeem);
    sale.approval = Some(ID);
    decide(facts, catalog, &command(Grounds::Offline, Deed::Sale(sale)), now())
}

fn redemptions(draft: &Draft) -> Vec<Redemption> {
    let EntryKind::Sale(sale) = &draft.kind else { panic!("a sale") };
    sale.redemptions.clone()
}

#[test]
fn a_redemption_above_the_cap_stands_on_the_approval_and_says_whose_it_was() {
    let facts = approved(5_430, 800);
    let draft = sell_by(&facts, &capped(), &[800]).unwrap();
    let redemption = &redemptions(&draft)[0];
    assert_eq!(redemption.authority, Authority::Forced);
    assert_eq!(redemption.approval, Some(given(800).lift()));
    assert_eq!(redemption.approval.as_ref().map(|lift| lift.by.as_str()), Some("Mei"));
}

#[test]
fn what_passes_by_itself_uses_no_approval_up() {
    let facts = approved(5_430, 800);
    let redemption = &redemptions(&sell_by(&facts, &capped(), &[500]).unwrap())[0];
    assert_eq!((redemption.authority, redemption.approval.as_ref()), (Authority::Offline, None));
}

#[test]
fn it_lifts_up_to_its_points_in_all_and_no_further() {
    let facts = approved(5_430, 800);
    let refusal = sell_by(&facts, &capped(), &[900]).unwrap_err();
    assert_eq!((refusal.code(), refusal.available.as_deref()), ("offline_limit_redemption", Some("800")));
    assert_eq!(refusal.detail, "Mei approved up to 800 points.");
    let policy = dial(serde_json::json!({"mode": "trust", "till_count": 0}));
    assert!(sell_by(&facts, &policy, &[500, 300]).is_ok());
    let refusal = sell_by(&facts, &policy, &[500, 400]).unwrap_err();
    assert_eq!(refusal.available.as_deref(), Some("300"));
}

#[test]
fn it_is_good_once_for_its_membership_and_for_some_minutes() {
    let mut facts = approved(5_430, 800);
    facts.approval.as_mut().unwrap().used = true;
    let refusal = sell_by(&facts, &capped(), &[800]).unwrap_err();
    assert_eq!((refusal.code(), refusal.field.as_deref()), ("invalid_transition", Some("approval")));

    let mut facts = approved(5_430, 800);
    facts.approval.as_mut().unwrap().approval.expires_at = now();
    assert_eq!(sell_by(&facts, &capped(), &[800]).unwrap_err().code(), "invalid_transition");
    assert_eq!(given(800).expires_at, now().after(5 * 60_000));

    let mut facts = approved(5_430, 800);
    facts.approval.as_mut().unwrap().approval.membership = id(2);
    assert_eq!(sell_by(&facts, &capped(), &[800]).unwrap_err().code(), "invalid_request");
    facts.approval = None;
    assert_eq!(sell_by(&facts, &capped(), &[800]).unwrap_err().code(), "invalid_request");
    assert_eq!(
        sell_by(&approved(5_430, 800), &capped(), &[]).unwrap_err().field.as_deref(),
        Some("approval")
    );
}

#[test]
fn no_manager_makes_points_out_of_nothing_or_lifts_head_offices_word() {
    let short = sell_by(&approved(700, 800), &capped(), &[800]).unwrap_err();
    assert_eq!((short.code(), short.can_approve), ("insufficient_points", None));
    let mut owing = approved(5_430, 800);
    owing.accounts.get_mut(&account(1)).unwrap().base.debt = Points(9_000);
    assert_eq!(sell_by(&owing, &capped(), &[800]).unwrap_err().code(), "account_overdrawn");
    let mut review = approved(5_430, 800);
    review.accounts.get_mut(&account(1)).unwrap().base.review = true;
    let refusal = sell_by(&review, &capped(), &[800]).unwrap_err();
    assert_eq!((refusal.code(), refusal.can_approve), ("offline_refused", Some(false)));
    for policy in [
        serde_json::json!({"mode": "refuse"}),
        serde_json::json!({"mode": "trust", "deny_labels": ["staff"]}),
    ] {
        let mut facts = approved(5_430, 800);
        facts.members[0].membership.labels = vec!["staff".into()];
        let refusal = sell_by(&facts, &dial(policy), &[800]).unwrap_err();
        assert_eq!((refusal.code(), refusal.can_approve), ("offline_refused", Some(false)));
    }
    let mut clock = approved(5_430, 800);
    clock.clock_untrusted = true;
    let refusal = sell_by(&clock, &capped(), &[800]).unwrap_err();
    assert_eq!((refusal.code(), refusal.can_approve), ("clock_untrusted", Some(false)));
    let level = dial(serde_json::json!({"mode": "trust", "levels": ["member"]}));
    assert!(sell_by(&approved(5_430, 800), &level, &[800]).is_ok());
}

#[test]
fn points_outside_a_sale_stand_on_one_too_and_points_given_do_not() {
    let moving = Moving {
        membership: id(1),
        currency: PTS,
        points: Points(800),
        reason: "a gift".into(),
        reference: None,
        approval: Some(ID),
    };
    let facts = approved(5_430, 800);
    let deed = Deed::RedeemPoints(moving.clone());
    let draft = decide(&facts, &capped(), &command(Grounds::Offline, deed), now()).unwrap();
    let EntryKind::Redeem(_, redemption) = &draft.kind else { panic!("a redemption") };
    assert_eq!(redemption.authority, Authority::Forced);
    let refusal =
        decide(&facts, &capped(), &command(Grounds::Offline, Deed::EarnPoints(moving)), now()).unwrap_err();
    assert_eq!(refusal.field.as_deref(), Some("approval"));
    let unknown = decide(&facts, &capped(), &command(Grounds::Offline, approving(7, 800)), now());
    assert!(unknown.is_err());
}
