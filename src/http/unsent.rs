//! Large answers until they are sent: how many bytes of them one caller may leave unread, and for how long.
//!
//! An answer lies in memory until whoever asked has read it. A connection that goes on asking and reads nothing would keep
//! as many as it likes, and over HTTP/2 nothing of that shows from outside. So what waits is counted in bytes, each answer
//! has an end of its own, and is handed on in pieces, so that nobody else holds the whole of it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;

use crate::limits::places::{Place, Places, Shares, Taken};
use crate::limits::{ANSWER_READING, Payer};

/// MiB of answers that wait to be read: of all callers, of one credential, of one subject that it acts for.
pub const WAITING: Shares = Shares { all: 512, credential: 128, subject: 64 };
const MIB: u64 = 1024 * 1024;
/// Smaller answers are not counted: there are only as many as there are requests.
const SMALL: u64 = 64 * 1024;
const PIECE: usize = 64 * 1024;

/// The answer, with room for what of it is unread.
///
/// # Errors
/// When this caller, or all together, leave too much unread; the answer is dropped then.
pub async fn hold(places: &Arc<Places>, payer: &Payer, response: Response) -> Result<Response, Taken> {
    let Some(bytes) = response.body().size_hint().exact().filter(|bytes| *bytes > SMALL) else { return Ok(response) };
    let share = places.shares().subject as u64;
    let place = places.try_take_many(payer, bytes.div_ceil(MIB).min(share) as u32)?;
    let (parts, body) = response.into_parts();
    // It is here already, so it can't fail.
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    Ok(Response::from_parts(parts, Body::new(Unsent::new(whole, place, ANSWER_READING))))
}

/// What is left of an answer, and its place; gone when its time is over.
type Left = Arc<Mutex<Option<(Bytes, Place)>>>;

struct Unsent {
    left: Left,
    /// Bytes left; a body that ends early must not look whole.
    size: u64,
    end: tokio::task::JoinHandle<()>,
}

impl Unsent {
    fn new(whole: Bytes, place: Place, longest: Duration) -> Self {
        let size = whole.len() as u64;
        let left: Left = Arc::new(Mutex::new(Some((whole, place))));
        let late = left.clone();
        // Nobody polls the body of a stream whose reader takes nothing.
        let end = tokio::spawn(async move {
            tokio::time::sleep(longest).await;
            late.lock().take();
        });
        Self { left, size, end }
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.left.lock().take();
        self.end.abort();
    }
}

impl HttpBody for Unsent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.size == 0 {
            self.left.lock().take();
            return Poll::Ready(None);
        }
        let piece = self.left.lock().as_mut().map(|(whole, _)| {
            let piece = whole.split_to(whole.len().min(PIECE));
            // A copy: a part of it would keep the whole in memory wherever it waits.
            Bytes::copy_from_slice(&piece)
        });
        Poll::Ready(Some(match piece {
            Some(piece) => {
                self.size -= piece.len() as u64;
                Ok(Frame::data(piece))
            }
            None => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "the answer was not read in time")),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.size == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payer() -> Payer {
        Payer { credential: "k".to_owned(), subject: Some("user:ann".to_owned()) }
    }

    fn answer(bytes: usize) -> Response {
        Response::new(Body::from(vec![b'x'; bytes]))
    }

    #[tokio::test]
    async fn what_is_unread_is_counted_until_it_is_read_or_left() {
        let places = Places::new(Shares { all: 4, credential: 3, subject: 2 });
        let first = hold(&places, &payer(), answer(2 * MIB as usize)).await.unwrap();
        assert_eq!(hold(&places, &payer(), answer(100_000)).await.unwrap_err(), Taken::Own);
        // Small ones are always answered.
        hold(&places, &payer(), answer(1_000)).await.unwrap();
        let read = to_bytes(first.into_body(), usize::MAX).await.unwrap();
        assert_eq!(read.len(), 2 * MIB as usize);
        let left = hold(&places, &payer(), answer(50 * MIB as usize)).await.unwrap();
        assert_eq!(places.free(), 2, "no more than its share");
        drop(left);
        assert_eq!(places.free(), 4);
    }

    #[tokio::test]
    async fn an_answer_that_nobody_reads_is_dropped_in_time_and_does_not_look_whole() {
        let places = Places::new(Shares { all: 4, credential: 4, subject: 4 });
        let place = places.try_take_many(&payer(), 3).unwrap();
        let held = Body::new(Unsent::new(Bytes::from(vec![b'x'; 100_000]), place, Duration::from_millis(50)));
        assert_eq!(places.free(), 1);
        let begun = std::time::Instant::now();
        while places.free() < 4 {
            assert!(begun.elapsed() < Duration::from_secs(20), "it is kept");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(45), "{:?}", begun.elapsed());
        assert!(to_bytes(held, usize::MAX).await.is_err());
    }
}
