//! Points that are held for a till that is lost, revoked, put back from an old image or cloned are not held for good, and
//! head office can give them back itself.

use system_tests::harness::goods::{KL, PENANG};
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
/// How long these tills wait for the server, in ms: a hold that is asked for is had, however much else the machine does.
const PATIENT_MS: u32 = 30_000;

fn asked(member: &Member, points: i64) -> Value {
    json!({"membership_id": member.membership, "currency": "PTS", "points": points.to_string(), "minutes": 5})
}

/// What an account tells: balance, held, spendable.
fn told(account: &Value) -> (i64, i64, i64) {
    (points(&account["balance"]), points(&account["held"]), points(&account["spendable"]))
}

/// A till that knows of a member's 1,000 points, and has a line.
fn till(office: &Office, outlet: &str, name: &str) -> Till {
    let till = Till::patient(office, outlet, name, PATIENT_MS);
    till.wait_for_balance(ALI, 1_000);
    till.wait_for_connection("online");
    till
}

/// Holds points online, and answers where the hold is.
fn held_online(till: &Till, member: &Member, points: i64) -> String {
    let placed = till.pos().post("/api/holds", &asked(member, points)).must(201);
    assert_eq!(placed["authority"], "online", "{}", placed.text);
    format!("/api/holds/{}", words(&placed["id"]))
}

/// Waits until the server holds so many points of the member, with all tills pushing and pulling.
fn until_held(office: &Office, member: &Member, tills: &[&Till], held: i64) {
    until(&format!("{held} points are held"), || {
        let rounds: Vec<_> = tills.iter().map(|till| till.pos().post("/api/sync", &json!({})).text).collect();
        let account = office.account(member);
        if points(&account["held"]) == held { Ok(()) } else { Err((account, rounds)) }
    });
}

fn worth(receipt: &str, ringgit: u32) -> Value {
    sale(receipt, "6009410000054321", &[line("1", &format!("{ringgit}.00"))])
}

fn audited(office: &Office, action: &str) -> usize {
    office.admin().all("/api/audit").iter().filter(|line| line["action"] == action).count()
}

#[test]
fn head_office_gives_back_what_a_lost_till_holds_and_what_comes_after_is_late() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut lost = till(&office, KL, "lost");
    let other = till(&office, PENANG, "other");
    let hold = held_online(&lost, &ali, 300);
    lost.sync();
    assert_eq!(told(&office.account(&ali)), (1_000, 300, 700));
    lost.kill();

    let release = format!("{hold}/release");
    let shop = Client::new(office.admin().base(), &office.new_token("pos", Some(KL)));
    let _ = shop.post(&release, &json!({})).problem(403, "forbidden");
    let capture = format!("{hold}/capture");
    let _ = office.clerk().post(&capture, &json!({})).problem(404, "not_found");
    let before = audited(&office, "transaction.release");
    let released = office.clerk().post_keyed(&release, "k-1", &json!({})).must(200);
    assert_eq!((&released["open"], &released["points"]), (&json!(false), &json!("300")), "{}", released.text);
    assert!(office.clerk().post_keyed(&release, "k-1", &json!({})).must(200).is_replay());
    assert_eq!(audited(&office, "transaction.release"), before + 1);
    assert_eq!(told(&office.account(&ali)), (1_000, 0, 1_000));
    let _ = office.clerk().post(&release, &json!({})).problem(409, "hold_closed");
    let unknown = "/api/holds/0199e1f2-0000-7000-8000-000000000000/release";
    let _ = office.clerk().post(unknown, &json!({})).problem(404, "not_found");
    other.sync();
    assert_eq!(told(&other.account(ALI)), (1_000, 0, 1_000));

    // it was not lost after all, and what it held was paid with: whoever redeems with no hold is late
    lost.start();
    let captured = lost.pos().post(&capture, &json!({"receipt": "P-1"})).must(201);
    lost.sync();
    until("it is settled at the server", || {
        let account = office.account(&ali);
        if told(&account) == (700, 0, 700) { Ok(()) } else { Err(account) }
    });
    let judged = office.transaction(&words(&captured["id"]));
    assert_eq!(judged["redeemed"][0]["authority"], "late", "{judged}");
    office.verify();
}

#[test]
fn what_a_revoked_till_holds_is_free_at_once() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut stolen = till(&office, KL, "stolen");
    let other = till(&office, PENANG, "other");
    let _ = held_online(&stolen, &ali, 900);
    stolen.sync();
    assert_eq!(told(&office.account(&ali)), (1_000, 900, 100));
    stolen.kill();
    let tills = office.admin().all("/api/tills");
    let id = tills.iter().find(|till| till["name"] == "stolen").map(|till| words(&till["id"])).expect("it");
    let _ = office.admin().post(&format!("/api/tills/{id}/revoke"), &json!({"reason": "stolen"})).must(200);
    assert_eq!(told(&office.account(&ali)), (1_000, 0, 1_000));
    assert_eq!(audited(&office, "hold.end"), 1);
    let _ = held_online(&other, &ali, 1_000);
    office.verify();
}

/// The hold was placed before the image and is there on the old disk: the till, another node by now, releases it.
#[test]
fn a_till_put_back_from_an_image_ends_what_it_held_before() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let _ = office.member("Bea", "6009410000054321", 10);
    let mut till = till(&office, KL, "till-1");
    let hold = held_online(&till, &ali, 900);
    till.sync();
    let image = till.image();
    till.sell(&worth("R-1", 5));
    till.sync();
    let node = till.status()["node"].clone();

    till.put_back(&image);
    till.line().cut();
    till.sell(&worth("R-2", 7));
    till.line().mend();
    until("fenced: it goes on as a new node", || {
        let _ = till.pos().post("/api/sync", &json!({}));
        let now = till.status()["node"].clone();
        if now == node { Err(now) } else { Ok(()) }
    });
    assert_eq!(told(&office.account(&ali)), (1_000, 900, 100), "it is the till's still");
    let _ = till.pos().post(&format!("{hold}/release"), &json!({})).must(200);
    until_held(&office, &ali, &[&till], 0);
    till.sync();
    assert_eq!(told(&till.account(ALI)), (1_000, 0, 1_000));
    office.verify();
}

/// The hold was placed after the image, which knows nothing of it: nobody but head office can end it at once.
#[test]
fn head_office_ends_what_went_with_a_tills_newer_disk() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let _ = office.member("Bea", "6009410000054321", 10);
    let mut till = till(&office, KL, "till-1");
    till.sell(&worth("R-1", 5));
    till.sync();
    let image = till.image();
    till.wait_for_connection("online");
    let hold = held_online(&till, &ali, 900);
    till.sync();
    till.put_back(&image);
    till.sell(&worth("R-2", 7));
    until_held(&office, &ali, &[&till], 900);
    let _ = till.pos().post(&format!("{hold}/release"), &json!({})).problem(404, "not_found");
    let _ = office.clerk().post(&format!("{hold}/release"), &json!({})).must(200);
    until_held(&office, &ali, &[&till], 0);
    till.sync();
    assert_eq!(told(&till.account(ALI)), (1_000, 0, 1_000));
    office.verify();
}

#[test]
fn what_a_clone_holds_is_the_clones_to_capture_and_to_release() {
    let office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let _ = office.member("Bea", "6009410000054321", 10);
    let mut till = till(&office, KL, "till-1");
    for (round, ending) in [(0, "release"), (1, "capture")] {
        let image = till.image();
        let clone = till.cloned(image, &office);
        clone.wait_for_connection("online");
        till.sell(&worth(&format!("R-{round}"), 5));
        // as the node that it was before, or as another already, with the server's word or by its policy
        let placed = clone.pos().post("/api/holds", &asked(&ali, 400)).must(201);
        until("both have told everything", || {
            let round = [&till, &clone].map(|till| till.pos().post("/api/sync", &json!({})));
            let done = |answer: &Answer| answer["pending"] == 0 && answer["error"].is_null();
            if round.iter().all(done) { Ok(()) } else { Err(round.map(|answer| answer.text)) }
        });
        let ended = clone.pos().post(&format!("/api/holds/{}/{ending}", words(&placed["id"])), &json!({}));
        assert!(ended.status < 300, "{}", ended.text);
        until_held(&office, &ali, &[&till, &clone], 0);
    }
    until("one was captured", || {
        till.sync();
        let seen = (told(&office.account(&ali)), told(&till.account(ALI)));
        if seen == ((600, 0, 600), (600, 0, 600)) { Ok(()) } else { Err(seen) }
    });
    assert_eq!(points(&office.liability_when_settled()["points"]), 600 + 10 + 10);
    office.verify();
}
