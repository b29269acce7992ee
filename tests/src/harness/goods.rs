//! The catalog that most tests use, and baskets. Its figures are few, so that a test can be worked out by hand:
//! 1 point per whole ringgit paid; a point is worth 0.01; redeem in hundreds; with no line at most 500 at once and
//! 500 of one member in a day; a member owes at most 300 of a shortfall, the rest is the program's.

use serde_json::{Value, json};

/// The program's code.
pub const PROGRAM: &str = "standard-rewards";
/// The outlet of most tests.
pub const KL: &str = "kl-central";
/// Another outlet.
pub const PENANG: &str = "penang";

/// The whole catalog, as `PUT /api/catalog` takes it.
pub fn catalog() -> Value {
    json!({
        "outlets": [outlet(KL, "UrbanWear KL Central"), outlet(PENANG, "UrbanWear Penang")],
        "currencies": [{
            "code": "PTS", "name": "Points", "kind": "redeemable", "scale": 0,
            "cash_value": {"amount": "0.01", "currency": "MYR"}, "expiry": null
        }],
        "programs": [program()],
        "earning_rules": [rule()]
    })
}

/// An outlet.
pub fn outlet(code: &str, name: &str) -> Value {
    json!({"code": code, "name": name, "time_zone": "Asia/Kuala_Lumpur", "currency": "MYR", "business": null})
}

/// The program.
pub fn program() -> Value {
    json!({
        "code": PROGRAM, "name": "Standard Rewards", "color": "#0b6e4f", "time_zone": "Asia/Kuala_Lumpur",
        "outlets": "all", "style": "points_accrued", "window": {"months": 12}, "currencies": ["PTS"],
        "levels": [
            {"code": "member", "name": "Member", "threshold": "0", "multiplier": "1"},
            {"code": "gold", "name": "Gold", "threshold": "10000", "multiplier": "2"}
        ],
        "redemption": {"minimum": "100", "step": "100", "maximum_share": "1"},
        "offline": {
            "mode": "trust", "per_redemption": "500", "per_member": "500", "per_member_hours": 24,
            "till_points": "20000", "till_count": 200, "balance_age_hours": 72, "balance_share": "1",
            "levels": "all", "deny_labels": []
        },
        "overdraft": {
            "offline": [{"member_debt": "300"}, "program"], "late": [{"member_debt": "300"}, "outlet"],
            "forced": ["outlet"], "review_over": null, "longest_wait_hours": 72
        }
    })
}

/// The earning rule.
pub fn rule() -> Value {
    json!({
        "code": "base", "program": PROGRAM, "currency": "PTS", "points": "1",
        "per": {"amount": "1.00", "currency": "MYR"}, "basis": "paid", "rounding": "floor_basket", "multiplied": true
    })
}

/// A line of a basket.
pub fn line(quantity: &str, unit_price: &str) -> Value {
    json!({"sku": format!("sku-{unit_price}"), "quantity": quantity, "unit_price": unit_price})
}

/// A sale on a card.
pub fn sale(receipt: &str, card: &str, lines: &[Value]) -> Value {
    json!({"receipt": receipt, "card": card, "currency": "MYR", "lines": lines})
}

/// A sale on a card that redeems points.
pub fn redeeming(mut sale: Value, points: i64) -> Value {
    sale["redeem"] = json!([{"currency": "PTS", "points": points.to_string()}]);
    sale
}

/// The n-th made-up card code.
pub fn numbered(number: u32) -> String {
    format!("60094100{number:08}")
}
