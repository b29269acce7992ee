//! Every limit in one place, each with its sum or its source.

/// Longest code, number or slug that people choose, in bytes.
pub const CODE_BYTES: usize = 64;
/// Longest free text in an entry (a reason, a receipt number, a note), in bytes.
pub const TEXT_BYTES: usize = 500;
/// Longest scanned code: a signed card QR is the longest, at version 10-M (213 alphanumeric characters).
pub const SCAN_BYTES: usize = 256;
/// Lines on one receipt. The longest of 155,848 real baskets has 346 lines.
pub const LINES: usize = 1_000;
/// Redemptions in one transaction.
pub const REDEMPTIONS: usize = 16;
/// Visits of a member that are remembered, to learn the usual outlets: of a weekly shopper, more than half a year.
pub const VISITS: usize = 32;
/// Minutes for which points are held for a payment: by default, and at most (a week: an order paid on collection).
pub const HOLD_MINUTES: (u32, u32) = (15, 7 * 24 * 60);
/// Minutes for which a manager's approval is good: to type the redemption again, and no longer.
pub const APPROVAL_MINUTES: u64 = 5;
/// Digits of a PIN, and the fewest of a manager's.
pub const PIN_DIGITS: (usize, usize) = (4, 12);
/// See [`PIN_DIGITS`].
pub const PIN_DIGITS_MANAGER: usize = 6;
/// Wrong tries of one operator's PIN at one place, after which it is locked there.
pub const PIN_TRIES: u32 = 5;
/// For how long it is locked, in ms: at first, and at most. One try an hour does not find six digits in decades.
pub const PIN_LOCK_MS: (u64, u64) = (5 * 60_000, 60 * 60_000);
/// Operators of the whole chain; a till gets all those of its outlet at once.
pub const OPERATORS: usize = 20_000;
/// Uses of one voucher.
pub const VOUCHER_USES: u32 = 1_000;
/// Days for which a voucher is good: ten years.
pub const VOUCHER_DAYS: u32 = 3_660;
/// Articles of which a voucher or reward gives one: they stand in its signed code, which is a QR.
pub const VOUCHER_ITEMS: usize = 16;
/// Of one reward in one redemption.
pub const REWARDS: u32 = 100;
/// Vouchers that a membership may have open at once: each is sent to every till.
pub const VOUCHERS: usize = 100;
/// Items of one pricebook.
pub const PRICEBOOK_ITEMS: usize = 20_000;
/// Memberships in one enrolment.
pub const ENROL_MEMBERSHIPS: usize = 16;
/// Memberships that are merged, share or part at once, with a consent each: a large household or a club's board.
pub const MOVED_MEMBERSHIPS: usize = 32;
/// How often a membership, or an account, can have been taken over by another, one after the other.
pub const GENERATIONS: usize = 32;
/// Dynamic attributes of a program: what a membership keeps of them is sent to every till.
pub const ATTRIBUTES: usize = 64;
/// One stored entry: `LINES` lines of some 120 bytes, and as much again for the rest.
pub const ENTRY_BYTES: usize = 256 * 1024;
/// Entries in one push.
pub const PUSH_ENTRIES: usize = 1_000;
/// Bytes of entries in one push, before compression: several of the longest entries.
pub const PUSH_BYTES: usize = 4 * 1024 * 1024;
/// A body on the JSON API.
pub const BODY_BYTES: usize = 1024 * 1024;
/// A sync body after decompression: a bucket's whole delta after a large import (a million members in 16 buckets,
/// some 100 bytes each, is 6 MiB), with room.
pub const SYNC_BODY_BYTES: usize = 64 * 1024 * 1024;
/// Nested brackets in a JSON body; serde_json's own limit is 128.
pub const JSON_DEPTH: usize = 32;
/// A remote time further ahead than this is not merged into our own clock, in ms.
pub const HLC_AHEAD_MS: u64 = 60_000;
/// How long a repeat without a business date is recognised by its receipt and body, in ms: 48 hours.
pub const REPEAT_MS: u64 = 48 * 3_600_000;
/// How long journal segments and idempotency keys are kept after they were acknowledged, in ms: 35 days.
pub const KEEP_MS: u64 = 35 * 24 * 3_600_000;
/// Points in one posting: far below `i64::MAX`, so that no sum of a million of them overflows.
pub const POINTS: i64 = 1_000_000_000_000;
/// How far a business day may lie behind a clock that is sure, in days: fifteen years, the history that a shop brings along.
pub const DAYS_BEFORE: u64 = 15 * 366;
/// And how far ahead: a week, for goods that are sold before their day.
pub const DAYS_AHEAD: u64 = 7;
/// How many days points can be spent for that come back of a redemption after their last day: a month, in which a customer
/// who brings goods back comes by again.
pub const GIVEN_BACK_DAYS: i32 = 30;
/// Money on one receipt, in major units, and things on one line: with three decimal places and `LINES` lines, times
/// `POINTS`, a split stays below 10^33, within `i128`.
pub const MONEY: i64 = 1_000_000_000_000;
/// Decimal places of a quantity: grams of a kilogram, with room.
pub const QUANTITY_SCALE: u32 = 6;
/// Decimal places of a points currency.
pub const POINTS_SCALE: u8 = 6;
/// Page size of lists: by default, and at most.
pub const PAGE: (usize, usize) = (50, 500);
/// Transactions of which a till asks the server at once what became of them: those of the longest page.
pub const TOLD: usize = PAGE.1;
/// Notification templates and webhooks, each: every one is looked at for every redemption.
pub const NOTICE_LISTENERS: usize = 500;
/// Languages of a template.
pub const NOTICE_TEXTS: usize = 32;
/// A template's subject, and its text, in bytes.
pub const NOTICE_BYTES: (usize, usize) = (250, 20_000);
/// Days before points expire at which that may be told: two years.
pub const NOTICE_DAYS: u32 = 731;
/// The longest that a silent till is waited for, in hours: a year, its leap day too.
pub const LONGEST_WAIT_HOURS: u32 = 366 * 24;
/// Buckets of the embedded store.
pub const BUCKETS_EMBEDDED: u16 = 16;

const _: () = assert!(ENTRY_BYTES * 4 <= PUSH_BYTES);
const _: () = assert!(POINTS < i64::MAX / 1_000_000);

/// Financial fields of a customer that another system keeps, and bytes of a field's name: enough for what a till or a ledger
/// exports, and an entry stays short.
pub const FINANCIAL_FIELDS: usize = 20;
/// See [`FINANCIAL_FIELDS`].
pub const FINANCIAL_NAME_BYTES: usize = 40;
