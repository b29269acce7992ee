use std::collections::BTreeMap;

use super::stage::*;
use crate::catalog::Catalog;
use crate::points::Points;
use crate::refusal::Refusal;
use crate::view::Facts;

fn policy(policy: serde_json::Value) -> Catalog {
    catalog_with("/programs/0/offline", policy)
}

fn refused(facts: &Facts, catalog: &Catalog, redeem: &[i64]) -> Refusal {
    sell(facts, catalog, vec![line("100", "10.00")], redeem).unwrap_err()
}

#[test]
fn each_cap_refuses_what_is_above_it_and_says_what_would_do() {
    let cases = [
        (serde_json::json!({"mode": "refuse"}), "offline_refused", Some("0"), "0"),
        (serde_json::json!({"mode": "trust", "levels": ["member"]}), "offline_refused", Some("0"), "0"),
        (serde_json::json!({"mode": "trust", "deny_labels": ["staff"]}), "offline_refused", Some("0"), "0"),
        (serde_json::json!({"mode": "trust", "balance_age_hours": 2}), "balance_too_old", Some("2"), "0"),
        (
            serde_json::json!({"mode": "trust", "per_redemption": "500"}),
            "offline_limit_redemption",
            Some("500"),
            "500",
        ),
        // half of 5,430 is 2,715, in steps of 100
        (
            serde_json::json!({"mode": "trust", "balance_share": "0.5"}),
            "offline_limit_redemption",
            Some("2715"),
            "2700",
        ),
        (
            serde_json::json!({"mode": "trust", "per_member": "1000"}),
            "offline_limit_member",
            Some("1000"),
            "600",
        ),
        (
            serde_json::json!({"mode": "trust", "till_points": "2000"}),
            "offline_limit_till",
            Some("2000"),
            "800",
        ),
        (serde_json::json!({"mode": "trust", "till_count": 3}), "offline_limit_till", Some("3"), "0"),
    ];
    for (dial, code, limit, available) in cases {
        // not past a program that trusts no till, nor past head office's word on the member
        let lifted = !["refuse", "deny_labels"].iter().any(|word| dial.to_string().contains(word));
        let mut facts = facts(5430);
        facts.members[0].membership.labels = vec!["staff".into()];
        let view = facts.accounts.get_mut(&account(1)).unwrap();
        view.base_as_of = now().before(3 * 3_600_000);
        facts.offline.member = BTreeMap::from([(account(1), Points(400))]);
        facts.offline.till = BTreeMap::from([(PTS, Points(1200))]);
        facts.offline.till_count = 3;
        let refusal = refused(&facts, &policy(dial.clone()), &[3000]);
        assert_eq!((refusal.code(), refusal.limit.as_deref()), (code, limit), "{dial}");
        assert_eq!(
            (refusal.available.as_deref(), refusal.can_approve),
            (Some(available), Some(lifted)),
            "{dial}"
        );
    }
}

#[test]
fn up_to_the_cap_it_passes() {
    let dial = policy(
        serde_json::json!({"mode": "trust", "per_redemption": "500", "per_member": "500", "till_count": 2}),
    );
    assert!(sell(&facts(5430), &dial, vec![line("1", "10.00")], &[500]).is_ok());
    assert!(sell(&facts(5430), &dial, vec![line("1", "10.00")], &[300, 200]).is_ok());
    assert_eq!(refused(&facts(5430), &dial, &[300, 300]).code(), "offline_limit_redemption");
    assert_eq!(refused(&facts(5430), &dial, &[100, 100, 100]).code(), "offline_limit_till");
}

#[test]
fn a_clock_out_of_bounds_and_a_case_under_review_redeem_online_only() {
    let mut facts = facts(5430);
    facts.clock_untrusted = true;
    assert_eq!(refused(&facts, &catalog(), &[500]).code(), "clock_untrusted");
    facts.accounts.get_mut(&account(1)).unwrap().base.review = true;
    assert_eq!(refused(&facts, &catalog(), &[500]).code(), "offline_refused");
}

#[test]
fn what_is_asked_of_the_balance_comes_before_the_dial() {
    let refuse = policy(serde_json::json!({"mode": "refuse"}));
    assert_eq!(refused(&facts(400), &refuse, &[500]).code(), "insufficient_points");
    assert_eq!(refused(&facts(400), &refuse, &[400]).code(), "offline_refused");
}
