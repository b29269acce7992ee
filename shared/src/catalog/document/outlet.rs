//! Shops.

use serde::{Deserialize, Serialize};

use crate::ids::Code;
use crate::money::CurrencyCode;

/// A shop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outlet {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: String,
    /// An IANA time zone such as `Asia/Kuala_Lumpur`.
    pub time_zone: String,
    /// The money it sells in.
    pub currency: CurrencyCode,
    /// The group of outlets that it belongs to.
    #[serde(default)]
    pub business: Option<Code>,
    /// The catalog version that last changed it; the server's.
    #[serde(default)]
    pub version: Option<u64>,
}
