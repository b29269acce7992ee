//! A card as a QR code that the server signed: a till that has never seen the card knows that it is one of the operator's, and
//! whose it is.

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::ids::MembershipId;
use crate::refusal::{Problem, Refusal};
use crate::wire::code::Format;

/// Its code.
const SIGNED: Format = Format { prefix: "TKC1.", domain: b"tillkeep card 1" };

/// What a signed card says. It is good for as long as the card is: a till that knows that the card was reported or replaced
/// blocks it, whatever is scanned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignedCard {
    /// The card's own code, as it would be scanned otherwise.
    pub code: String,
    /// The membership that it opened when it was signed.
    pub membership: MembershipId,
}

impl SignedCard {
    /// Whether a text is meant to be a signed card's: no card bears such a number.
    pub fn is(text: &str) -> bool {
        SIGNED.is(text)
    }

    /// The text of its QR code.
    pub fn signed(&self, key: &SigningKey) -> String {
        SIGNED.signed(key, self)
    }

    /// What a scanned text says, if it is a signed card; `None` for any other code.
    ///
    /// # Errors
    /// `invalid_card`, where it is meant to be one and this operator's server did not sign it so.
    pub fn read(text: &str, server: &[u8; 32]) -> Result<Option<Self>, Refusal> {
        if !SIGNED.is(text) {
            return Ok(None);
        }
        let refusal = || {
            let detail =
                "This code was not signed by this operator, or was not read whole; scan the card's number.";
            Refusal::new(Problem::InvalidCard, detail).at("card")
        };
        SIGNED.read(text, server).map(Some).ok_or_else(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::voucher::Voucher;

    #[test]
    fn a_signed_card_is_read_as_it_was_signed_and_with_its_operators_key_only() {
        let (own, other) = (SigningKey::from_bytes(&[7; 32]), SigningKey::from_bytes(&[8; 32]));
        let card = SignedCard {
            code: "6009410000012345".into(),
            membership: MembershipId(uuid::Uuid::from_u128(9)),
        };
        let text = card.signed(&own);
        let server = own.verifying_key().to_bytes();
        assert!(
            text.len() < 250 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'),
            "{text}"
        );
        assert_eq!(SignedCard::read(&format!(" {text}\n"), &server).unwrap(), Some(card.clone()));
        assert_eq!(SignedCard::read("6009410000012345", &server).unwrap(), None);
        for forged in
            [card.signed(&other), text.replacen("TKC1.", "TKC1.A", 1), text[..80].to_owned(), "TKC1.".into()]
        {
            let refused = SignedCard::read(&forged, &server).unwrap_err();
            assert_eq!(
                (refused.code(), refused.field.as_deref()),
                ("invalid_card", Some("card")),
                "{forged}"
            );
        }
        // a voucher's signature is no card's
        let as_voucher = text.replacen("TKC1.", "TKV1.", 1);
        assert_eq!(Voucher::of_signed(&as_voucher, &server), None);
    }
}
