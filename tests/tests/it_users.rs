//! Users of the console: they sign in by name and password, and do their role and no more.

use system_tests::harness::prelude::*;

const PASSWORD: &str = "correct horse battery";

fn sign_in(office: &Office, name: &str, password: &str) -> system_tests::harness::http::Answer {
    office.nobody().post("/api/sign-in", &json!({"name": name, "password": password}))
}

#[test]
fn a_user_signs_in_and_does_the_role_and_no_more() {
    let office = Office::open();
    let made = office
        .admin()
        .post("/api/users", &json!({"name": "Aminah", "role": "office", "password": PASSWORD}))
        .must(201);
    assert!(made["password"].is_null() && !made.text.contains("argon2"), "{}", made.text);
    let session = sign_in(&office, "aminah", PASSWORD).must(201);
    let aminah = Client::new(office.nobody().base(), &words(&session["token"]));
    let _ = aminah.get("/api/reports/liability").must(200);
    let _ = aminah.get("/api/users").problem(403, "forbidden");
    let listed = office.admin().all("/api/users");
    assert!(listed.iter().any(|user| user["name"] == "Aminah" && user["signed_in_at"].is_string()));
    let again = json!({"name": "AMINAH", "role": "reader", "password": PASSWORD});
    let _ = office.admin().post("/api/users", &again).problem(409, "in_use");
}

#[test]
fn a_changed_or_removed_user_is_signed_out() {
    let office = Office::open();
    let new = json!({"name": "badrul", "role": "admin", "password": PASSWORD});
    let made = office.admin().post("/api/users", &new).must(201);
    let path = format!("/api/users/{}", words(&made["id"]));
    let session = sign_in(&office, "badrul", PASSWORD).must(201);
    let badrul = Client::new(office.nobody().base(), &words(&session["token"]));
    let _ = badrul.get("/api/users").must(200);

    let change = json!({"version": 1, "role": "reader"});
    let _ =
        office.admin().put(&path, &json!({"version": 9, "role": "reader"})).problem(409, "version_conflict");
    let changed = office.admin().put(&path, &change).must(200);
    assert_eq!(changed["role"], "reader");
    let _ = badrul.get("/api/users").problem(401, "unauthorized");

    let session = sign_in(&office, "badrul", PASSWORD).must(201);
    let badrul = Client::new(office.nobody().base(), &words(&session["token"]));
    let _ = badrul.get("/api/users").problem(403, "forbidden");
    let _ = office.admin().delete(&path).must(204);
    let _ = badrul.get("/api/reports/liability").problem(401, "unauthorized");
    let _ = sign_in(&office, "badrul", PASSWORD).problem(401, "unauthorized");
}

#[test]
fn guessing_is_answered_the_same_for_all_and_soon_not_at_all() {
    let office = Office::open();
    for (role, password, field) in
        [("pos", PASSWORD, "role"), ("cook", PASSWORD, "role"), ("office", "short", "password")]
    {
        let new = json!({"name": "chong", "role": role, "password": password});
        let refused = office.admin().post("/api/users", &new).problem(400, "invalid_request");
        assert_eq!(refused["field"], field);
    }
    let new = json!({"name": "chong", "role": "office", "password": PASSWORD});
    let _ = office.admin().post("/api/users", &new).must(201);
    let known = sign_in(&office, "chong", "not the password").problem(401, "unauthorized");
    let unknown = sign_in(&office, "nobody", "not the password").problem(401, "unauthorized");
    assert_eq!(known["detail"], unknown["detail"]);
    // ten tries a minute; another comes free every six seconds, so some of twenty at once are refused
    let tries = (0..20).map(|_| sign_in(&office, "chong", "still not").status);
    assert!(tries.collect::<Vec<_>>().contains(&429));
}
