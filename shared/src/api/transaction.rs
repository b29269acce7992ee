//! Sales, returns, voids, points outside a sale: requests, and the one answer that they share.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Money;

/// `POST /api/transactions`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaleRequest {
    /// The receipt's number.
    pub receipt: String,
    /// Who sold.
    #[serde(default)]
    pub cashier: Option<String>,
    /// When, RFC 3339.
    #[serde(default)]
    pub occurred_at: Option<String>,
    /// The day it belongs to.
    #[serde(default)]
    pub business_date: Option<String>,
    /// `pos`, `web` …
    #[serde(default)]
    pub channel: Option<String>,
    /// Names the membership for both sides.
    #[serde(default)]
    pub card: Option<String>,
    /// Names the membership for both sides.
    #[serde(default)]
    pub membership_id: Option<String>,
    /// A customer without a membership.
    #[serde(default)]
    pub customer_id: Option<String>,
    /// Who earns, instead.
    #[serde(default)]
    pub earn_membership_id: Option<String>,
    /// Who redeems, instead.
    #[serde(default)]
    pub redeem_membership_id: Option<String>,
    /// ISO 4217 code of every amount.
    pub currency: String,
    /// The lines.
    pub lines: Vec<Line>,
    /// What is redeemed.
    #[serde(default)]
    pub redeem: Vec<Redeem>,
    /// An approval that `/api/approvals` gave.
    #[serde(default)]
    pub approval: Option<String>,
}

/// A line of a sale; amounts and quantity are decimal strings.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The article.
    pub sku: String,
    /// Its category.
    #[serde(default)]
    pub category: Option<String>,
    /// Its brand.
    #[serde(default)]
    pub brand: Option<String>,
    /// Who sells it.
    #[serde(default)]
    pub seller: Option<String>,
    /// How many; `"1"` where left out.
    #[serde(default)]
    pub quantity: Option<String>,
    /// The price of one, tax included.
    pub unit_price: String,
    /// Taken off the whole line.
    #[serde(default)]
    pub discount: Option<String>,
    /// Tax contained in the whole line.
    #[serde(default)]
    pub tax: Option<String>,
}

/// One thing to redeem: exactly one of `points` (with `currency`), `reward`, `voucher`, `hold`, `line`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    /// The points currency's code.
    #[serde(default)]
    pub currency: Option<String>,
    /// So many points.
    #[serde(default)]
    pub points: Option<String>,
    /// A reward's code.
    #[serde(default)]
    pub reward: Option<String>,
    /// How many of the reward, or of the line's things.
    #[serde(default)]
    pub quantity: Option<String>,
    /// A voucher's number or its signed code.
    #[serde(default)]
    pub voucher: Option<String>,
    /// A hold's id.
    #[serde(default)]
    pub hold: Option<String>,
    /// A line of the basket, from 0: its things are exchanged for points, at the price that a pricebook has for them.
    #[serde(default)]
    pub line: Option<u16>,
}

/// A transaction, whatever its kind. In a return `earned` and `redeemed` are below zero; in a transfer `earned` is below
/// zero for who gives.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Transaction {
    /// `"<node>-<seq>"`.
    pub id: String,
    /// `sale`, `refund`, `void`, `earn`, `redeem`, `adjust`, `transfer`, `convert`.
    pub kind: String,
    /// The receipt's number.
    pub receipt: Option<String>,
    /// Whether it is a return that names no sale.
    pub unlinked: bool,
    /// `waiting`, `provisional`, `confirmed` or `voided`.
    pub state: String,
    /// The transaction that it repeats: one key came to two tills, and everything counts there and nothing here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<String>,
    /// What each line costs.
    pub lines: Vec<PricedLine>,
    /// Σ of the lines.
    pub total: Option<String>,
    /// What is left to pay with money.
    pub payable: Option<String>,
    /// The money's ISO 4217 code.
    pub money: Option<String>,
    /// Points earned, by rule and line.
    pub earned: Vec<Earned>,
    /// Points redeemed.
    pub redeemed: Vec<Redeemed>,
    /// Vouchers that it gave.
    pub vouchers: Vec<Voucher>,
    /// What rules do beside giving points, once the server has the sale.
    pub follows: Vec<Follows>,
    /// What the accounts hold now.
    pub balances: Vec<Balance>,
    /// Who lifted a limit.
    pub approved_by: Option<String>,
    /// The receipt's verification code.
    pub verification: String,
    /// When, by the node's clock.
    pub at: String,
    /// The day it belongs to.
    pub business_date: String,
    /// As of when the balances are.
    pub as_of: Option<String>,
}

/// What a rule does beside giving points.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Follows {
    /// `voucher`, `level` or `message`.
    pub kind: String,
    /// The rule.
    pub rule: String,
    /// In plain words, such as `A voucher follows: 10 ringgit off`.
    pub text: String,
    /// The voucher's id, the same before and after it is there.
    pub voucher_id: Option<String>,
}

/// A voucher.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Voucher {
    /// Its id.
    pub id: String,
    /// Its number: what is typed where its member is known.
    pub number: String,
    /// Its signed code, for a QR: what any till takes, with or without a line. The server's answers only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// Its version, which every use changes. The server's answers about a voucher only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<u64>,
    /// Whose it is.
    pub membership_id: String,
    /// The reward that it was given by.
    pub reward: String,
    /// Its name.
    pub name: String,
    /// What it takes off, in plain words.
    pub text: String,
    /// How often it was good for.
    pub uses: u32,
    /// How often it still is; `null` where that is not known here.
    pub left: Option<String>,
    /// Its first day.
    pub from: String,
    /// Its last day.
    pub until: String,
}

/// A line's price.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PricedLine {
    /// Its place, from 0.
    pub line: u16,
    /// The article. This and the money are left out in a return whose sale is not known here.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sku: String,
    /// How many; in a return, how many came back.
    pub quantity: String,
    /// The price of one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit_price: String,
    /// Taken off the whole line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub discount: String,
    /// Where another price came from, such as `pricebook:members`; several are set apart by a comma.
    pub source: Option<String>,
}

/// Points earned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Earned {
    /// Whose.
    pub membership_id: String,
    /// The currency's code.
    pub currency: String,
    /// So many.
    pub points: String,
    /// By which rule.
    pub rule: Option<String>,
    /// In plain words, such as `Gold (x2)`.
    pub description: String,
    /// For which line; `null` outside a sale.
    pub line: Option<u16>,
    /// Last day on which they can be spent.
    pub expires_on: Option<String>,
    /// First day on which they can be spent.
    pub vests_on: Option<String>,
}

/// Points redeemed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Redeemed {
    /// Whose.
    pub membership_id: String,
    /// The currency's code.
    pub currency: String,
    /// So many.
    pub points: String,
    /// On what grounds; nothing in a return whose sale is not known here.
    pub authority: Option<String>,
    /// What they are worth.
    pub value: Option<Money>,
    /// The pricebook or reward, if it was one.
    pub reward: Option<String>,
}

/// What an account holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Balance {
    /// Whose.
    pub membership_id: String,
    /// The currency's code.
    pub currency: String,
    /// What there is.
    pub balance: String,
    /// What is owed.
    pub debt: String,
}

/// `POST /api/transactions/{id}/refund`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    /// The return's own number.
    pub receipt: String,
    /// Line and quantity.
    pub lines: Vec<RefundLine>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// Who took it back.
    #[serde(default)]
    pub cashier: Option<String>,
    /// The day it belongs to.
    #[serde(default)]
    pub business_date: Option<String>,
}

/// So many of a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundLine {
    /// The sale's line, from 0.
    pub line: u16,
    /// How many; all that is left of it where left out.
    #[serde(default)]
    pub quantity: Option<String>,
}

/// `POST /api/refunds`: a return by the receipt of a sale that may not be known here; or with no receipt, where `goods`
/// stand in place of `original` and `lines`, and a card or a membership says whose points are taken back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlindRefundRequest {
    /// The sale; left out, nobody knows which.
    #[serde(default)]
    pub original: Option<Original>,
    /// The return's own number.
    pub receipt: String,
    /// Line and quantity of the sale.
    #[serde(default)]
    pub lines: Vec<RefundLine>,
    /// With no sale: the goods, at the prices that are paid back.
    #[serde(default)]
    pub goods: Vec<Line>,
    /// With no sale: ISO 4217 code of the goods' prices.
    #[serde(default)]
    pub currency: Option<String>,
    /// With no sale: whose they are.
    #[serde(default)]
    pub card: Option<String>,
    /// With no sale: whose they are.
    #[serde(default)]
    pub membership_id: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// Who took it back.
    #[serde(default)]
    pub cashier: Option<String>,
    /// The day it belongs to.
    #[serde(default)]
    pub business_date: Option<String>,
}

/// A sale, as its receipt names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Original {
    /// The receipt's number.
    pub receipt: String,
    /// The outlet's code; this outlet where left out.
    #[serde(default)]
    pub outlet: Option<String>,
    /// Its business date.
    #[serde(default)]
    pub business_date: Option<String>,
}

/// `POST /api/transactions/{id}/void`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VoidRequest {
    /// The void's own number, where the POS gives one.
    pub receipt: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub cashier: Option<String>,
}

/// `POST /api/memberships/{id}/earn-points` and `/redeem-points`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsRequest {
    /// The points currency's code.
    #[serde(default)]
    pub currency: Option<String>,
    /// So many.
    #[serde(default)]
    pub points: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// What it refers to elsewhere. It is no key: several may refer to the same, and only `Idempotency-Key` tells a repeat.
    #[serde(default)]
    pub reference: Option<String>,
    /// An activity, instead of points.
    #[serde(default)]
    pub activity: Option<String>,
    /// A reward to buy, instead of points.
    #[serde(default)]
    pub reward: Option<String>,
    /// How many of the activity or reward.
    #[serde(default)]
    pub quantity: Option<String>,
    /// An approval that `/api/approvals` gave; to redeem.
    #[serde(default)]
    pub approval: Option<String>,
    /// The day it belongs to, such as `2026-11-21`; left out, today.
    #[serde(default)]
    pub business_date: Option<String>,
    /// Who.
    #[serde(default)]
    pub cashier: Option<String>,
}

/// `POST /api/memberships/{id}/quote`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuoteRequest {
    /// ISO 4217 code of every amount.
    pub currency: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// What a basket would earn, and every way to redeem.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Quote {
    /// Σ of the lines.
    pub total: String,
    /// The member's prices.
    pub lines: Vec<PricedLine>,
    /// What it would earn without redeeming.
    pub earned: Vec<Earned>,
    /// Ways to redeem, best first.
    pub ways: Vec<QuoteWay>,
}

/// One way to redeem.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct QuoteWay {
    /// `points`, `exchange`, `reward` or `voucher`.
    pub kind: String,
    /// What the sale's `redeem` says for it.
    pub redeem: Redeem,
    /// The points currency's code.
    pub currency: String,
    /// So many points.
    pub points: String,
    /// What they take off.
    pub value: Money,
    /// What is left to pay.
    pub payable: String,
    /// What the sale would earn then.
    pub earned: String,
    /// Whether it needs the server, or would pass here with no line.
    pub offline: bool,
    /// Why not, as a problem code.
    pub refusal: Option<String>,
    /// In plain words.
    pub text: String,
}

/// `POST /api/vouchers`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoucherRequest {
    /// Whose it is to be.
    pub membership_id: String,
    /// A reward of its program that gives vouchers.
    pub reward: String,
    /// Its last day; the reward says it where left out.
    #[serde(default)]
    pub until: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `PATCH /api/vouchers/{id}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoucherChange {
    /// The version that it was read as; where it is left out, it is not checked.
    #[serde(default)]
    pub version: Option<u64>,
    /// `cancelled`.
    pub status: String,
    /// Why.
    pub reason: String,
}

/// A line of a partner's statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PartnerLine {
    /// The transaction.
    pub transaction_id: String,
    /// Its business date.
    pub date: String,
    /// Whose points.
    pub membership_id: String,
    /// By which reward.
    pub reward: String,
    /// How many of it.
    pub quantity: u32,
    /// The points' currency.
    pub currency: String,
    /// So many points; below zero where it was undone.
    pub points: String,
    /// So many of the partner's units.
    pub units: String,
    /// What they are called.
    pub unit: String,
}
