//! What was measured, as a table and as JSON.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::str::FromStr;

use anyhow::{anyhow, bail};
use serde::{Deserialize, Serialize};

use super::cases::Cases;
use super::measures::{MEASURES, Mean, Measure, Measured, Values};

/// What one run has measured, by leg.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    collection: String,
    questions: usize,
    legs: BTreeMap<String, Leg>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Leg {
    means: BTreeMap<String, Mean>,
    leaks: usize,
    answers: Vec<Measured>,
}

/// A mean that must be reached: `leg.measure=value`.
#[derive(Debug, Clone)]
pub struct Floor {
    leg: String,
    measure: String,
    value: f64,
}

impl FromStr for Floor {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let form = || anyhow!("write it as `hybrid.ndcg@10=0.5`");
        let (name, value) = text.split_once('=').ok_or_else(form)?;
        let (leg, measure) = name.split_once('.').ok_or_else(form)?;
        let known: Vec<&str> = MEASURES.iter().map(|(name, _)| *name).chain(SAID).collect();
        if !known.contains(&measure) {
            bail!("there is no measure `{measure}`; there are: {}", known.join(", "));
        }
        Ok(Self { leg: leg.to_owned(), measure: measure.to_owned(), value: value.parse().map_err(|_| form())? })
    }
}

/// Of the questions that have an answer, and of those that have none: for which the service says so.
const SAID: [&str; 2] = ["answerable", "unanswerable"];

fn said_rightly(answers: &[Measured]) -> impl Iterator<Item = (String, Mean)> {
    SAID.into_iter().zip([true, false]).filter_map(|(name, has_answer)| {
        let of_kind = answers.iter().filter(|answer| answer.values.is_some() == has_answer);
        let said: Vec<f64> = of_kind.filter_map(|answer| Some(f64::from(answer.answerable? == has_answer))).collect();
        (!said.is_empty()).then(|| (name.to_owned(), Mean::of(&said)))
    })
}

impl Report {
    pub fn of(collection: &str, cases: &Cases, legs: BTreeMap<String, Vec<Measured>>) -> Self {
        let leg = |answers: Vec<Measured>| {
            let values: Vec<Values> = answers.iter().filter_map(|answer| answer.values).collect();
            let mean =
                |(name, of): &Measure| ((*name).to_owned(), Mean::of(&values.iter().map(of).collect::<Vec<_>>()));
            let leaks = answers.iter().map(|answer| answer.leaks).sum();
            let mut means: BTreeMap<String, Mean> = MEASURES.iter().map(mean).collect();
            means.extend(said_rightly(&answers));
            Leg { means, leaks, answers }
        };
        let questions = cases.all.iter().filter(|case| !case.wanted.is_empty()).count();
        let legs = legs.into_iter().map(|(name, answers)| (name, leg(answers))).collect();
        Self { collection: collection.to_owned(), questions, legs }
    }

    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// In Markdown.
    pub fn table(&self) -> String {
        let mut text = format!("{}: {} questions that have an answer\n\n", self.collection, self.questions);
        text.push_str(&head("leaks"));
        for (name, leg) in &self.legs {
            let _ = write!(text, "| {name} |");
            for mean in MEASURES.iter().filter_map(|(measure, _)| leg.means.get(*measure)) {
                let _ = write!(text, " {:.4} ({:.3} to {:.3}) |", mean.mean, mean.low, mean.high);
            }
            let _ = writeln!(text, " {} |", leg.leaks);
        }
        let _ = write!(text, "\n| leg | {} |\n|---|---|---|\n", SAID.join(" | "));
        for (name, leg) in &self.legs {
            let cell = |name: &str| match leg.means.get(name) {
                Some(mean) => format!("{:.4} ({:.3} to {:.3})", mean.mean, mean.low, mean.high),
                None => "-".to_owned(),
            };
            let _ = writeln!(text, "| {name} | {} |", SAID.map(cell).join(" | "));
        }
        text
    }

    /// Differences to an earlier run, question by question.
    ///
    /// # Errors
    /// When the two have no question in common.
    pub fn against(&self, earlier: &Self) -> anyhow::Result<String> {
        let mut text = format!("\nagainst {}:\n\n{}", earlier.collection, head("questions"));
        let mut any = false;
        for (name, leg) in &self.legs {
            let Some(before) = earlier.legs.get(name) else { continue };
            let before: HashMap<&str, Values> =
                before.answers.iter().filter_map(|answer| Some((answer.id.as_str(), answer.values?))).collect();
            let pairs: Vec<(Values, Values)> = leg
                .answers
                .iter()
                .filter_map(|answer| Some((*before.get(answer.id.as_str())?, answer.values?)))
                .collect();
            any |= !pairs.is_empty();
            let _ = write!(text, "| {name} |");
            for (_, of) in &MEASURES {
                let differences: Vec<f64> = pairs.iter().map(|(before, now)| of(now) - of(before)).collect();
                let Mean { mean, low, high } = Mean::of(&differences);
                let _ = write!(text, " {mean:+.4} ({low:+.3} to {high:+.3}) |");
            }
            let _ = writeln!(text, " {} |", pairs.len());
        }
        if any { Ok(text) } else { Err(anyhow!("the two runs have no question and leg in common")) }
    }

    /// # Errors
    /// When something leaked, or a mean is below its floor.
    pub fn check(&self, floors: &[Floor]) -> anyhow::Result<()> {
        let leaks: usize = self.legs.values().map(|leg| leg.leaks).sum();
        if leaks > 0 {
            bail!("{leaks} passages were returned to readers who may not read them");
        }
        for Floor { leg, measure, value } in floors {
            let mean = self.legs.get(leg).and_then(|leg| leg.means.get(measure));
            let mean = mean.ok_or_else(|| anyhow!("`{leg}` was not asked, so it has no {measure}"))?.mean;
            if mean < *value {
                bail!("{measure} of {leg} is {mean:.4}, and must be {value} or more");
            }
        }
        Ok(())
    }
}

/// The head of a table of all measures.
fn head(last: &str) -> String {
    let names = MEASURES.map(|(name, _)| name).join(" | ");
    format!("| leg | {names} | {last} |\n|---|{}\n", "---|".repeat(MEASURES.len() + 1))
}
