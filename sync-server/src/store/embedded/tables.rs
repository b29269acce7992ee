//! Every table of the embedded store: name, key, value, meaning. Keys are big-endian fields side by side, so that byte
//! order is field order; values are postcard unless it says otherwise. A change of either is a new name.

use redb::TableDefinition;

use super::kv::{Stored, failed};

/// A table whose keys have `N` bytes.
#[derive(Clone, Copy)]
pub(super) struct Table<const N: usize> {
    /// Its name in the file.
    pub(super) name: &'static str,
}

impl<const N: usize> Table<N> {
    /// As redb has it.
    pub(super) fn definition(self) -> TableDefinition<'static, &'static [u8; N], &'static [u8]> {
        TableDefinition::new(self.name)
    }
}

fn copy<const N: usize>(
    from: &redb::ReadTransaction,
    to: &redb::WriteTransaction,
    table: Table<N>,
) -> Stored<u64> {
    let mut copied = to.open_table(table.definition()).map_err(failed)?;
    let mut rows = 0;
    for row in from.open_table(table.definition()).map_err(failed)?.range::<&[u8; N]>(..).map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        copied.insert(key.value(), value.value()).map_err(failed)?;
        rows += 1;
    }
    Ok(rows)
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $width:literal = $stored:literal;)*) => {
        $($(#[$doc])* pub(super) const $name: Table<$width> = Table { name: $stored };)*

        /// Makes every table, so that readers find them.
        pub(super) fn create_all(transaction: &redb::WriteTransaction) -> Result<(), redb::TableError> {
            $(transaction.open_table($name.definition())?;)*
            Ok(())
        }

        /// Whether a store has every table: one that an earlier version made may not.
        pub(super) fn all_are_in(snapshot: &redb::ReadTransaction) -> bool {
            true $(&& snapshot.open_table($name.definition()).is_ok())*
        }

        /// Copies every table of a snapshot, row by row in key order; answers how many rows there are.
        pub(super) fn copy_all(from: &redb::ReadTransaction, to: &redb::WriteTransaction) -> Stored<u64> {
            let mut rows = 0;
            $(rows += copy(from, to, $name)?;)*
            Ok(rows)
        }
    };
}

tables! {
    /// () → [`Identity`](crate::store::rows::Identity): made once.
    IDENTITY: 1 = "identity.1";
    /// start u64 → [`Epoch`](crate::store::rows::Epoch): one for each start of a server.
    EPOCHS: 8 = "epochs.1";
    /// counter u8 → u64: the last number handed out, see [`counter`].
    COUNTERS: 1 = "counters.1";

    /// version u64 → the catalog's stored bytes (JSON).
    CATALOGS: 8 = "catalogs.1";
    /// version u64 → [`CatalogRow`](crate::store::rows::CatalogRow).
    CATALOG_ROWS: 8 = "catalog_rows.1";
    /// hash [u8; 32] → version u64.
    CATALOG_HASHES: 32 = "catalog_hashes.1";
    /// hash [u8; 32] → [`GivenCatalogRow`](crate::store::rows::GivenCatalogRow): what tills gave back.
    CATALOGS_GIVEN: 32 = "catalogs_given.1";

    /// blake3 of the secret → [`TokenRow`](crate::store::rows::TokenRow).
    TOKENS: 32 = "tokens.1";
    /// number u64 → [`AuditRow`](crate::store::rows::AuditRow).
    AUDIT: 8 = "audit.1";

    /// user [u8; 16] → [`UserRow`](crate::store::rows::UserRow).
    USERS: 16 = "users.1";

    /// hash of the code [u8; 16] → [`OperatorRow`](crate::store::rows::OperatorRow).
    OPERATORS: 16 = "operators.1";
    /// hash of an operator's code [u8; 16] → [`TriesRow`](crate::store::rows::TriesRow).
    PIN_TRIES: 16 = "pin_tries.1";
    /// approval [u8; 16] → [`Approval`](shared::entry::approval::Approval), of the server's own.
    APPROVALS: 16 = "approvals.1";

    /// till u32 → [`TillRow`](crate::store::rows::TillRow).
    TILLS: 4 = "tills.1";
    /// blake3 of the code → [`EnrolmentRow`](crate::store::rows::EnrolmentRow).
    ENROLMENTS: 32 = "enrolments.1";
    /// node u32 → [`ContactRow`](crate::store::rows::ContactRow).
    CONTACTS: 4 = "contacts.1";

    /// customer [u8; 16] → [`Marked`](shared::books::Marked) [`Customer`](shared::member::Customer).
    CUSTOMERS: 16 = "customers.1";
    /// customer [u8; 16] → sealed personal data (raw bytes).
    PERSONAL: 16 = "personal.1";
    /// customer [u8; 16] → the key of its personal data (32 raw bytes); gone once erased.
    CUSTOMER_KEYS: 16 = "customer_keys.1";
    /// membership [u8; 16] → [`Marked`](shared::books::Marked) [`Membership`](shared::member::Membership).
    MEMBERSHIPS: 16 = "memberships.1";
    /// customer [u8; 16], membership [u8; 16] → (): a customer's memberships.
    CUSTOMER_MEMBERSHIPS: 32 = "customer_memberships.1";
    /// account set [u8; 16], membership [u8; 16] → (): who draws on a set.
    SET_MEMBERSHIPS: 32 = "set_memberships.1";
    /// code hash [u8; 16] → [`Marked`](shared::books::Marked) [`Card`](shared::member::Card).
    CARDS: 16 = "cards.1";
    /// membership [u8; 16], code hash [u8; 16] → (): a membership's cards.
    MEMBERSHIP_CARDS: 32 = "membership_cards.1";
    /// the hash under which a member number is scanned [u8; 16], membership [u8; 16] → ().
    NUMBERS: 32 = "member_numbers.1";
    /// kind u8 (phone, e-mail, identity, external), hash [u8; 16], customer [u8; 16] → ().
    LOOKUPS: 33 = "lookups.1";
    /// the first 16 bytes of a lower-case word of the name, customer [u8; 16] → ().
    NAMES: 32 = "names.1";
    /// change u64 → kind u8 (customer, membership, card, case) and id [u8; 16], raw: the directory's feed.
    DIRECTORY_FEED: 8 = "directory_feed.1";
    /// kind u8, id [u8; 16] → change u64: where a record stands in that feed.
    DIRECTORY_PLACE: 17 = "directory_place.1";

    /// code hash [u8; 16] → [`Marked`](shared::books::Marked) status: a card's latest report.
    REPORTS: 16 = "card_reports.1";

    /// node u32 → [`NodeRow`](shared::books::NodeRow).
    NODES: 4 = "nodes.1";
    /// dot → chain hash [u8; 32], then the stored bytes; raw.
    ENTRIES: 12 = "entries.1";
    /// the first 5 bytes of the chain hash (what a receipt's verification code says), dot → ().
    VERIFICATIONS: 17 = "verifications.1";
    /// dot → [`Receipt`](shared::books::Receipt).
    RECEIPTS: 12 = "receipts.1";
    /// number u64 → [`ForkRow`](shared::books::ForkRow), in the order found.
    FORKS: 8 = "forks.1";
    /// idempotency key u128 → [`IdemRow`](shared::books::IdemRow).
    IDEMS: 16 = "idems.1";
    /// node u32 → seq u64, raw: up to which of its entries the actions of rules are done.
    ACTED: 4 = "acted.1";
    /// bucket u16, node u32 → [`Mark`](shared::books::Mark).
    MARKS: 6 = "marks.1";
    /// bucket u16, dot → [`Parked`](shared::books::Parked).
    PARKED: 14 = "parked.1";
    /// hash of the [`Wait`](shared::books::Wait) [u8; 16], bucket u16, dot → ().
    WAITING: 30 = "waiting.1";
    /// bucket u16 → change u64: the last change number.
    CHANGES: 2 = "changes.1";
    /// account set [u8; 16], currency u16 → change u64, number of open rows u32, first expiry u32, owed since u64, then
    /// [`Account`](shared::account::Account) without these rows.
    ACCOUNTS: 18 = "accounts.1";
    /// account set [u8; 16], currency u16, dot, leg u16 → [`Row`](shared::account::Row): what is open. By itself, so that
    /// posting to an account does not write its other rows again.
    ACCOUNT_ROWS: 32 = "account_rows.1";
    /// bucket u16, change u64 → account set [u8; 16], currency u16, raw: a bucket's feed.
    ACCOUNT_FEED: 10 = "account_feed.1";
    /// account set [u8; 16], currency u16 → [`Heir`](shared::entry::membership::Heir): who has its points by now.
    HEIRS: 18 = "heirs.1";
    /// account set [u8; 16], currency u16 of the account that has the points now, and of the one whose they were → ().
    FOREBEARS: 36 = "forebears.1";
    /// since u64, account set [u8; 16], currency u16 → (): accounts that owe something.
    OWING: 26 = "owing.1";
    /// account set [u8; 16], currency u16 → program u16: in whose days its lines are, decided once.
    ACCOUNT_PROGRAMS: 18 = "account_programs.1";
    /// program u16, day u32 (from 2^31 on) → [`ClosedDay`](shared::days::ClosedDay).
    DAYS: 6 = "days.1";
    /// bucket u16, account set [u8; 16], currency u16 → (): accounts with open rows.
    OPEN_ACCOUNTS: 20 = "open_accounts.1";
    /// bucket u16, last day u32, account set [u8; 16], currency u16 → (): accounts of whose lots the first ends then.
    EXPIRING_ACCOUNTS: 24 = "expiring_accounts.1";
    /// key u128, account set [u8; 16], currency u16 → [`HoldRow`](shared::books::HoldRow).
    HOLDS: 34 = "holds.1";
    /// when it times out u64, key u128, account set [u8; 16], currency u16 → (): open holds of the server's own that do.
    HOLD_ENDS: 42 = "hold_ends.1";
    /// node u32, key u128, account set [u8; 16], currency u16 → (): the shares of nodes in holds that are open.
    HOLD_SHARES: 38 = "hold_shares.1";
    /// hash of a campaign's code [u8; 16] → its code, [`BudgetRow`](shared::books::BudgetRow).
    BUDGETS: 16 = "budgets.1";
    /// account set [u8; 16], currency u16, node u32 → [`RightRow`](shared::books::RightRow): live rights.
    RIGHTS: 22 = "rights.1";
    /// node u32, currency u16 → [`Points`](shared::points::Points): Σ of what is left of its live rights.
    RIGHTS_HELD: 6 = "rights_held.1";
    /// when it expires u64, account set [u8; 16], currency u16, node u32 → (): live rights by expiry.
    RIGHT_ENDS: 30 = "right_ends.1";
    /// account set [u8; 16], currency u16 → [`VisitsRow`](shared::books::VisitsRow).
    VISITS: 18 = "visits.1";
    /// when u64, account set [u8; 16], currency u16 → (): accounts in which rights are to be looked at then.
    GRANTS_DUE: 26 = "grants_due.1";
    /// order u64 → [`LedgerKey`](shared::books::LedgerKey), [`LedgerLine`](shared::books::LedgerLine): as posted.
    LEDGER: 8 = "ledger.1";
    /// dot, leg u32 → order u64: where a leg stands in the ledger.
    LEDGER_LEGS: 16 = "ledger_legs.1";
    /// account set [u8; 16], currency u16, order u64 → (): an account's legs.
    ACCOUNT_LEGS: 26 = "account_legs.1";
    /// currency u16, side u8 → i64: what came in less what went out.
    LEDGER_TOTALS: 3 = "ledger_totals.1";
    /// dot → [`SaleRow`](shared::books::SaleRow).
    SALES: 12 = "sales.1";
    /// hash of outlet and receipt [u8; 16], dot → ().
    SALE_RECEIPTS: 28 = "sale_receipts.1";
    /// hash of outlet and receipt [u8; 16], order u64 → [`Blind`](shared::books::Blind).
    BLINDS: 24 = "blinds.1";
    /// dot → [`Unattributed`](shared::books::Unattributed).
    UNATTRIBUTED: 12 = "unattributed.1";
    /// code hash [u8; 16], dot → (): what waits for a card.
    UNATTRIBUTED_CARDS: 28 = "unattributed_cards.1";
    /// case [u8; 16] → [`Case`](shared::books::Case).
    CASES: 16 = "cases.1";
    /// case [u8; 16] → dot, raw: the entry that decided it last.
    DECISIONS: 16 = "decisions.1";
    /// opened u64, case [u8; 16] → (): cases by time.
    CASE_TIMES: 24 = "case_times.1";
    /// account set [u8; 16], currency u16, case [u8; 16] → ().
    ACCOUNT_CASES: 34 = "account_cases.1";

    /// hash of the code [u8; 16] → [`TemplateRow`](crate::store::rows::notice::TemplateRow).
    TEMPLATES: 16 = "notice_templates.1";
    /// webhook [u8; 16] → [`WebhookRow`](crate::store::rows::notice::WebhookRow).
    WEBHOOKS: 16 = "webhooks.1";
    /// notice [u8; 16] → [`NoticeRow`](crate::store::rows::notice::NoticeRow).
    NOTICES: 16 = "notices.1";
    /// made u64, notice [u8; 16] → (): notices by time.
    NOTICE_TIMES: 24 = "notice_times.1";
    /// when it is due u64, notice [u8; 16] → (): notices that wait.
    NOTICE_DUE: 24 = "notice_due.1";
    /// number u64 → [`Cause`](crate::store::rows::notice::Cause): what no notice was made of yet.
    NOTICE_CAUSES: 8 = "notice_causes.1";
    /// program u16, at u64, kind u8, membership [u8; 16] → [`Happening`](crate::store::rows::happening::Happening).
    HAPPENINGS: 27 = "happenings.1";
    /// membership [u8; 16] → dot, raw: the entry that made it, where its consent is.
    ORIGINS: 16 = "membership_origins.1";
    /// membership [u8; 16], dot [u8; 12] → (): entries in which its consents were given or withdrawn later.
    CONSENTS: 28 = "membership_consents.1";
    /// message [u8; 16] → [`MessageRow`](crate::store::rows::notice::MessageRow).
    MESSAGES: 16 = "messages.1";
}

/// The counters.
pub(super) mod counter {
    /// Audit rows.
    pub(in crate::store::embedded) const AUDIT: [u8; 1] = [1];
    /// Tills.
    pub(in crate::store::embedded) const TILL: [u8; 1] = [2];
    /// Nodes; the server's own is 1.
    pub(in crate::store::embedded) const NODE: [u8; 1] = [3];
    /// The directory's changes.
    pub(in crate::store::embedded) const DIRECTORY: [u8; 1] = [4];
    /// Forks found.
    pub(in crate::store::embedded) const FORK: [u8; 1] = [5];
    /// Legs of the ledger.
    pub(in crate::store::embedded) const LEG: [u8; 1] = [6];
    /// Member numbers, of all programs: one scans as one membership.
    pub(in crate::store::embedded) const NUMBER: [u8; 1] = [8];
    /// Changes of operators.
    pub(in crate::store::embedded) const OPERATORS: [u8; 1] = [7];
    /// Whether anybody listens to what happens to memberships: 1 or 0.
    pub(in crate::store::embedded) const HEARD: [u8; 1] = [40];
    /// Causes of notices.
    pub(in crate::store::embedded) const CAUSE: [u8; 1] = [41];
    /// Customers who were erased since the file was last written anew.
    pub(in crate::store::embedded) const ERASED: [u8; 1] = [43];
    /// The last line of the ledger that notices were made of.
    pub(in crate::store::embedded) const NOTICE_MARK: [u8; 1] = [42];
}
