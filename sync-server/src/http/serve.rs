//! Connections: each may take only so long over its first bytes and over a request's head, and hears when the daemon
//! stops.

use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, watch};
use tokio::time::Sleep;

/// What HTTP/2 begins with: by so many bytes it is known which HTTP a connection speaks.
const PREFACE_BYTES: usize = 24;

/// Answers what comes in, until told to stop; then requests under way are ended. A connection on which no whole head comes
/// within `head_ms` is closed, be it the first or one that is kept open.
pub(crate) async fn serve<L: Listener>(
    mut listener: L,
    router: Router,
    head_ms: u64,
    mut stop: watch::Receiver<bool>,
) {
    let (alive, mut ended) = mpsc::channel::<()>(1);
    let head = Duration::from_millis(head_ms.max(1));
    loop {
        let stopped = async {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let stream = tokio::select! {
            (stream, _) = listener.accept() => stream,
            () = stopped => break,
        };
        let stream = Prompt { stream, read: 0, until: Box::pin(tokio::time::sleep(head)) };
        let service = TowerToHyperService::new(router.clone());
        let (alive, mut stop) = (alive.clone(), stop.clone());
        tokio::spawn(async move {
            let mut builder = Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).header_read_timeout(head);
            builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(head)).keep_alive_timeout(head);
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

/// A connection whose first bytes come in time: which HTTP it speaks is not known before, and no other limit holds.
struct Prompt<S> {
    stream: S,
    read: usize,
    until: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Prompt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.read += buffer.filled().len() - before;
        let late = polled.is_pending() && self.read < PREFACE_BYTES;
        if late && self.until.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(Error::from(ErrorKind::TimedOut)));
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prompt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
