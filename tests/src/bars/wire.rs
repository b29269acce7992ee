//! The least HTTP there can be, on both ends: a client on one kept connection, and axum saying hello.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

/// A connection that is kept.
#[derive(Debug)]
pub struct Caller {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Caller {
    /// Connects to a URL without a path.
    pub fn new(url: &str, token: &str) -> Self {
        let address = url.trim_start_matches("http://");
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("small requests go at once");
        Self { stream: BufReader::new(stream), token: token.to_owned() }
    }

    /// A request; answers the status and the length of the body.
    pub fn call(&mut self, method: &str, path: &str, body: &str) -> (u16, usize) {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).expect("a request is sent");
        self.answer()
    }

    fn answer(&mut self) -> (u16, usize) {
        let (mut status, mut length, mut line) = (0, 0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("a line of the answer");
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("the answer's body");
        (status, length)
    }

    /// A request that is answered with this status.
    ///
    /// # Panics
    /// It is answered otherwise.
    pub fn must(&mut self, status: u16, method: &str, path: &str, body: &str) {
        let (told, _) = self.call(method, path, body);
        assert_eq!(told, status, "{method} {path}");
    }
}

/// Axum with one route that says hello; answers its URL. It ends with its runtime.
pub async fn hello() -> String {
    let router: Router = Router::new().route("/", get(|| async { "hello" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its own address"));
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("small answers go at once"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
