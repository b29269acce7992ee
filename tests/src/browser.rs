//! A real browser: Debian's Chromium, driven by WebDriver. The protocol is JSON over HTTP; a client of its own is smaller
//! than a crate for it, and speaks the developer tools' part as well, which no crate does.

#![expect(
    clippy::missing_panics_doc,
    reason = "a harness fails a test by a panic: nearly every function of it may"
)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::harness::http::Client;
use crate::harness::wait::eventually;

pub mod axe;
pub mod keys;

/// Between two keys of a person who types, in ms: well above what the page takes for a scanner.
const TYPING_MS: u64 = 60;

/// Times that a driver is started before that is given up.
const STARTS: u32 = 5;

/// How the browser is set up.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The screen in CSS pixels.
    pub screen: (u32, u32),
    /// The dark theme.
    pub dark: bool,
    /// A touch screen with the phone's rules for the viewport.
    pub phone: bool,
    /// What it accepts, such as `en`.
    pub language: &'static str,
    /// Whoever is there wants nothing to move.
    pub still: bool,
}

impl Setup {
    /// The till's screen, light, English.
    pub const TILL: Self =
        Self { screen: (1024, 768), dark: false, phone: false, language: "en", still: false };
    /// Head office's screen.
    pub const OFFICE: Self = Self { screen: (1440, 900), ..Self::TILL };
    /// A phone.
    pub const PHONE: Self = Self { screen: (390, 844), phone: true, ..Self::TILL };

    /// The same with nothing that moves.
    #[must_use]
    pub const fn still(self) -> Self {
        Self { still: true, ..self }
    }

    /// The same in the dark theme.
    #[must_use]
    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }
}

/// A browser with one page. Dropping it closes it.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    wire: Client,
    session: String,
}

impl Browser {
    /// Opens a browser.
    #[track_caller]
    pub fn open(setup: Setup) -> Self {
        let (driver, port) = (0..STARTS).find_map(|_| started()).expect("chromedriver says its port");
        let wire = Client::nobody(&format!("http://127.0.0.1:{port}"));
        let made = wire.post("/session", &capabilities(setup)).must(200);
        let session = made["value"]["sessionId"].as_str().expect("a session").to_owned();
        let browser = Self { driver, wire, session };
        let (width, height) = setup.screen;
        let screen = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": setup.phone});
        let _ = browser.tools("Emulation.setDeviceMetricsOverride", &screen);
        let theme = if setup.dark { "dark" } else { "light" };
        let motion = if setup.still { "reduce" } else { "no-preference" };
        let media = json!({"features": [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": motion},
        ]});
        let _ = browser.tools("Emulation.setEmulatedMedia", &media);
        browser
    }

    #[track_caller]
    fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = self.wire.post(&format!("/session/{}{path}", self.session), body);
        assert_eq!(answer.status, 200, "the browser says no to {path}: {}", answer.text);
        answer["value"].clone()
    }

    /// A command of the developer tools.
    #[track_caller]
    pub fn tools(&self, command: &str, parameters: &Value) -> Value {
        self.ask("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// Goes to an address.
    #[track_caller]
    pub fn go(&self, url: &str) {
        let _ = self.ask("/url", &json!({"url": url}));
    }

    /// What a script answers.
    #[track_caller]
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.ask("/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Text of the first element that a selector finds; nothing where there is none that is seen.
    #[track_caller]
    pub fn text(&self, selector: &str) -> Option<String> {
        let script = "const it = document.querySelector(arguments[0]); \
                      return it && it.checkVisibility() ? it.innerText : null";
        self.run(script, &[json!(selector)]).as_str().map(str::to_owned)
    }

    /// Waits until an element's text holds something, and gives the text back.
    #[track_caller]
    pub fn wait_for(&self, selector: &str, holds: &str) -> String {
        let what = format!("`{selector}` says `{holds}`; the page says: {}", self.page_text());
        eventually(&what, || self.text(selector).filter(|text| text.contains(holds)))
    }

    /// Waits until a script answers something true.
    #[track_caller]
    pub fn wait_until(&self, what: &str, script: &str) -> Value {
        eventually(what, || Some(self.run(script, &[])).filter(|answer| *answer == json!(true)))
    }

    /// Waits until nothing that a selector finds is seen.
    #[track_caller]
    pub fn wait_gone(&self, selector: &str) {
        eventually(&format!("`{selector}` is gone"), || self.text(selector).is_none().then_some(()));
    }

    fn page_text(&self) -> String {
        self.run("return document.body.innerText", &[]).as_str().unwrap_or("").replace('\n', " | ")
    }

    /// Opens a further tab, which shares what the first one is signed in with, and goes on there; answers the one that was left.
    #[track_caller]
    pub fn new_tab(&self) -> String {
        let here = self.wire.get(&format!("/session/{}/window", self.session)).must(200);
        let made = self.ask("/window/new", &json!({"type": "tab"}));
        self.switch_to(made["handle"].as_str().expect("a tab"));
        here["value"].as_str().expect("a tab").to_owned()
    }

    /// Goes on in another tab.
    #[track_caller]
    pub fn switch_to(&self, tab: &str) {
        let _ = self.ask("/window", &json!({"handle": tab}));
    }

    /// Goes back, as its button does.
    #[track_caller]
    pub fn back(&self) {
        let _ = self.ask("/back", &json!({}));
    }

    /// Clicks, as a mouse or a finger does.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let found = self.ask("/element", &json!({"using": "css selector", "value": selector}));
        let element = found.as_object().and_then(|found| found.values().next()).and_then(Value::as_str);
        let element = element.expect("an element has an id");
        let _ = self.ask(&format!("/element/{element}/click"), &json!({}));
    }

    /// Writes into a field what was not there, as a form's own filling-in does: no keys.
    #[track_caller]
    pub fn fill(&self, selector: &str, text: &str) {
        let script = "const it = document.querySelector(arguments[0]); it.value = arguments[1]; \
                      it.dispatchEvent(new Event('input', {bubbles: true})); \
                      it.dispatchEvent(new Event('change', {bubbles: true}))";
        let _ = self.run(script, &[json!(selector), json!(text)]);
    }

    /// Presses keys one after the other with a pause after each, in ms.
    #[track_caller]
    pub fn press(&self, keys: &str, pause_ms: u64) {
        let mut actions = Vec::new();
        for key in keys.chars() {
            actions.push(json!({"type": "keyDown", "value": key.to_string()}));
            actions.push(json!({"type": "keyUp", "value": key.to_string()}));
            if pause_ms > 0 {
                actions.push(json!({"type": "pause", "duration": pause_ms}));
            }
        }
        let _ =
            self.ask("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}));
    }

    /// One key, or one with a modifier held.
    #[track_caller]
    pub fn chord(&self, held: char, key: char) {
        let down = |key: char| json!({"type": "keyDown", "value": key.to_string()});
        let up = |key: char| json!({"type": "keyUp", "value": key.to_string()});
        let actions = json!([down(held), down(key), up(key), up(held)]);
        let _ =
            self.ask("/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]}));
    }

    /// Types as a person does.
    #[track_caller]
    pub fn type_text(&self, text: &str) {
        self.press(text, TYPING_MS);
    }

    /// A scan: a code as a scanner types it, with the identifier of its symbology first and Enter last.
    #[track_caller]
    pub fn scan(&self, code: &str) {
        self.press(&format!("]C1{code}{}", keys::ENTER), 0);
    }

    /// A picture of what is seen.
    #[track_caller]
    pub fn screenshot(&self, to: &Path) {
        let answer = self.wire.get(&format!("/session/{}/screenshot", self.session)).must(200);
        keep_picture(answer["value"].as_str().expect("a picture"), to);
    }

    /// A picture of the whole page, as far down as it goes.
    #[track_caller]
    pub fn whole_page(&self, to: &Path) {
        let size =
            "const it = document.documentElement; return [it.clientWidth, it.scrollHeight, innerHeight]";
        let size = self.run(size, &[]);
        if size[1].as_f64() <= size[2].as_f64() {
            return self.screenshot(to);
        }
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        let asked = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let answer = self.tools("Page.captureScreenshot", &asked);
        keep_picture(answer["data"].as_str().expect("a picture"), to);
    }

    /// What the page wrote to its console that is an error; a request that the API refused is none of them.
    #[track_caller]
    pub fn errors(&self) -> Vec<String> {
        let log = self.ask("/se/log", &json!({"type": "browser"}));
        let lines = log.as_array().cloned().unwrap_or_default();
        let severe = lines.iter().filter(|line| line["level"] == "SEVERE");
        let texts = severe.filter_map(|line| line["message"].as_str().map(str::to_owned));
        texts.filter(|text| !refused_by_the_api(text)).collect()
    }

    /// Addresses that were asked for since the last time.
    #[track_caller]
    pub fn requests(&self) -> Vec<String> {
        let log = self.ask("/se/log", &json!({"type": "performance"}));
        let mut asked = Vec::new();
        for line in log.as_array().cloned().unwrap_or_default() {
            let told: Value =
                serde_json::from_str(line["message"].as_str().unwrap_or("")).unwrap_or_default();
            if told["message"]["method"] == "Network.requestWillBeSent" {
                let url = told["message"]["params"]["request"]["url"].as_str();
                asked.extend(url.map(str::to_owned));
            }
        }
        asked
    }

    /// Checks that no error was told and that nothing left this machine.
    ///
    /// # Panics
    /// It was, or did.
    #[track_caller]
    pub fn must_be_clean(&self) {
        assert_eq!(self.errors(), Vec::<String>::new(), "the browser's console holds no error");
        let outside: Vec<String> = self.requests().into_iter().filter(|url| !stays_here(url)).collect();
        assert_eq!(outside, Vec::<String>::new(), "no request leaves this machine");
    }

    /// Milliseconds of every measurement of this name in the page's own timeline.
    #[track_caller]
    pub fn measured(&self, name: &str) -> Vec<f64> {
        let script = "return performance.getEntriesByName(arguments[0]).map((it) => it.duration)";
        let found = self.run(script, &[json!(name)]);
        found.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    }
}

fn keep_picture(text: &str, to: &Path) {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("base64");
    std::fs::write(to, bytes).expect("a file for the picture");
}

/// Chromium itself notes every answer from 400 up as an error: the sentences that a cashier is told, and a form that comes
/// back with what is wrong in it, as well.
fn refused_by_the_api(text: &str) -> bool {
    text.contains("Failed to load resource")
        && (text.contains("/api/")
            || ["409", "422"].iter().any(|status| text.contains(&format!("status of {status}"))))
}

fn stays_here(url: &str) -> bool {
    ["http://127.0.0.1:", "data:", "blob:", "about:", "chrome:"].iter().any(|own| url.starts_with(own))
}

/// A driver and its port; nothing where it ended at once: it binds one port for both kinds of addresses, and of a port that
/// the system chose for the one, another program may have the other.
fn started() -> Option<(Child, u16)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver starts: apt-get install chromium chromium-driver");
    let out = driver.stdout.take().expect("stdout is a pipe");
    let mut said = BufReader::new(out).lines().map_while(Result::ok);
    // the line before says which port it was asked for
    let ready = said.find(|line| line.contains("started successfully"));
    let port = ready
        .and_then(|line| line.split("on port ").nth(1)?.trim_end_matches('.').trim().parse::<u16>().ok());
    if port.is_none() {
        let _ = driver.kill();
        let _ = driver.wait();
    }
    port.map(|port| (driver, port))
}

fn capabilities(setup: Setup) -> Value {
    let (width, height) = setup.screen;
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        &format!("--window-size={width},{height}"),
    ];
    json!({"capabilities": {"alwaysMatch": {
        "goog:chromeOptions": {"args": arguments, "prefs": {"intl.accept_languages": setup.language}},
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }}})
}

/// Where pictures go unless told otherwise; git knows nothing of it.
pub fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots")
}

impl Drop for Browser {
    fn drop(&mut self) {
        // closing the session ends Chromium; the driver is ours to end
        let _ = self.wire.delete(&format!("/session/{}", self.session));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
