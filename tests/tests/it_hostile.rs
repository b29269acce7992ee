//! Hostile bytes on every port: an error, never a crash; and the daemon goes on answering.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use system_tests::harness::daemon::Daemon;
use system_tests::harness::goods::KL;
use system_tests::harness::http::Request;
use system_tests::harness::prelude::*;

const ALI: &str = "6009410000012345";
const SYNC: [&str; 6] = ["enrol", "push", "pull", "snapshot", "authorize", "receipt"];
const SYNC_TYPE: &str = "application/vnd.tillkeep.v1+postcard";

/// Numbers that look random and are the same each time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

/// A zstd frame of some kilobytes that says it is 1 GiB of zeros: blocks of one repeated byte (RFC 8878, 3.1.1.2).
fn bomb() -> Vec<u8> {
    const BLOCK: u32 = 128 * 1024;
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    for number in 1..=8_192 {
        let header = BLOCK << 3 | 1 << 1 | u32::from(number == 8_192);
        bytes.extend(&header.to_le_bytes()[..3]);
        bytes.push(0);
    }
    bytes
}

fn post(path: &str, kind: &str, extra: &[(&str, &str)], body: Vec<u8>) -> Request {
    let mut headers = vec![("Content-Type".to_owned(), kind.to_owned())];
    headers.extend(extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Request { method: "POST".into(), path: path.into(), headers, body: Some(body) }
}

/// Still alive, well, and honest about what is there.
fn still_well(office: &mut Office, till: &mut Till, ali: &Member, balance: i64) {
    assert!(office.daemon().is_running() && till.daemon().is_running());
    let _ = office.nobody().get("/healthz").must(200);
    let _ = till.nobody().get("/healthz").must(200);
    assert_eq!((office.balance(ali), till.balance(ALI)), (balance, balance));
    for log in [office.daemon().log_end(), till.daemon().log_end()] {
        assert!(!log.contains("panicked"), "{log}");
    }
}

#[test]
fn garbage_on_the_sync_endpoints_is_an_error_and_nothing_more() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let nobody = office.nobody();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for path in SYNC.map(|name| format!("/sync/v1/{name}")) {
        for length in [0, 1, 7, 64, 1_000, 70_000] {
            let mut body = numbers.bytes(length);
            refused(&nobody, &post(&path, SYNC_TYPE, &[], body.clone()));
            refused(&nobody, &post(&path, SYNC_TYPE, &[("Content-Encoding", "zstd")], body.clone()));
            refused(&nobody, &post(&path, "application/json", &[], body.clone()));
            // a good beginning, then garbage
            body.splice(0..0, [0x28, 0xb5, 0x2f, 0xfd]);
            refused(&nobody, &post(&path, SYNC_TYPE, &[("Content-Encoding", "zstd")], body.clone()));
            refused(&nobody, &post(&path, SYNC_TYPE, &[("Authorization", "Bearer e30.e30.e30")], body));
        }
        for extra in [&[][..], &[("Content-Encoding", "zstd")], &[("Authorization", "Bearer a.b.c")]] {
            refused(&nobody, &post(&path, SYNC_TYPE, extra, bomb()));
            refused(&nobody, &post(&path, SYNC_TYPE, extra, vec![0xff; 200_000]));
        }
    }
    assert!(office.daemon().resident_kib() < 600_000, "{} KiB", office.daemon().resident_kib());
    still_well(&mut office, &mut till, &ali, 1_000);
}

/// Answered with a refusal, or cut off; never taken.
#[track_caller]
fn refused(client: &Client, request: &Request) {
    if let Ok(answer) = client.send(request) {
        let expected = (400..500).contains(&answer.status) || answer.status == 503;
        assert!(expected, "{} answered {}: {}", answer.asked, answer.status, answer.text);
    }
}

#[test]
fn garbage_in_json_and_paths_is_an_error_and_nothing_more() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let mut numbers = Numbers(42);
    let long = "9".repeat(400);
    for client in [till.pos(), office.admin()] {
        for path in ["/api/transactions", "/api/scan", "/api/enrolments", "/api/refunds"] {
            for length in [1, 50, 5_000] {
                refused(&client, &post(path, "application/json", &[], numbers.bytes(length)));
            }
            for text in [
                "{\"code\": \"\\ud800\"}".to_owned(),
                format!("{{\"receipt\": {long}}}"),
                format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200)),
                format!(
                    "{{\"receipt\": \"R\", \"currency\": \"MYR\", \"lines\": [{{\"sku\": \"a\", \"unit_price\": \"{long}\"}}]}}"
                ),
            ] {
                refused(&client, &post(path, "application/json", &[], text.into_bytes()));
            }
        }
        let most = "9223372036854775807";
        let huge = sale("R-1", ALI, &[line(most, most)]);
        let _ = client.post("/api/transactions", &huge).problem(422, "invalid_amount");
        for path in [
            "%00",
            "%ff%fe",
            "..%2f..%2fetc%2fpasswd",
            "%F0%9F%92%A9",
            &long,
            "' OR 1=1 --".replace(' ', "%20").as_str(),
        ] {
            for before in ["/api/cards/", "/api/customers/", "/api/memberships/", "/api/transactions/"] {
                let answer = client.get(&format!("{before}{path}"));
                assert!((400..500).contains(&answer.status), "{} answered {}", answer.asked, answer.status);
            }
        }
    }
    still_well(&mut office, &mut till, &ali, 1_000);
}

#[test]
fn broken_http_and_idle_connections_keep_nobody_else_waiting() {
    let mut office = Office::open();
    let ali = office.member("Ali", ALI, 1_000);
    let mut till = Till::open(&office, KL, "till-1");
    till.wait_for_balance(ALI, 1_000);
    let ports = [office.port(), till.daemon().port()];
    let mut numbers = Numbers(7);
    let mut idle = Vec::new();
    for port in ports {
        let mut garbage = numbers.bytes(3_000);
        garbage.extend(b"\r\n\r\n");
        for bytes in [
            garbage,
            b"GET / HTTP/9.9\r\n\r\n".to_vec(),
            b"POST /api/scan HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_vec(),
            b"POST /api/scan HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(),
            [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; 500_000], b"\r\n\r\n".to_vec()].concat(),
        ] {
            shout(port, &bytes);
        }
        // those who begin and never go on
        for _ in 0..60 {
            let mut slow = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
            let _ =
                slow.write_all(b"POST /api/transactions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
            idle.push(slow);
        }
    }
    still_well(&mut office, &mut till, &ali, 1_000);
    let sold = till.sell(&sale("R-1", ALI, &[line("1", "10.00")]));
    till.sync();
    let _ = office.transaction_in_state(&sold.id(), "confirmed");
    still_well(&mut office, &mut till, &ali, 1_010);
}

/// Says something and hears what comes, for a moment.
fn shout(port: u16, bytes: &[u8]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_millis(500))).expect("a time-out");
    // it may be cut off while it is still shouting
    let _ = stream.write_all(bytes);
    let _ = stream.read(&mut [0; 1_024]);
}

/// Long enough for any machine; what is tested takes half a second, or fifteen.
const PATIENCE: Duration = Duration::from_mins(2);

/// What comes back on a connection until the other end closes it; it must.
fn until_closed(mut stream: &TcpStream, what: &str) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let mut told = Vec::new();
    match stream.read_to_end(&mut told) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{what}: nobody closed it: {error}"),
    }
    told
}

/// A head that never ends, in the time in which a byte of it may come; ended by the other side.
fn dribble(port: u16) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    let begun = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ");
    begun.expect("a head is taken");
    for _ in 0..1_200 {
        if stream.write_all(b"a").is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("port {port}: a head may go on for ever");
}

#[test]
fn whoever_says_nothing_or_never_ends_is_let_go() {
    let mut office = Office::open();
    let till = Till::enrolled(&office, KL, "till-1");
    office.run_with(&["--head-timeout-ms", "500"]);
    let folder = till.folder().join("data").display().to_string();
    let arguments = ["run", "--data-dir", &folder, "--listen", "127.0.0.1:0", "--head-timeout-ms", "500"];
    let daemon = Daemon::start("tillkeep-edge", &arguments, &till.folder().join("till.log"));
    let tokens = [office.new_token("pos", Some(KL)), till.token().to_owned()];
    let heads = ["", "GET", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: "];
    std::thread::scope(|scope| {
        for (port, token) in [office.port(), daemon.port()].into_iter().zip(&tokens) {
            for head in heads {
                scope.spawn(move || {
                    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
                    stream.write_all(head.as_bytes()).expect("written");
                    until_closed(&stream, &format!("port {port}, {head:?}"));
                });
            }
            scope.spawn(move || dribble(port));
            scope.spawn(move || {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
                let whole = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
                stream.write_all(whole.as_bytes()).expect("written");
                let told = until_closed(&stream, "one that is kept open");
                assert!(told.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&told));
            });
            scope.spawn(move || {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
                let half = format!(
                    "POST /api/scan HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\
                     Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{\"code\""
                );
                stream.write_all(half.as_bytes()).expect("written");
                let told = String::from_utf8_lossy(&until_closed(&stream, "half a body")).into_owned();
                assert!(told.starts_with("HTTP/1.1 400") && told.contains("took too long"), "{told}");
            });
        }
    });
    let _ = office.nobody().get("/healthz").must(200);
}
