//! What the daemons keep on disk: for their owner alone; with no room left and then some again; and never in a place that
//! was only misspelt.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use system_tests::harness::goods::KL;
use system_tests::harness::prelude::*;
use system_tests::harness::scratch::{self, Scratch};

const ALI: &str = "6009410000012345";
const SALES: &str = "/api/transactions";
/// The files with keys or members in them.
const SECRETS: [&str; 3] = ["server.redb", "identity", "cache.redb"];

/// What others than the owner may do with the files of a folder, and with itself.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut look = |path: &Path| {
        let mode = std::fs::metadata(path).expect("what is there").permissions().mode();
        if mode & 0o077 != 0 {
            found.push(format!("{} {:o}", path.display(), mode & 0o777));
        }
    };
    look(folder);
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            look(&path);
        }
    }
    found
}

/// Lets everybody read a folder and what is in it.
fn open_up(folder: &Path) {
    let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            set(&path, 0o644).expect("a mode");
        }
    }
    set(folder, 0o755).expect("a mode");
}

#[test]
fn what_is_kept_is_for_its_owner_alone() {
    let mut office = Office::open();
    let mut till = Till::open(&office, KL, "till-1");
    let _ = office.member("Ali", ALI, 1_000);
    till.sync();
    let kept = office.folder().join("data");
    let own = till.folder().join("data");
    let own = if own.exists() { own } else { till.folder().to_owned() };
    let names = |folder: &Path| SECRETS.iter().filter(|name| folder.join(name).exists()).count();
    assert_eq!((names(&kept), names(&own)), (1, 2), "the files that this is about");
    assert_eq!(open_to_others(&own), Vec::<String>::new());
    // what was made before is closed when it is opened
    office.stop();
    till.kill();
    open_up(&kept);
    open_up(&own);
    office.start();
    till.start();
    let wide: Vec<String> = [open_to_others(&kept), open_to_others(&own)].concat();
    let wide: Vec<&String> =
        wide.iter().filter(|found| SECRETS.iter().any(|name| found.contains(name))).collect();
    assert!(wide.is_empty(), "{wide:?}");
    let folder = |folder: &Path| std::fs::metadata(folder).expect("it").permissions().mode() & 0o077;
    assert_eq!((folder(&kept), folder(&own)), (0, 0));
    let copy = till.folder().join("copy");
    let copied = till.command(&["backup", &copy.display().to_string()]);
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    assert_eq!(open_to_others(&copy), Vec::<String>::new());
}

#[test]
fn a_misspelt_directory_and_an_empty_file_are_refused() {
    let mut office = Office::open();
    let nowhere = office.folder().join("dta");
    let file = office.folder().join("catalog.json");
    std::fs::write(&file, "{}").expect("a file");
    let (nowhere_text, file) = (nowhere.display().to_string(), file.display().to_string());
    for command in [
        &["token", "create", "--role", "admin", "--name", "me"][..],
        &["import", "catalog", &file],
        &["import", "members", &file],
    ] {
        let mut arguments = command.to_vec();
        arguments.extend(["--data-dir", nowhere_text.as_str()]);
        let refused = system_tests::harness::daemon::run("tillkeep-server", &arguments);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && told.contains(&nowhere_text), "{arguments:?}: {told}");
        assert!(!nowhere.exists(), "{arguments:?} made it");
    }
    office.stop();
    let store = office.folder().join("data").join("server.redb");
    std::fs::write(&store, "").expect("the file");
    let refused = office.command(&["verify"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("is empty") && told.contains("restore"), "{told}");
    assert_eq!(std::fs::metadata(&store).expect("it").len(), 0, "nothing was made in its place");
}

/// A file system of a few megabytes.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one, which only root may.
    fn on(folder: &Path, size: &str) -> Self {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "tillkeep"])
            .arg(folder)
            .output()
            .expect("`mount` is there");
        let told = String::from_utf8_lossy(&mounted.stderr);
        assert!(mounted.status.success(), "this test mounts a small disk, so run it as root: {told}");
        Self(folder.to_owned())
    }

    /// Writes until there is no room.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("fill");
        let mut file = std::fs::File::create(&path).expect("a file");
        let block = vec![7; 4096];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// A server's disk fills up; then there is room again. It never has to be started anew.
#[test]
fn a_full_disk_refuses_writes_and_nothing_else_until_there_is_room() {
    let mut office = Office::open();
    let member = office.member("Ali", ALI, 1_000);
    let token = office.new_token("pos", Some(KL));
    office.stop();
    let (data, aside) = (office.folder().join("data"), Scratch::new("aside"));
    scratch::copy(&data, aside.path());
    let disk = SmallDisk::on(&data, "24m");
    scratch::copy(aside.path(), &data);
    office.start();
    let pos = Client::new(&office.url(), &token);
    let mut one = line("1", "10.00");
    one["category"] = json!("c".repeat(60));
    let lines = vec![one; 40];
    let sell = |receipt: &str| pos.post(SALES, &sale(receipt, ALI, &lines));
    let _ = sell("B-1").must(201);
    let filled = disk.fill();
    let mut sold: u32 = 1;
    let refused = loop {
        let answer = sell(&format!("F-{sold}"));
        if answer.status != 201 {
            break answer;
        }
        sold += 1;
        assert!(sold < 3_000, "the disk never filled up");
    };
    let _ = refused.problem(507, "store_full");
    for again in 0..3 {
        let _ = sell(&format!("F-again-{again}")).problem(507, "store_full");
        let _ = Client::nobody(&office.url()).get("/readyz").problem(507, "store_full");
        // what is there is read
        assert_eq!(office.balance(&member), 1_000 + i64::from(sold) * 400);
    }
    std::fs::remove_file(&filled).expect("room");
    let _ = Client::nobody(&office.url()).get("/readyz").must(200);
    let _ = sell("A-1").must(201);
    assert_eq!(office.balance(&member), 1_000 + i64::from(sold + 1) * 400);
    office.stop();
    office.verify();
    drop(disk);
}
