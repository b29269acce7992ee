//! Points earned, redeemed or adjusted outside a sale.
