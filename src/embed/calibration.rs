//! From what can be measured of a question and a passage to how likely the passage answers: logistic regression, fitted by
//! `usher eval --calibrate`.

use serde::Deserialize;

/// The most that a coefficient may be, either way: beyond it a logistic function is a step.
pub const MAX_COEFFICIENT: f64 = 100.0;

/// What a cosine means differs from model to model, so each has its own.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(from = "[f64; 3]")]
pub struct Calibration {
    pub offset: f64,
    pub cosine: f64,
    pub coverage: f64,
}

/// For passages that are found by keywords alone.
pub const KEYWORDS: Calibration = Calibration { offset: -5.8, cosine: 0.0, coverage: 6.5 };

impl From<[f64; 3]> for Calibration {
    fn from([offset, cosine, coverage]: [f64; 3]) -> Self {
        Self { offset, cosine, coverage }
    }
}

impl Calibration {
    /// How likely a passage answers, 0 to 1, by the cosine of question and passage and by the part of the question's terms
    /// that the passage holds.
    pub fn relevance(&self, cosine: f64, coverage: f64) -> f64 {
        1.0 / (1.0 + (-(self.offset + self.cosine * cosine + self.coverage * coverage)).exp())
    }

    pub fn is_usable(&self) -> bool {
        [self.offset, self.cosine, self.coverage].iter().all(|x| x.abs() <= MAX_COEFFICIENT)
    }
}
