//! axe-core, which looks for what keeps people with disabilities out. It comes from npm at test time, into a folder
//! beside the build's: nothing of it is in the repository.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::Browser;

/// The version that is looked with.
const VERSION: &str = "4.14.1";

static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let folder = cache();
    let file = folder.join("node_modules/axe-core/axe.min.js");
    if !file.is_file() {
        std::fs::create_dir_all(&folder).expect("a folder for npm");
        let package = format!("axe-core@{VERSION}");
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]);
        let done = npm.arg(&folder).arg(package).output().expect("npm is there, to fetch axe-core");
        assert!(done.status.success(), "npm: {}", String::from_utf8_lossy(&done.stderr));
    }
    std::fs::read_to_string(file).expect("axe-core as npm fetched it")
});

/// `target/axe`, wherever the build's folder is.
fn cache() -> PathBuf {
    let own = std::env::current_exe().expect("the test knows its own program");
    let target = own.ancestors().find(|folder| folder.join(".rustc_info.json").is_file());
    target.map_or_else(std::env::temp_dir, PathBuf::from).join("axe")
}

impl Browser {
    /// Checks the page that is shown by the rules of WCAG 2.2 AA.
    ///
    /// # Panics
    /// Something violates them; tells what and where.
    #[track_caller]
    pub fn must_be_accessible(&self, what: &str) {
        // by the developer tools: the page's own policy lets no script of others in
        let _ = self.tools("Runtime.evaluate", &json!({"expression": &*SCRIPT}));
        let tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
        // a line that is still fading in has a contrast of its own, a moment later gone
        self.wait_until(
            "what moves has come to rest",
            "return document.getAnimations().every((it) => \
             it.playState !== 'running' || it.effect.getComputedTiming().endTime === Infinity)",
        );
        let look = format!(
            "axe.run(document, {{runOnly: {}}}).then((it) => JSON.stringify(it.violations.map((v) => \
             [v.id, v.help, v.nodes.map((n) => n.html + ' ' + n.failureSummary)])))",
            json!(tags)
        );
        let asked = json!({"expression": look, "awaitPromise": true, "returnByValue": true});
        let told = self.tools("Runtime.evaluate", &asked);
        let text = told["result"]["value"].as_str().unwrap_or_else(|| panic!("axe does not answer: {told}"));
        let found: Value = serde_json::from_str(text).expect("axe tells JSON");
        assert_eq!(found, json!([]), "axe-core finds something on {what}: {found:#}");
    }
}
