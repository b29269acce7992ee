//! Why a command is refused: an ordered, coded list, and what helps a cashier to go on.
//!
//! The order of [`Problem`] is the order in which refusals of a redemption are given: of several that apply, the first.

use crate::ids::{Code, CustomerId, MembershipId};

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = ($code:literal, $status:literal, $title:literal),)*) => {
        /// A stable problem code. Ordered: what is wrong with the request, then with its place, then the refusals of a
        /// redemption.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Problem {
            $($(#[$doc])* $name,)*
        }

        impl Problem {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code on the wire, such as `unknown_card`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// A title for people, the same for every refusal of this code.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

problems! {
    /// A field is missing, too long, or makes no sense.
    InvalidRequest = ("invalid_request", 400, "The request is not valid"),
    /// What is named does not exist.
    NotFound = ("not_found", 404, "Not found"),
    /// A well-formed card that is not known here.
    UnknownCard = ("unknown_card", 404, "The card is not known here"),
    /// The PIN is not the operator's, or there is no such operator.
    PinWrong = ("pin_wrong", 403, "The PIN is wrong"),
    /// The request is larger than an entry can hold.
    PayloadTooLarge = ("payload_too_large", 413, "Too large"),
    /// The same key came with another body.
    IdempotencyConflict = ("idempotency_conflict", 409, "The key was used for something else"),
    /// A stale version was sent back.
    VersionConflict = ("version_conflict", 409, "It was changed meanwhile"),
    /// A member number that several programs share.
    AmbiguousCode = ("ambiguous_code", 409, "The number fits several memberships"),
    /// The customer is probably known already.
    DuplicateCustomer = ("duplicate_customer", 409, "The customer seems to be known"),
    /// It is used by something else.
    InUse = ("in_use", 409, "It is in use"),
    /// Not from the state that it is in.
    InvalidTransition = ("invalid_transition", 409, "Not possible in this state"),
    /// More is given back than was sold.
    RefundExceedsSale = ("refund_exceeds_sale", 409, "More is given back than was sold"),
    /// The transaction was undone already.
    AlreadyVoid = ("already_void", 409, "It was undone already"),
    /// The hold was captured, released, or timed out.
    HoldClosed = ("hold_closed", 409, "The hold is closed"),
    /// An amount below zero, too large, or with too many decimal places.
    InvalidAmount = ("invalid_amount", 422, "The amount is not valid"),
    /// A malformed card code.
    InvalidCard = ("invalid_card", 422, "The card code is not valid"),
    /// The program does not apply at this outlet.
    ProgramNotHere = ("program_not_here", 422, "The program does not apply here"),
    /// Nobody consented.
    ConsentRequired = ("consent_required", 422, "Consent is required"),
    /// The server has to be asked, and cannot be.
    OnlineOnly = ("online_only", 503, "Only possible with a line"),
    /// The card is lost, stolen or expired.
    CardBlocked = ("card_blocked", 422, "The card is blocked"),
    /// The membership is not active.
    MembershipInactive = ("membership_inactive", 422, "The membership is not active"),
    /// The membership is past its end.
    MembershipExpired = ("membership_expired", 422, "The membership has expired"),
    /// The member owes points.
    AccountOverdrawn = ("account_overdrawn", 422, "The account is overdrawn"),
    /// There are fewer points than asked for.
    InsufficientPoints = ("insufficient_points", 422, "Not enough points"),
    /// Fewer than the program allows at once.
    BelowMinimum = ("below_minimum", 422, "Too few points at once"),
    /// Not a multiple of the program's step.
    InvalidStep = ("invalid_step", 422, "Points come in steps"),
    /// More than the program allows at once, or more than the basket can take.
    AboveMaximum = ("above_maximum", 422, "Too many points at once"),
    /// These points buy nothing here.
    RewardUnavailable = ("reward_unavailable", 422, "Not available"),
    /// There is no such voucher.
    VoucherUnknown = ("voucher_unknown", 422, "The voucher is not known"),
    /// The voucher is past its end.
    VoucherExpired = ("voucher_expired", 422, "The voucher has expired"),
    /// The voucher was used already.
    VoucherUsed = ("voucher_used", 422, "The voucher was used"),
    /// The program lets this member redeem online only.
    OfflineRefused = ("offline_refused", 422, "Not without a line"),
    /// The balance known here is too old to trust.
    BalanceTooOld = ("balance_too_old", 422, "The balance is too old"),
    /// The till's clock cannot be trusted.
    ClockUntrusted = ("clock_untrusted", 422, "The clock cannot be trusted"),
    /// More than a till without a line may redeem at once.
    OfflineLimitRedemption = ("offline_limit_redemption", 422, "Above the offline limit"),
    /// More than a till without a line may redeem of one member.
    OfflineLimitMember = ("offline_limit_member", 422, "Above the member's offline limit"),
    /// More than a till without a line may redeem in all.
    OfflineLimitTill = ("offline_limit_till", 422, "Above the till's offline limit"),
}

/// A refused command: what is wrong, in a sentence that a cashier can be shown, and what would do instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What is wrong.
    pub problem: Problem,
    /// The same in a sentence for a cashier.
    pub detail: String,
    /// Path of the field that is wrong, such as `lines[0].quantity`.
    pub field: Option<String>,
    /// The limit that was met, as a decimal string: points, a count, or hours.
    pub limit: Option<String>,
    /// Up to how many points would do, as a decimal string.
    pub available: Option<String>,
    /// Whether a manager could lift the limit; limits of a till without a line only.
    pub can_approve: Option<bool>,
    /// Who or what may be meant.
    pub candidates: Vec<Candidate>,
}

/// Somebody who may be meant: a likely duplicate, or one of several memberships with one number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The customer.
    pub customer: CustomerId,
    /// Its name as a cashier sees it.
    pub name: String,
    /// The membership, where one is meant.
    pub membership: Option<MembershipId>,
    /// That membership's program.
    pub program: Option<Code>,
    /// Why it is a candidate: `phone`, `email` …
    pub because: Option<String>,
}

impl Refusal {
    /// A refusal with its sentence.
    pub fn new(problem: Problem, detail: impl Into<String>) -> Self {
        Self {
            problem,
            detail: detail.into(),
            field: None,
            limit: None,
            available: None,
            can_approve: None,
            candidates: Vec::new(),
        }
    }

    /// `400 invalid_request` on a field.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Problem::InvalidRequest, detail).at(field)
    }

    /// `422 invalid_amount` on a field.
    pub fn amount(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Problem::InvalidAmount, detail).at(field)
    }

    /// This refusal, naming a field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// This refusal, with who may be meant.
    #[must_use]
    pub fn among(mut self, candidates: Vec<Candidate>) -> Self {
        self.candidates = candidates;
        self
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.problem.status()
    }

    /// Whether a sale with this card is accepted all the same and earns once the card is known.
    pub fn can_earn(&self) -> bool {
        self.problem == Problem::UnknownCard
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code(), self.detail)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_a_redemption_stand_in_the_order_that_the_contract_gives() {
        let from = Problem::ALL.iter().position(|problem| *problem == Problem::CardBlocked).unwrap();
        let codes: Vec<_> = Problem::ALL.iter().skip(from).map(|problem| problem.code()).collect();
        let order = "card_blocked membership_inactive membership_expired account_overdrawn insufficient_points \
            below_minimum invalid_step above_maximum reward_unavailable voucher_unknown voucher_expired voucher_used \
            offline_refused balance_too_old clock_untrusted offline_limit_redemption offline_limit_member \
            offline_limit_till";
        assert_eq!(codes, order.split_whitespace().collect::<Vec<_>>());
        assert!(Problem::ALL.is_sorted());
    }
}
