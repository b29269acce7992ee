//! Webhooks: a signed `POST`.

use std::fmt::Write as _;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use shared::time::Millis;

use crate::app::notices::parcel::{Call, Fate};

/// Longest wait for an answer, in ms.
const WAIT_MS: u64 = 15_000;
/// The header with time and signature.
const SIGNATURE: &str = "Tillkeep-Signature";
/// The header with the notification's id.
const DELIVERY: &str = "Tillkeep-Delivery";

/// The way to other systems.
pub(super) struct Hooks {
    http: Option<reqwest::Client>,
}

/// What stands in the header: `t=<seconds>,v1=<hex>`, HMAC-SHA256 over seconds, dot and body.
fn signature(secret: &str, body: &str, at: Millis) -> String {
    let seconds = at.0 / 1_000;
    let mut signed = format!("t={seconds},v1=");
    // a key of any length is good for HMAC
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(format!("{seconds}.{body}").as_bytes());
        for byte in mac.finalize().into_bytes() {
            let _ = write!(signed, "{byte:02x}");
        }
    }
    signed
}

impl Hooks {
    pub(super) fn new() -> Self {
        // one that is installed already is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_millis(WAIT_MS))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("tillkeep/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { http: client.inspect_err(|error| tracing::error!(%error, "no HTTP client")).ok() }
    }

    /// Calls a webhook; any answer below 300 is a yes.
    pub(super) async fn call(&self, call: &Call, now: Millis) -> Fate {
        let Some(http) = &self.http else { return Fate::Failed("There is no HTTP client.".to_owned()) };
        let sent = http
            .post(&call.url)
            .header("Content-Type", "application/json")
            .header("Tillkeep-Event", &call.event)
            .header(DELIVERY, call.id.to_string())
            .header(SIGNATURE, signature(&call.secret, &call.body, now))
            .body(call.body.clone())
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status().is_success() => Fate::Taken,
            Ok(answer) => Fate::Failed(format!("The webhook answered {}.", answer.status())),
            Err(error) => Fate::Failed(format!("The webhook did not answer: {}", error.without_url())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_hmac_sha256_over_time_and_body() {
        // by `printf '1764271680.{}' | openssl dgst -sha256 -hmac 0123456789abcdef`
        let expected = "t=1764271680,v1=8b56bd947637c1dc7b91a15760c9371d3fcfb0da8f6dca8a31ed7f2cd98aa8a2";
        assert_eq!(signature("0123456789abcdef", "{}", Millis(1_764_271_680_999)), expected);
    }
}
