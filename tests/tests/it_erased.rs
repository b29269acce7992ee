//! Who was erased is in no file any more: not at head office, not at the till that enrolled them, not in a backup. What
//! entries say of a person lies under a key of that person's own from the first moment.

use std::path::{Path, PathBuf};

use system_tests::harness::goods::{KL, PROGRAM};
use system_tests::harness::prelude::*;

const CARD: &str = "6009410000055555";
/// What tells who she is, as she gave it; lower-case too, as words are looked up by.
const TELLS: [&str; 5] = ["Zubaidah", "zubaidah", "CRM-ZU-4711", "ju-jitsu.example", "850101-14-5678"];

/// The files below a folder that have any of some texts in them, each with the first that it has.
fn telling(folder: &Path, texts: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let Ok(entry) = entry else { continue };
        let path = entry.path();
        if path.is_dir() {
            found.extend(telling(&path, texts));
            continue;
        }
        // a file may be renamed away meanwhile
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let told = texts.iter().find(|text| bytes.windows(text.len()).any(|at| at == text.as_bytes()));
        found.extend(told.map(|text| (path, (*text).to_owned())));
    }
    found
}

fn names(found: &[(PathBuf, String)]) -> Vec<String> {
    found.iter().filter_map(|(path, _)| Some(path.file_name()?.to_string_lossy().into_owned())).collect()
}

#[test]
fn nothing_that_tells_who_they_were_is_left_in_any_file() {
    let office = Office::open();
    let till = Till::open(&office, KL, "till-1");
    let keeper = office.enrol("Nadia Keeper", "6009410000066666");
    till.line().cut();
    till.wait_for_connection("offline");
    let customer = json!({
        "name": "Zubaidah Rahman", "phone": "+60 12 345 6789", "email": "zu@ju-jitsu.example",
        "external_id": "CRM-ZU-4711", "identity_number": "850101-14-5678", "birth_date": "1985-01-01",
    });
    let consent = json!({"text_version": "v1", "channel": "pos"});
    let body = json!({"customer": customer, "memberships": [{"program": PROGRAM, "card": CARD, "consent": consent}]});
    let made = till.pos().post("/api/enrolments", &body).must(201);
    let customer = words(&made["customer"]["id"]);
    let _ = till.sell(&sale("R-1", CARD, &[line("1", "20.00")])).must(201);
    // a till that is killed before the cache has it has it from the journal, by the key that lies there
    let mut till = till;
    till.restart();
    assert!(till.scan(CARD).text.contains("Zubaidah"));
    till.line().mend();
    till.wait_for_connection("online");
    till.sync();
    let clerk = office.clerk();
    let found = clerk.all("/api/customers?external_id=CRM-ZU-4711");
    assert_eq!(found.len(), 1, "what the till sealed head office has opened");
    assert_eq!(words(&found[0]["name"]), "Zubaidah Rahman");
    let journals: Vec<String> =
        names(&telling(till.folder(), &TELLS)).into_iter().filter(|name| name.ends_with("seg")).collect();
    assert_eq!(journals, Vec::<String>::new(), "entries tell nobody who a customer is");
    assert_eq!(names(&telling(&office.folder().join("data"), &TELLS)), ["server.redb"]);

    let path = format!("/api/customers/{customer}?force=true&reason=asked%20to%20be%20forgotten");
    let _ = clerk.delete(&path).must(204);
    till.sync();
    until("nothing of them is left at head office", || {
        match telling(&office.folder().join("data"), &TELLS) {
            found if found.is_empty() => Ok(()),
            found => Err(found),
        }
    });
    until("nothing of them is left at the till", || match telling(till.folder(), &TELLS) {
        found if found.is_empty() => Ok(()),
        found => Err(found),
    });
    let copy = office.folder().join("copy.redb");
    let copied = office.command(&["backup", &copy.display().to_string()]);
    assert!(copied.status.success(), "{copied:?}");
    assert_eq!(telling(office.folder(), &TELLS), []);

    // everybody else is as before, and both go on
    let _ = till.sell(&sale("R-2", "6009410000066666", &[line("1", "7.00")])).must(201);
    till.sync();
    assert_eq!((till.balance("6009410000066666"), office.balance(&keeper)), (7, 7));
    till.restart();
    assert_eq!(till.balance("6009410000066666"), 7);
    office.verify();
}
