//! Whether there is a line, as far as this till knows: the last word of our own server, and the switch that cuts it on
//! purpose.

use std::sync::Arc;

use shared::time::Millis;
use tokio::sync::watch;

/// What is known of the line.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Whether our server answered last.
    pub online: bool,
    /// Cut on purpose: nothing is sent.
    pub cut: bool,
    /// When it last answered, since this daemon runs.
    pub contact_at: Option<Millis>,
    /// The share of the bootstrap that is there, in thousandths.
    pub bootstrap_permille: u16,
    /// What went wrong last, in a sentence.
    pub error: Option<String>,
}

/// The line's state, shared; cheap to clone.
#[derive(Clone, Debug)]
pub struct Link(Arc<watch::Sender<Line>>);

impl Default for Link {
    fn default() -> Self {
        let line =
            Line { online: false, cut: false, contact_at: None, bootstrap_permille: 1_000, error: None };
        Self(Arc::new(watch::Sender::new(line)))
    }
}

impl Link {
    /// As it is now.
    pub fn line(&self) -> Line {
        self.0.borrow().clone()
    }

    /// Tells of every change.
    pub fn watch(&self) -> watch::Receiver<Line> {
        self.0.subscribe()
    }

    /// Whether a redemption may ask the server.
    pub fn is_online(&self) -> bool {
        let line = self.0.borrow();
        line.online && !line.cut
    }

    /// `online` or `offline`, as the API says it.
    pub fn word(&self) -> &'static str {
        if self.is_online() { "online" } else { "offline" }
    }

    /// Cuts the line on purpose, or lets it go again.
    pub fn cut(&self, cut: bool) {
        self.change(|line| {
            line.cut = cut;
            line.online &= !cut;
        });
    }

    /// Waits until the line is cut on purpose.
    pub async fn until_cut(&self) {
        let mut watch = self.watch();
        // the sender lives as long as this link
        let _ = watch.wait_for(|line| line.cut).await;
    }

    /// Waits until the line is cut on purpose, or let go again.
    pub async fn until_switched(&self) {
        let mut watch = self.watch();
        let cut = self.line().cut;
        let _ = watch.wait_for(|line| line.cut != cut).await;
    }

    /// Our server answered.
    pub fn answered(&self, at: Millis) {
        self.change(|line| {
            line.online = !line.cut;
            line.contact_at = Some(at);
            line.error = None;
        });
    }

    /// Our server did not answer, or not as ours does.
    pub fn failed(&self, error: &str) {
        self.change(|line| {
            line.online = false;
            line.error = Some(error.to_owned());
        });
    }

    /// So much of the bootstrap is there.
    pub fn bootstrapped(&self, permille: u16) {
        self.change(|line| line.bootstrap_permille = permille);
    }

    fn change(&self, change: impl FnOnce(&mut Line)) {
        self.0.send_if_modified(|line| {
            let before = line.clone();
            change(line);
            *line != before
        });
    }
}
