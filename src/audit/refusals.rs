//! Refused credentials: a few have records of their own, the others are counted. A flood of them makes a bounded number
//! of lines.

use std::time::{Duration, Instant};

use super::{Asked, Record, line};

/// Event: a credential was refused.
pub(super) const REFUSED: &str = "credentials.refused";
/// Event: as many more were refused in a while.
const COUNTED: &str = "credentials.refused_more";
/// How long a while is.
pub(super) const WINDOW: Duration = Duration::from_secs(60);
/// Records of their own in a while.
const OWN: u64 = 20;

pub(super) struct Refusals {
    since: Instant,
    in_window: u64,
    counted: u64,
}

impl Refusals {
    pub fn new(now: Instant) -> Self {
        Self { since: now, in_window: 0, counted: 0 }
    }

    /// Notes one; says whether it is only counted.
    pub fn is_counted(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= WINDOW {
            (self.since, self.in_window) = (now, 0);
        }
        self.in_window += 1;
        let is_counted = self.in_window > OWN;
        self.counted += u64::from(is_counted);
        is_counted
    }

    /// The line for those that were only counted, once their while is over.
    pub fn summary(&mut self, now: Instant, is_end: bool) -> Option<Vec<u8>> {
        let is_due = is_end || now.duration_since(self.since) >= WINDOW;
        let counted = Some(self.counted).filter(|counted| is_due && *counted > 0)?;
        self.counted = 0;
        let at = jiff::Timestamp::now().to_string();
        let items = vec![counted.to_string()];
        line(&Record { at, asked: Asked::duty("audit"), event: COUNTED, items, ..Record::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_makes_few_lines_and_every_refusal_counts() {
        let begin = Instant::now();
        let mut refusals = Refusals::new(begin);
        let (mut own, mut counted) = (0, 0);
        for second in 0..600 {
            let now = begin + Duration::from_secs(second);
            for _ in 0..100 {
                own += u64::from(!refusals.is_counted(now));
            }
            if let Some(line) = refusals.summary(now, second == 599) {
                let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
                counted += line["items"][0].as_str().unwrap().parse::<u64>().unwrap();
            }
        }
        assert_eq!((own, own + counted), (10 * OWN, 60_000));
    }
}
