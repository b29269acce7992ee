//! The programs under test as processes: found, started, killed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a daemon may take to say where it listens, and a command to be done.
const READY: Duration = Duration::from_mins(2);

/// Where a program of this workspace is: in `TILLKEEP_BIN`, or beside the test.
///
/// # Panics
/// It is in neither place; says how to build it.
#[track_caller]
pub fn program(name: &str) -> PathBuf {
    let folder = std::env::var_os("TILLKEEP_BIN").map_or_else(beside_the_test, PathBuf::from);
    let path = folder.join(name);
    assert!(
        path.is_file(),
        "{} is not there; build it first: cargo build{} -p edge -p sync-server --bins",
        path.display(),
        if cfg!(debug_assertions) { "" } else { " --release" }
    );
    path
}

/// The folder above that of the test's own program: `target/release` for `target/release/deps/it_offline-…`.
fn beside_the_test() -> PathBuf {
    let own = std::env::current_exe().expect("the test knows its own program");
    let folder = own.parent().expect("a program lies in a folder");
    if folder.ends_with("deps") { folder.parent().unwrap_or(folder).to_owned() } else { folder.to_owned() }
}

/// Runs a command to its end.
///
/// # Panics
/// It does not end in time.
#[track_caller]
pub fn run(name: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program(name));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let out = std::thread::spawn(move || read_all(out));
    let err = std::thread::spawn(move || read_all(err));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if begun.elapsed() > READY {
            let _ = child.kill();
            panic!("{name} {arguments:?} has not ended after {} s", READY.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let read = |reader: std::thread::JoinHandle<Vec<u8>>| reader.join().unwrap_or_default();
    Output { status, stdout: read(out), stderr: read(err) }
}

fn read_all(pipe: Option<impl std::io::Read>) -> Vec<u8> {
    let mut all = Vec::new();
    if let Some(mut pipe) = pipe {
        // what was read until the pipe broke is what there is
        let _ = pipe.read_to_end(&mut all);
    }
    all
}

/// A running daemon. Dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    url: String,
    log: PathBuf,
}

impl Daemon {
    /// Starts a daemon and waits for the line with its URL. Its stderr goes to `log`, after what is there.
    ///
    /// # Panics
    /// It ends, or says no URL in time; tells the end of its log.
    #[track_caller]
    pub fn start(name: &str, arguments: &[&str], log: &Path) -> Self {
        let begun = Instant::now();
        loop {
            match Self::try_start(name, arguments, log) {
                Ok(daemon) => return daemon,
                // somebody's outgoing connection may have been given the port meanwhile
                Err(error) if error.contains("in use") && begun.elapsed() < READY => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                Err(error) => panic!("{name} {arguments:?}: {error}"),
            }
        }
    }

    fn try_start(name: &str, arguments: &[&str], log: &Path) -> Result<Self, String> {
        let errors =
            File::options().create(true).append(true).open(log).expect("a log in the scratch folder");
        let mut command = Command::new(program(name));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let out = child.stdout.take().expect("stdout is a pipe");
        let (tell, hear) = mpsc::channel();
        // goes on reading, so that a daemon that says more never waits for a reader
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let mut daemon = Self { child, url: String::new(), log: log.to_owned() };
        let begun = Instant::now();
        while begun.elapsed() < READY {
            match hear.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => match url_in(&line) {
                    Some(url) => {
                        daemon.url = url;
                        return Ok(daemon);
                    }
                    None => return Err(format!("its first line has no URL: {line}")),
                },
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
        }
        let ended = daemon.child.try_wait();
        Err(format!("no URL on stdout ({ended:?}); its log ends:\n{}", daemon.log_end()))
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        let port = self.url.rsplit(':').next().and_then(|port| port.parse().ok());
        port.unwrap_or_else(|| panic!("`{}` has no port", self.url))
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        // it may have ended by itself
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, as a service manager would, and tells whether it ended well.
    ///
    /// # Panics
    /// It goes on.
    pub fn stop(&mut self) -> bool {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.is_ok_and(|status| status.success()), "kill -TERM {pid} did not work");
        let ended = super::wait::eventually("the daemon ends on SIGTERM", || {
            self.child.try_wait().expect("a child can be waited for")
        });
        ended.success()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Memory resident, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    /// The end of what it wrote on stderr.
    pub fn log_end(&self) -> String {
        const TOLD: u64 = 6_000;
        let mut text = Vec::new();
        if let Ok(mut file) = File::open(&self.log) {
            let length = file.metadata().map_or(0, |meta| meta.len());
            let _ = file.seek(SeekFrom::Start(length.saturating_sub(TOLD)));
            let _ = file.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.url.is_empty() {
            eprintln!("--- the log of {} ends:\n{}", self.url, self.log_end());
        }
        self.kill();
    }
}

fn url_in(line: &str) -> Option<String> {
    let from = line.find("http://").or_else(|| line.find("https://"))?;
    let url = line.get(from..)?.split(|c: char| c.is_whitespace() || c == '"').next()?;
    Some(url.trim_end_matches('/').to_owned())
}
