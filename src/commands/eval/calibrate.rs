//! Which calibration of an embedder fits the passages that were found: logistic regression of "it answers" on cosine and
//! coverage, by Newton's method.

use anyhow::{bail, ensure};

use super::cases::Case;
use super::measures::Hit;
use crate::embed::Calibration;
use crate::embed::calibration::MAX_COEFFICIENT;
use crate::wire::Passage;

/// A passage that was found.
pub struct Sample {
    /// 1, its cosine, its coverage.
    x: [f64; 3],
    answers: bool,
}

/// Fewer of either kind say nothing.
const MIN_OF_A_KIND: usize = 20;
const ROUNDS: usize = 2_000;
/// Keeps what is not determined where it is: a keyword leg has no cosines.
const RIDGE: f64 = 1e-9;

impl Sample {
    /// Nothing where the coverage is not known.
    pub fn of(case: &Case, passage: &Passage, hit: &Hit) -> Option<Self> {
        let answers = case.wanted.iter().any(|wanted| hit.answers(wanted));
        Some(Self { x: [1.0, passage.cosine.unwrap_or_default(), passage.coverage?], answers })
    }
}

/// As it stands in the configuration.
///
/// # Errors
/// When there are too few passages that answer, or that don't, or nothing fits.
pub fn fitted(samples: &[Sample]) -> anyhow::Result<String> {
    let answers = samples.iter().filter(|sample| sample.answers).count();
    if answers.min(samples.len() - answers) < MIN_OF_A_KIND {
        bail!("{answers} of {} passages answer: too few of one kind to calibrate by", samples.len());
    }
    let Calibration { offset, cosine, coverage } = fit(samples)?;
    Ok(format!("calibration = [{offset:.2}, {cosine:.2}, {coverage:.2}]  # {answers} of {} passages", samples.len()))
}

/// One coefficient after another: what is fitted is concave, so each step comes nearer.
fn fit(samples: &[Sample]) -> anyhow::Result<Calibration> {
    let mut at = [0.0; 3];
    for _ in 0..ROUNDS {
        let mut moved: f64 = 0.0;
        for n in 0..at.len() {
            let calibration = Calibration::from(at);
            let (mut slope, mut curve) = (0.0, RIDGE);
            for Sample { x, answers } in samples {
                let ([_, cosine, coverage], own) = (*x, x.get(n).copied().unwrap_or_default());
                let p = calibration.relevance(cosine, coverage);
                slope += own * (f64::from(*answers) - p);
                curve += own * own * p * (1.0 - p);
            }
            if let Some(coefficient) = at.get_mut(n) {
                *coefficient += slope / curve;
                moved = moved.max((slope / curve).abs());
                ensure!(coefficient.abs() <= MAX_COEFFICIENT, "no calibration fits: a line parts the two kinds");
            }
        }
        if moved < 1e-6 {
            break;
        }
    }
    Ok(Calibration::from(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_made_the_samples_is_found_again() {
        let truth = Calibration { offset: -4.0, cosine: 5.0, coverage: 2.0 };
        let mut random = usher_support::Random::new(7);
        let mut unit = || random.below(1_000_000) as f64 / 1e6;
        let samples: Vec<Sample> = (0..5_000)
            .map(|_| {
                let (cosine, coverage, drawn) = (unit(), unit(), unit());
                Sample { x: [1.0, cosine, coverage], answers: drawn < truth.relevance(cosine, coverage) }
            })
            .collect();
        let found = fit(&samples).unwrap();
        let off = |a: f64, b: f64| (a - b).abs();
        assert!(
            off(found.offset, -4.0) < 0.4 && off(found.cosine, 5.0) < 0.5 && off(found.coverage, 2.0) < 0.5,
            "{found:?}"
        );
        let keywords: Vec<Sample> =
            samples.iter().map(|sample| Sample { x: [1.0, 0.0, sample.x[2]], ..*sample }).collect();
        assert_eq!(fit(&keywords).unwrap().cosine, 0.0);
        assert!(fitted(&samples[..10]).is_err());
    }
}
