//! Memory of idle daemons, and the size of the programs.

use std::path::Path;
use std::time::Duration;

use edge::store::{Store, StoreOptions};
use shared::ids::Hash;
use shared::time::Millis;

use super::ground::Ground;
use super::measure::{Rounds, mebibytes, number};
use super::members::card_code;
use super::table::Table;
use super::wire::Caller;
use crate::harness::daemon::{Daemon, program};
use crate::sim::rng::Rng;

/// How long a daemon is left alone before it is looked at.
const IDLE: Duration = Duration::from_secs(5);
/// Scans after which it is looked at again.
const SCANS: u32 = 50_000;

fn resident_mib(daemon: &Daemon) -> Rounds {
    let mut rounds = Rounds::default();
    rounds.add(number(daemon.resident_kib()) / 1024.0);
    rounds
}

/// A till's daemon as a process of its own: idle, and idle again after many scans.
pub fn till(ground: &Ground, table: &mut Table<'_>) {
    let store = Store::open(&ground.dir(), StoreOptions::default()).expect("the store opens");
    let kept = edge::store::LocalToken {
        name: "memory".to_owned(),
        hash: Hash::of(b"memory"),
        created_at: Millis(0),
    };
    store.change_identity(|identity| identity.tokens.push(kept)).expect("a token is kept");
    store.stop().wait().expect("the store closes");
    drop(store);
    let dir = ground.dir().display().to_string();
    let log = ground.beside().join("till.log");
    let daemon =
        Daemon::start("tillkeep-edge", &["run", "--data-dir", &dir, "--listen", "127.0.0.1:0"], &log);
    std::thread::sleep(IDLE);
    let members = ground.members.count;
    table.ratio(&format!("memory of an idle till, {members} members, in MiB"), resident_mib(&daemon), 143.0);
    let (mut pos, mut rng) = (Caller::new(daemon.url(), "memory"), Rng::new(5));
    for _ in 0..SCANS {
        let member = u32::try_from(rng.below(u64::from(members))).unwrap_or(0);
        pos.must(200, "GET", &format!("/api/cards/{}", card_code(member)), "");
    }
    std::thread::sleep(IDLE);
    table.ratio(&format!("the same after {SCANS} scans of any card, in MiB"), resident_mib(&daemon), 143.0);
}

/// The server's daemon as a process of its own, idle.
pub fn server(dir: &Path, what: &str, table: &mut Table<'_>) {
    let (data, log) = (dir.display().to_string(), dir.join("server.log"));
    let daemon =
        Daemon::start("tillkeep-server", &["run", "--data-dir", &data, "--listen", "127.0.0.1:0"], &log);
    std::thread::sleep(IDLE);
    table.figure(&format!("memory of an idle server, {what}, in MiB"), &resident_mib(&daemon));
}

/// What this process holds now, in KiB; from here on its peak is counted anew.
pub fn peak_anew() -> u64 {
    // where the system does not do it the peak is of all before too, and so never too small
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    status_kib("VmRSS:")
}

/// The most memory that this process held since, in KiB.
pub fn peak_kib() -> u64 {
    status_kib("VmHWM:")
}

fn status_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The daemons' programs.
pub fn binaries(table: &mut Table<'_>) {
    for name in ["tillkeep-edge", "tillkeep-server"] {
        let size = std::fs::metadata(program(name)).map_or(0, |data| data.len());
        table.note(&format!("{name}: {} ({size} bytes)", mebibytes(size)));
    }
}
