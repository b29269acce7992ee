//! A quote as JSON.

use super::transaction::{priced_line, written};
use crate::api::transaction as tx;
use crate::catalog::Catalog;
use crate::decide::{Basket, RedeemItem, quote};
use crate::earning::Earned;
use crate::ids::MembershipId;
use crate::money::{self, CurrencyCode, Money};
use crate::points::Points;
use crate::voucher::USES;

/// A quote.
pub fn quote(
    quoted: &quote::Quote,
    basket: &Basket,
    membership: MembershipId,
    catalog: &Catalog,
) -> tx::Quote {
    let priced = (0..=u16::MAX).zip(&quoted.lines);
    let priced = priced
        .map(|(place, line)| priced_line(place, line, line.quantity, (&quoted.repriced, basket.currency)));
    let earned = quoted.earned.iter().flat_map(|earned| quoted_lines(earned, membership, catalog));
    tx::Quote {
        total: money::format(quoted.total, basket.currency),
        lines: priced.collect(),
        earned: earned.collect(),
        ways: quoted.ways.iter().map(|way| quoted_way(way, basket.currency, catalog)).collect(),
    }
}

fn quoted_lines(earned: &Earned, membership: MembershipId, catalog: &Catalog) -> Vec<tx::Earned> {
    let lines = earned.lines.iter().enumerate().filter(|(_, points)| !points.is_zero());
    let one = |(place, points): (usize, &Points)| {
        let (currency, points) = written(*points, earned.currency, catalog);
        tx::Earned {
            membership_id: membership.to_string(),
            currency,
            points,
            rule: Some(earned.rule.to_string()),
            description: earned.text.clone(),
            line: u16::try_from(place).ok(),
            expires_on: None,
            vests_on: None,
        }
    };
    lines.map(one).collect()
}

fn quoted_way(way: &quote::Way, currency: CurrencyCode, catalog: &Catalog) -> tx::QuoteWay {
    // a voucher is no points: what is earned beside it is told in the program's own
    let of_points = (way.account.currency != USES).then_some(way.account.currency);
    let counted = of_points.or_else(|| way.earned.first().map(|earned| earned.currency)).unwrap_or(USES);
    let same = way.earned.iter().filter(|earned| earned.currency == counted);
    let earned: Points = same.map(|earned| earned.points).sum();
    let (code, points) = written(way.points, way.account.currency, catalog);
    tx::QuoteWay {
        kind: match way.item {
            RedeemItem::Exchange { .. } => "exchange",
            RedeemItem::Reward { .. } => "reward",
            RedeemItem::Voucher(_) => "voucher",
            RedeemItem::Points { .. } | RedeemItem::Hold(_) => "points",
        }
        .to_owned(),
        redeem: redeem(&way.item, catalog),
        currency: code,
        points,
        value: Money { amount: way.value, currency }.into(),
        payable: money::format(way.payable, currency),
        earned: written(earned, counted, catalog).1,
        offline: way.offline,
        refusal: way.refusal.as_ref().map(|refusal| refusal.code().to_owned()),
        text: way.text.clone(),
    }
}

/// A way as a sale would ask for it.
fn redeem(item: &RedeemItem, catalog: &Catalog) -> tx::Redeem {
    let none = tx::Redeem::default();
    match item {
        RedeemItem::Points { currency, points } => {
            let (currency, points) = written(*points, *currency, catalog);
            tx::Redeem { currency: Some(currency), points: Some(points), ..none }
        }
        RedeemItem::Reward { reward, quantity } => tx::Redeem {
            reward: Some(reward.to_string()),
            quantity: Some(quantity.normalize().to_string()),
            ..none
        },
        RedeemItem::Voucher(voucher) => tx::Redeem { voucher: Some(voucher.clone()), ..none },
        RedeemItem::Hold(hold) => tx::Redeem { hold: Some(hold.to_string()), ..none },
        RedeemItem::Exchange { line, .. } => tx::Redeem { line: Some(*line), ..none },
    }
}
