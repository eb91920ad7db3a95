//! What a refused request still has to send is read before it is answered, within limits.
//!
//! A connection that is closed over bytes nobody has read is reset, and a reset takes the answer with it: the caller of a
//! 429 would see a broken pipe and never learn how long to wait (RFC 9112, section 9.6).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;

/// Bytes that are read of what nobody wants.
const MOST: u64 = super::MAX_BODY as u64;
/// How long they may take to come.
const LONGEST: Duration = Duration::from_secs(1);

pub async fn read(request: Request, next: Next) -> Response {
    // Who asks first doesn't send after a refusal.
    if request.headers().contains_key(header::EXPECT) || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (back, mut left) = oneshot::channel();
    let response = next.run(request.map(|body| Body::new(Lent { body, back: Some(back) }))).await;
    if let Ok(body) = left.try_recv() {
        let _ = tokio::time::timeout(LONGEST, discard(body)).await;
    }
    response
}

async fn discard(mut body: Body) {
    if body.size_hint().lower() > MOST {
        return;
    }
    let mut seen = 0;
    while let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        seen += frame.data_ref().map_or(0, Bytes::len) as u64;
        if seen > MOST {
            return;
        }
    }
}

/// A request's body that comes back when its handler has done with it.
struct Lent {
    body: Body,
    back: Option<oneshot::Sender<Body>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(back) = self.back.take() {
            let _ = back.send(std::mem::take(&mut self.body));
        }
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
