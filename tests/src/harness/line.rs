//! The line between a till and head office: a proxy that can be cut, go deaf, be slow, lose answers whose requests went
//! through, and deliver requests twice.
//!
//! It knows just enough of HTTP/1.1 to tell where a request and an answer end.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A line. Dropping it cuts it.
#[derive(Debug)]
pub struct Line {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    to: SocketAddr,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    weather: Weather,
    open: BTreeMap<u64, TcpStream>,
    opened: u64,
    passed: BTreeMap<String, u64>,
    closed: bool,
}

#[derive(Clone, Debug, Default)]
struct Weather {
    cut: bool,
    deaf: bool,
    twice: bool,
    slow: Duration,
    lose: Option<(String, u32)>,
}

impl Line {
    /// A line to a port on loopback, whether somebody listens there or not.
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port on loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let to = SocketAddr::from(([127, 0, 0, 1], port));
        let shared = Arc::new(Shared { to, state: Mutex::default() });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if own.state().closed {
                    return;
                }
                let own = Arc::clone(&own);
                std::thread::spawn(move || own.serve(&stream));
            }
        });
        Self { shared, address }
    }

    /// What a till is told as the server's address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Nothing passes any more, and what is under way breaks off.
    pub fn cut(&self) {
        let mut state = self.shared.state();
        state.weather.cut = true;
        state.hang_up();
    }

    /// Connections are taken and requests swallowed, and no answer ever comes: a router that is up with no line behind.
    pub fn go_deaf(&self) {
        let mut state = self.shared.state();
        state.weather.deaf = true;
        state.hang_up();
    }

    /// All is well again.
    pub fn mend(&self) {
        let mut state = self.shared.state();
        state.weather = Weather::default();
        // who was being ignored is let go, so that they call again
        state.hang_up();
    }

    /// Each request takes this much longer.
    pub fn slow_by(&self, by: Duration) {
        self.shared.state().weather.slow = by;
    }

    /// Each request reaches the server twice; the first answer is given.
    pub fn deliver_twice(&self) {
        self.shared.state().weather.twice = true;
    }

    /// The next `count` requests whose path holds `path` reach the server, and their answers are lost.
    pub fn lose_answers(&self, path: &str, count: u32) {
        self.shared.state().weather.lose = Some((path.to_owned(), count));
    }

    /// How many answers are still to be lost.
    pub fn still_to_lose(&self) -> u32 {
        self.shared.state().weather.lose.as_ref().map_or(0, |(_, count)| *count)
    }

    /// How many requests with a path that holds `path` have reached the server.
    pub fn passed(&self, path: &str) -> u64 {
        let state = self.shared.state();
        state.passed.iter().filter(|(of, _)| of.contains(path)).map(|(_, count)| count).sum()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        {
            let mut state = self.shared.state();
            state.closed = true;
            state.weather.cut = true;
            state.hang_up();
        }
        // wakes the listener, which then sees that it is over
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn hang_up(&mut self) {
        for stream in std::mem::take(&mut self.open).into_values() {
            // the other side may have gone first
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One connection of a till, until either side or the weather ends it.
    fn serve(&self, client: &TcpStream) {
        if let Some(_held) = self.hold(client) {
            self.carry(client);
        }
    }

    /// Request by request.
    fn carry(&self, client: &TcpStream) {
        let mut reader = BufReader::new(client);
        while let Some(request) = Message::read(&mut reader, true) {
            let weather = self.state().weather.clone();
            if weather.cut {
                return;
            }
            if weather.deaf {
                swallow(&mut reader);
                return;
            }
            std::thread::sleep(weather.slow);
            let Some(answer) = self.pass_on(&request) else { return };
            if weather.twice {
                // only the server is to notice it
                let _ = self.pass_on(&request);
            }
            let mut writer = client;
            if self.loses(&request) || writer.write_all(&answer.bytes).is_err() || answer.is_last {
                return;
            }
        }
    }

    /// Keeps a connection where a cut finds it, until what is given back is dropped; none where the line is cut.
    fn hold(&self, stream: &TcpStream) -> Option<Held<'_>> {
        let mut state = self.state();
        if state.weather.cut {
            return None;
        }
        state.opened += 1;
        let number = state.opened;
        state.open.insert(number, stream.try_clone().ok()?);
        Some(Held { shared: self, number })
    }

    fn pass_on(&self, request: &Message) -> Option<Message> {
        let server = TcpStream::connect(self.to).ok()?;
        let _held = self.hold(&server)?;
        (&server).write_all(&request.bytes).ok()?;
        *self.state().passed.entry(request.path()).or_default() += 1;
        Message::read(&mut BufReader::new(&server), false)
    }

    fn loses(&self, request: &Message) -> bool {
        match &mut self.state().weather.lose {
            Some((path, count)) if *count > 0 && request.path().contains(path.as_str()) => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }
}

/// An open connection; dropping it closes it.
struct Held<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(stream) = self.shared.state().open.remove(&self.number) {
            // the other side may have gone first
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Says nothing until the line is cut or mended, or the till gives up.
fn swallow(from: &mut impl BufRead) {
    while let Ok(length @ 1..) = from.fill_buf().map(<[u8]>::len) {
        from.consume(length);
    }
}

/// A request or an answer, byte for byte.
struct Message {
    bytes: Vec<u8>,
    first_line: String,
    is_last: bool,
}

impl Message {
    /// Reads one whole message; none where the connection ends first.
    fn read(from: &mut impl BufRead, is_request: bool) -> Option<Self> {
        let mut bytes = Vec::new();
        let (mut length, mut chunked, mut first_line) = (None, false, String::new());
        let mut is_last = false;
        loop {
            let start = bytes.len();
            if from.read_until(b'\n', &mut bytes).ok()? == 0 {
                return None;
            }
            let line = String::from_utf8_lossy(&bytes[start..]).trim().to_ascii_lowercase();
            if start == 0 {
                first_line.clone_from(&line);
            } else if line.is_empty() {
                break;
            } else if let Some(value) = line.strip_prefix("content-length:") {
                length = Some(value.trim().parse::<u64>().ok()?);
            } else if let Some(value) = line.strip_prefix("transfer-encoding:") {
                chunked = value.contains("chunked");
            } else if line.starts_with("connection:") && line.contains("close") {
                is_last = true;
            }
        }
        let status = first_line.split(' ').nth(1).unwrap_or_default();
        let bodiless = !is_request && matches!(status, "204" | "304");
        if chunked {
            read_chunks(from, &mut bytes)?;
        } else if let Some(length) = length {
            read_exactly(from, length, &mut bytes)?;
        } else if !is_request && !bodiless {
            is_last = true;
            from.read_to_end(&mut bytes).ok()?;
        }
        Some(Self { bytes, first_line, is_last })
    }

    fn path(&self) -> String {
        self.first_line.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

fn read_exactly(from: &mut impl BufRead, length: u64, into: &mut Vec<u8>) -> Option<()> {
    let read = from.by_ref().take(length).read_to_end(into).ok()?;
    (read as u64 == length).then_some(())
}

fn read_chunks(from: &mut impl BufRead, into: &mut Vec<u8>) -> Option<()> {
    loop {
        let start = into.len();
        from.read_until(b'\n', into).ok()?;
        let line = String::from_utf8_lossy(&into[start..]).trim().to_owned();
        let size = u64::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        // the chunk and the line end after it; after the last, there are no trailers that anyone here sends
        read_exactly(from, size + 2, into)?;
        if size == 0 {
            return Some(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wait::eventually;
    use super::*;

    #[test]
    fn a_message_ends_where_http_says() {
        let two = b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n";
        let mut reader = BufReader::new(&two[..]);
        let first = Message::read(&mut reader, true).unwrap();
        assert_eq!((first.path().as_str(), first.bytes.ends_with(b"abc")), ("/a", true));
        assert_eq!(Message::read(&mut reader, true).unwrap().path(), "/b");
        assert!(Message::read(&mut reader, true).is_none());

        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nrest";
        let mut reader = BufReader::new(&chunked[..]);
        let answer = Message::read(&mut reader, false).unwrap();
        assert!(answer.bytes.ends_with(b"0\r\n\r\n") && !answer.is_last);
        assert_eq!(reader.buffer(), b"rest");
    }

    #[test]
    fn a_cut_line_breaks_what_is_under_way() {
        let server = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let line = Line::to(server.local_addr().unwrap().port());
        let mut till = TcpStream::connect(line.address).unwrap();
        till.write_all(b"GET /slow HTTP/1.1\r\n\r\n").unwrap();
        let _under_way = server.accept().unwrap();
        eventually("the request is under way", || (line.passed("/slow") == 1).then_some(()));
        line.cut();
        assert_eq!(till.read(&mut [0; 8]).unwrap_or(0), 0);
    }
}
