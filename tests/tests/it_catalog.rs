//! The catalog document of the demo, which uses every feature there is: it is imported by the command line, told by the
//! server, put back unchanged, and given to a till.

use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/demo/catalog.toml");

#[test]
fn what_the_catalogs_document_says_is_what_comes_of_it() {
    let document: Value =
        toml::from_str(&std::fs::read_to_string(DOCUMENT).expect("the file")).expect("TOML");
    let office = Office::empty();
    let loaded = office.admin().put("/api/catalog", &document).must(200);
    // nothing is left to a default that the loading would add another time
    let again = office.admin().put("/api/catalog", &loaded).must(200);
    assert_eq!(*again, *loaded);
}

#[test]
fn the_demos_catalog_loads_and_is_the_same_when_it_is_put_back() {
    let office = Office::open();
    let imported = office.command(&["import", "catalog", DOCUMENT]);
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let told = office.admin().get("/api/catalog").must(200);
    let lists = told.as_object().expect("a document");
    for (list, items) in lists {
        assert!(items.as_array().is_some_and(|items| !items.is_empty()), "nothing in `{list}`");
    }
    let versions = || office.admin().get("/api/catalog/versions").must(200)["items"].as_array().map(Vec::len);
    let before = versions();
    assert_eq!(*office.admin().put("/api/catalog", &told).must(200), *told);
    assert_eq!(versions(), before, "the same document makes no new version");
    let again = office.command(&["import", "catalog", DOCUMENT]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(*office.admin().get("/api/catalog").must(200), *told, "nor does the file");
    let changes = office.admin().post("/api/catalog/diff", &told).must(200);
    assert_eq!(changes["changes"], json!([]));
    // a till compiles it, and sells by it
    let till = Till::open(&office, KL, "till-1");
    let sold = sale("R-1", "6009410000012345", &[line("1", "20.00")]);
    assert_eq!(till.sell(&sold)["state"], "waiting");
}
