//! What a caller waits on while a thread of the store works for it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::{CommitError, StoreError};

/// An error that can say that nobody is there any more to answer.
pub trait Unanswered {
    /// It.
    fn unanswered() -> Self;
}

const GONE: &str = "nobody is there to answer";

impl Unanswered for StoreError {
    fn unanswered() -> Self {
        Self::Stopped(GONE.into())
    }
}

impl Unanswered for CommitError {
    fn unanswered() -> Self {
        Self::Stopped(GONE.into())
    }
}

/// An answer that will come. Dropping it does not take back what was asked.
#[derive(Debug)]
#[must_use = "what was asked is done all the same, but nobody hears whether it worked"]
pub struct Reply<T, E = StoreError>(oneshot::Receiver<Result<T, E>>);

/// Where the answer goes in.
pub(super) type Answer<T, E = StoreError> = oneshot::Sender<Result<T, E>>;

impl<T, E> Reply<T, E> {
    /// A place for an answer, and the answer to come.
    pub(super) fn channel() -> (Answer<T, E>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Waits for it on this thread, which must not be one of an async runtime.
    ///
    /// # Panics
    /// On a thread of an async runtime.
    pub fn wait(self) -> Result<T, E>
    where
        E: Unanswered,
    {
        self.0.blocking_recv().unwrap_or_else(|_| Err(E::unanswered()))
    }
}

impl<T, E: Unanswered> Future for Reply<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|came| came.unwrap_or_else(|_| Err(E::unanswered())))
    }
}
