//! Connections: each may take only so long over a request's head, and hears when the daemon stops.

use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::sync::{mpsc, watch};

/// Answers what comes in, until told to stop; then requests under way are ended. A connection on which no whole head comes
/// within `head_ms` is closed, be it the first or one that is kept open.
pub(crate) async fn serve<L: Listener>(
    mut listener: L,
    router: Router,
    head_ms: u64,
    mut stop: watch::Receiver<bool>,
) {
    let (alive, mut ended) = mpsc::channel::<()>(1);
    loop {
        let stopped = async {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let stream = tokio::select! {
            (stream, _) = listener.accept() => stream,
            () = stopped => break,
        };
        let service = TowerToHyperService::new(router.clone());
        let (alive, mut stop) = (alive.clone(), stop.clone());
        tokio::spawn(async move {
            let mut builder = Builder::new(TokioExecutor::new()).http1_only();
            builder
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_millis(head_ms.max(1)));
            let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
            let stopped = async move {
                // a sender that is gone means the same
                let _ = stop.wait_for(|stop| *stop).await;
            };
            let done = tokio::select! {
                done = connection.as_mut() => done,
                () = stopped => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = done {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(alive);
        });
    }
    drop((listener, alive));
    // until the last connection has let go of its end
    let _ = ended.recv().await;
}
