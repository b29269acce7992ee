//! Where the console leads to.

use crate::app::roles::{self, Role};

/// Places of the console: path, message, and who may go there; an empty path begins a group.
pub(super) const PLACES: [(&str, &str, &[Role]); 27] = [
    ("/", "nav.today", roles::READ),
    ("/fleet", "nav.fleet", roles::READ),
    ("/cases", "nav.cases", roles::READ),
    ("/waiting", "nav.waiting", roles::READ),
    ("", "nav.group.members", roles::READ),
    ("/members", "nav.members", roles::READ),
    ("/duplicates", "nav.duplicates", roles::OFFICE),
    ("/notifications", "nav.notifications", roles::READ),
    ("", "nav.group.programs", roles::READ),
    ("/catalog", "nav.catalog", roles::READ),
    ("/simulator", "nav.simulator", roles::READ),
    ("", "nav.group.books", roles::READ),
    ("/days", "nav.days", roles::READ),
    ("/ledger", "nav.ledger", roles::READ),
    ("/liability", "nav.liability", roles::READ),
    ("/expiry", "nav.expiry", roles::READ),
    ("/outlets", "nav.outlets", roles::READ),
    ("/settlement", "nav.settlement", roles::READ),
    ("/performance", "nav.performance", roles::READ),
    ("/campaigns", "nav.campaigns", roles::READ),
    ("/overdrafts", "nav.overdrafts", roles::READ),
    ("/doubles", "nav.doubles", roles::READ),
    ("", "nav.group.office", roles::ADMIN),
    ("/templates", "nav.templates", roles::ADMIN),
    ("/operators", "nav.operators", roles::ADMIN),
    ("/users", "nav.users", roles::ADMIN),
    ("/audit", "nav.audit", roles::ADMIN),
];
