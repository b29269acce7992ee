//! The daemon's socket in its data directory (mode 0600): one command a connection. The client sends the command as a
//! line of JSON and then its input; the daemon answers lines of JSON, the last of them the exit status.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as Blocking;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::{Command, run};
use crate::app::App;
use crate::app::console::Console;

/// A line of the answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Out(String),
    Err(String),
    Progress(u64, u64),
    Exit(u8),
}

/// Where the socket is.
pub fn path(directory: &Path) -> PathBuf {
    directory.join("server.sock")
}

/// Makes the socket; one that a killed daemon left is replaced, for whoever holds the store's lock owns it.
pub fn bind(directory: &Path) -> std::io::Result<UnixListener> {
    let path = path(directory);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves commands until told to stop.
pub async fn serve(listener: UnixListener, app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let app = Arc::clone(&app);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = answer(stream, &app) {
                tracing::warn!(%error, "a command's connection broke");
            }
        });
    }
}

fn answer(stream: UnixStream, app: &Arc<App>) -> std::io::Result<()> {
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    let mut input = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    input.read_line(&mut first)?;
    let mut console = Wire(stream);
    let done = match serde_json::from_str::<Command>(&first) {
        Ok(command) => run(app, command, &mut input, &mut console),
        Err(error) => {
            console.err(&format!("this daemon does not know the command: {error}"));
            false
        }
    };
    console.send(&Line::Exit(u8::from(!done)));
    Ok(())
}

/// Words on their way through the socket.
struct Wire(Blocking);

impl Wire {
    fn send(&mut self, line: &Line) {
        let text = serde_json::to_string(line).unwrap_or_default();
        // who asked may have gone; what was begun is ended all the same
        let _ = self.0.write_all(format!("{text}\n").as_bytes());
    }
}

impl Console for Wire {
    fn out(&mut self, line: &str) {
        self.send(&Line::Out(line.to_owned()));
    }

    fn err(&mut self, line: &str) {
        self.send(&Line::Err(line.to_owned()));
    }

    fn progress(&mut self, done: u64, total: u64) {
        self.send(&Line::Progress(done, total));
    }
}

/// Has the daemon of a data directory run a command; `None` where none runs.
pub fn ask(
    directory: &Path,
    command: &Command,
    mut input: impl Read + Send,
    console: &mut dyn Console,
) -> Option<std::io::Result<bool>> {
    let stream = Blocking::connect(path(directory)).ok()?;
    Some(std::thread::scope(|scope| {
        let mut sending = stream.try_clone()?;
        let line = serde_json::to_string(command).map_err(std::io::Error::other)?;
        scope.spawn(move || {
            let sent = sending.write_all(format!("{line}\n").as_bytes());
            // a daemon that stops reading has said why
            let _ = sent.and_then(|()| std::io::copy(&mut input, &mut sending));
            let _ = sending.shutdown(std::net::Shutdown::Write);
        });
        hear(&stream, console)
    }))
}

fn hear(stream: &Blocking, console: &mut dyn Console) -> std::io::Result<bool> {
    for line in BufReader::new(stream).lines() {
        match serde_json::from_str(&line?).map_err(std::io::Error::other)? {
            Line::Out(text) => console.out(&text),
            Line::Err(text) => console.err(&text),
            Line::Progress(done, total) => console.progress(done, total),
            Line::Exit(status) => return Ok(status == 0),
        }
    }
    Err(std::io::Error::other("the daemon went away"))
}
