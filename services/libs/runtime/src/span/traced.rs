//! Work that is a span.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::Span;
use crate::context;

pin_project! {
    /// Work that is a span: while it runs, the span's place is the current one.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Traced<F, D> {
        #[pin]
        work: F,
        span: Span,
        end: Option<D>,
        polling: bool,
    }

    impl<F, D> PinnedDrop for Traced<F, D> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if *this.polling {
                // It was left in the middle, which only a panic does.
                this.span.describe(|open| open.fail("panic"));
            } else if this.end.is_some() {
                // Nobody waited for its end: a client that has hung up, a time that was over.
                this.span.describe(|open| open.set("cancelled", true));
            }
        }
    }
}

impl<F, D> Traced<F, D> {
    pub(super) const fn new(span: Span, work: F, end: D) -> Self {
        Self { work, span, end: Some(end), polling: false }
    }
}

impl<F, D> Future for Traced<F, D>
where
    F: Future,
    D: FnOnce(&mut Span, &F::Output),
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _standing = this.span.place().map(context::stand_at);
        *this.polling = true;
        let polled = this.work.poll(task);
        *this.polling = false;
        let output = ready!(polled);
        if let Some(end) = this.end.take() {
            end(this.span, &output);
        }
        // It ends now, however long this future is kept.
        drop(std::mem::take(this.span));
        Poll::Ready(output)
    }
}
