//! Goods given back with no receipt.

use super::{Asked, basket, by_member, money_code, optional_text, parsed, text};
use crate::api::transaction as body;
use crate::catalog::Catalog;
use crate::decide::{Deed, Selling};
use crate::member::IndexKey;
use crate::refusal::Refusal;
use crate::time::Day;

/// Whether a return names no sale.
pub fn is(request: &body::BlindRefundRequest) -> bool {
    request.original.is_none()
}

/// A return that names no sale: goods, and whose they are.
///
/// # Errors
/// `invalid_request` or `invalid_amount`, naming the field.
pub fn refund(
    request: &body::BlindRefundRequest,
    catalog: &Catalog,
    index: &IndexKey,
) -> Result<Asked, Refusal> {
    if !request.lines.is_empty() {
        let detail =
            "With no `original` there is no line of it; the goods are told in `goods`, each with its price.";
        return Err(Refusal::field("lines", detail));
    }
    let code = request.currency.as_deref();
    let code = code.ok_or_else(|| Refusal::field("currency", "Goods have a price, in a currency."))?;
    let goods = basket(money_code(code)?, &request.goods).map_err(|refusal| {
        let field = refusal.field.as_ref().map(|field| field.replacen("lines", "goods", 1));
        Refusal { field, ..refusal }
    })?;
    let selling = Selling {
        receipt: text(&request.receipt, "receipt")?,
        channel: None,
        basket: goods,
        by: by_member(request.card.as_ref(), request.membership_id.as_ref(), (catalog, index))?,
        also: crate::decide::party::Also::default(),
        earn_membership: None,
        redeem_membership: None,
        redeem: Vec::new(),
        approval: None,
    };
    let reason = optional_text(request.reason.as_ref(), "reason")?;
    Ok(Asked {
        deed: Deed::Unlinked(Box::new(selling), reason),
        business_date: parsed(request.business_date.as_ref(), "business_date", Day::parse)?,
        occurred_at: None,
        cashier: optional_text(request.cashier.as_ref(), "cashier")?,
    })
}
