//! What a till never decides by itself: it hands the request on to the server, and the answer back.

use std::time::Duration;

use serde::Serialize;
use shared::refusal::{Problem, Refusal};
use shared::wire::relay::{Deed, Relayed};

use super::{App, Error};

/// How long the server may take for it: a person waits, and no queue stands behind them as at a scan.
const PATIENCE: Duration = Duration::from_secs(10);

impl App {
    /// Hands a request on.
    ///
    /// # Errors
    /// `online_only`, where there is no line or no answer. Whether the server did it is then not known here; the same
    /// request under the same key tells.
    pub async fn relay<T: Serialize>(
        &self,
        deed: Deed,
        key: Option<&str>,
        asked: &T,
    ) -> Result<Relayed, Error> {
        if !self.link().is_online() {
            return Err(online_only(match deed {
                Deed::Consent(_) => "Consents are recorded at head office, and there is no line now.",
                _ => "Points move between accounts at head office, and there is no line now.",
            }));
        }
        let body = serde_json::to_vec(asked).map_err(|error| Error::Broken(error.to_string()))?;
        let answer = self.0.centre.relay(deed, key.map(str::to_owned), body);
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(relayed)) => {
                if relayed.status < 300 {
                    // what it did to the balances is seen here too, if it can be had in time
                    self.caught_up().await;
                }
                Ok(relayed)
            }
            Ok(Err(error)) => {
                tracing::info!(%error, "a request was handed on and not answered");
                self.link().failed(&error);
                Err(online_only(
                    "Head office does not answer; send the same request again once there is a line.",
                ))
            }
            Err(_) => Err(online_only("Head office took too long; send the same request again.")),
        }
    }
}

fn online_only(detail: &str) -> Error {
    Refusal::new(Problem::OnlineOnly, detail).into()
}
