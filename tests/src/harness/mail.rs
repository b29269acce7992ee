//! What notifications go to: a mail server and another system's webhook, each on loopback, each able to refuse.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A mail as it was taken.
#[derive(Clone, Debug)]
pub struct Letter {
    /// To whom, by the envelope.
    pub to: String,
    /// Headers and text.
    pub text: String,
}

impl Letter {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or("");
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }
}

#[derive(Debug, Default)]
struct Taken {
    refuse: u32,
    refused: u32,
    letters: Vec<Letter>,
    calls: Vec<Call>,
    closed: bool,
}

/// A mail server: it speaks as much SMTP (RFC 5321) as one message at a time takes.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
}

/// A call of a webhook as it came.
#[derive(Clone, Debug)]
pub struct Call {
    /// Headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// Another system that is told by `POST`.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
}

fn lock(taken: &Arc<Mutex<Taken>>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens, and serves each connection on a thread of its own.
fn serve(with: fn(&TcpStream, &Arc<Mutex<Taken>>)) -> (SocketAddr, Arc<Mutex<Taken>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port on loopback");
    let address = listener.local_addr().expect("a bound listener has an address");
    let taken = Arc::<Mutex<Taken>>::default();
    let own = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if lock(&own).closed {
                return;
            }
            let own = Arc::clone(&own);
            std::thread::spawn(move || with(&stream, &own));
        }
    });
    (address, taken)
}

fn close(address: SocketAddr, taken: &Arc<Mutex<Taken>>) {
    lock(taken).closed = true;
    // wakes the listener, which then sees that it is over
    let _ = TcpStream::connect(address);
}

impl Taken {
    /// Whether this one is to be refused.
    fn refuses(&mut self) -> bool {
        let refuses = self.refuse > 0;
        self.refuse = self.refuse.saturating_sub(1);
        self.refused += u32::from(refuses);
        refuses
    }
}

impl MailServer {
    /// A mail server that runs.
    pub fn open() -> Self {
        let (address, taken) = serve(smtp);
        Self { address, taken }
    }

    /// Its address, as the server is told it.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Refuses the next `count` mails for the time being (451).
    pub fn refuse(&self, count: u32) {
        lock(&self.taken).refuse = count;
    }

    /// How many were refused so.
    pub fn refused(&self) -> u32 {
        lock(&self.taken).refused
    }

    /// Mails taken so far.
    pub fn letters(&self) -> Vec<Letter> {
        lock(&self.taken).letters.clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        close(self.address, &self.taken);
    }
}

fn smtp(stream: &TcpStream, taken: &Arc<Mutex<Taken>>) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    let mut say = |line: &str| writer.write_all(format!("{line}\r\n").as_bytes()).is_ok();
    if !say("220 loopback ESMTP") {
        return;
    }
    let (mut to, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let word = line.trim().to_ascii_uppercase();
        let goes_on = if word.starts_with("MAIL FROM") {
            to.clear();
            say(if lock(taken).refuses() { "451 4.3.0 later, please" } else { "250 2.1.0 fine" })
        } else if word.starts_with("RCPT TO") {
            line.trim().get(8..).unwrap_or("").trim_matches(['<', '>', ' ']).clone_into(&mut to);
            say("250 2.1.5 fine")
        } else if word == "DATA" {
            if !say("354 go on") {
                return;
            }
            let text = read_data(&mut reader);
            lock(taken).letters.push(Letter { to: to.clone(), text });
            say("250 2.0.0 taken")
        } else if word == "QUIT" {
            let _ = say("221 2.0.0 good bye");
            return;
        } else {
            say("250 fine")
        };
        if !goes_on {
            return;
        }
    }
}

/// A message up to the lone dot, its stuffed dots taken out.
fn read_data(reader: &mut impl BufRead) -> String {
    let (mut text, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == ".\r\n" {
            return text;
        }
        text.push_str(line.strip_prefix('.').filter(|_| line.starts_with("..")).unwrap_or(&line));
    }
}

impl Receiver {
    /// A receiver that runs.
    pub fn open() -> Self {
        let (address, taken) = serve(http);
        Self { address, taken }
    }

    /// Where it is told.
    pub fn url(&self) -> String {
        format!("http://{}/told", self.address)
    }

    /// Answers the next `count` calls with 503.
    pub fn refuse(&self, count: u32) {
        lock(&self.taken).refuse = count;
    }

    /// Every call so far, those that were refused too.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.taken).calls.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        close(self.address, &self.taken);
    }
}

fn http(stream: &TcpStream, taken: &Arc<Mutex<Taken>>) {
    let mut reader = BufReader::new(stream);
    let (mut headers, mut line) = (BTreeMap::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim().split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    let length = headers.get("content-length").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let mut body = String::new();
    if reader.take(length).read_to_string(&mut body).is_err() {
        return;
    }
    let refused = {
        let mut taken = lock(taken);
        taken.calls.push(Call { headers, body });
        taken.refuses()
    };
    let status = if refused { "503 Service Unavailable" } else { "204 No Content" };
    let mut writer = stream;
    // the caller may have gone
    let _ = writer.write_all(format!("HTTP/1.1 {status}\r\nconnection: close\r\n\r\n").as_bytes());
}
