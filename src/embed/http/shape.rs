//! What embedding servers are sent and what they answer.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::embed::{Failure, normalise};

/// The two ways of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerApi {
    /// `POST /v1/embeddings`, of OpenAI and many others.
    OpenAi,
    /// `POST /embed`, of Text Embeddings Inference.
    Tei,
}

#[derive(Deserialize)]
struct OpenAiAnswer {
    data: Vec<OpenAiRow>,
}

#[derive(Deserialize)]
struct OpenAiRow {
    index: usize,
    embedding: Vec<f32>,
}

impl ServerApi {
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Tei => "tei",
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/embeddings",
            Self::Tei => "/embed",
        }
    }

    pub(super) fn request(self, model: &str, texts: Vec<String>, dimensions: Option<usize>) -> Value {
        match (self, dimensions) {
            (Self::OpenAi, None) => json!({"model": model, "input": texts}),
            (Self::OpenAi, Some(dimensions)) => json!({"model": model, "input": texts, "dimensions": dimensions}),
            (Self::Tei, _) => json!({"inputs": texts, "normalize": true, "truncate": true}),
        }
    }

    /// `count` rows of unit length in the order of the texts.
    pub(super) fn rows(self, body: &[u8], count: usize, dimensions: usize) -> Result<Vec<f32>, Failure> {
        let rows = match self {
            Self::OpenAi => {
                let rows = parse::<OpenAiAnswer>(body)?.data;
                in_order(rows.into_iter().map(|row| (row.index, row.embedding)).collect(), count)?
            }
            Self::Tei => parse::<Vec<Vec<f32>>>(body)?,
        };
        if rows.len() != count {
            return Err(Failure::Count { expected: count, found: rows.len() });
        }
        let mut flat = Vec::with_capacity(count * dimensions);
        for mut row in rows {
            if row.len() != dimensions {
                return Err(Failure::Dimension { expected: dimensions, found: row.len() });
            }
            if row.iter().any(|x| !x.is_finite()) {
                return Err(Failure::NotFinite);
            }
            normalise(&mut row);
            flat.append(&mut row);
        }
        Ok(flat)
    }
}

/// SECURITY: the parser's own message may quote the answer, so only the place is kept.
pub(in crate::embed) fn parse<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::Malformed { line: error.line(), column: error.column() })
}

/// Rows may come in any order; each index once.
pub(in crate::embed) fn in_order<T>(rows: Vec<(usize, T)>, count: usize) -> Result<Vec<T>, Failure> {
    if rows.len() != count {
        return Err(Failure::Count { expected: count, found: rows.len() });
    }
    let mut slots: Vec<Option<T>> = (0..count).map(|_| None).collect();
    for (index, row) in rows {
        match slots.get_mut(index) {
            Some(slot @ None) => *slot = Some(row),
            _ => return Err(Failure::Index { index }),
        }
    }
    // As many rows as slots, none twice: every slot is filled.
    Ok(slots.into_iter().flatten().collect())
}

/// More bytes than any honest answer has: numbers printed in full on lines of their own, and something around them.
pub(super) fn max_bytes(count: usize, dimensions: usize) -> usize {
    64 * 1024 + count * (1024 + dimensions * 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_ordered_scaled_and_checked() {
        let openai = |rows: &str| ServerApi::OpenAi.rows(format!(r#"{{"data":[{rows}],"usage":1}}"#).as_bytes(), 2, 2);
        let (first, second) = (r#"{"index":0,"embedding":[3,4],"object":"x"}"#, r#"{"index":1,"embedding":[0,2]}"#);
        assert_eq!(openai(&format!("{second},{first}")).unwrap(), [0.6, 0.8, 0.0, 1.0]);
        assert!(matches!(openai(first), Err(Failure::Count { expected: 2, found: 1 })));
        assert!(matches!(openai(&format!("{first},{first}")), Err(Failure::Index { index: 0 })));
        let beyond = r#"{"index":2,"embedding":[1,1]}"#;
        assert!(matches!(openai(&format!("{first},{beyond}")), Err(Failure::Index { index: 2 })));
        let tei = |body: &str| ServerApi::Tei.rows(body.as_bytes(), 1, 2);
        assert_eq!(tei("[[0,0]]").unwrap(), [0.0, 0.0]);
        assert!(matches!(tei("[[1,2,3]]"), Err(Failure::Dimension { expected: 2, found: 3 })));
        assert!(matches!(tei("[[1,2],[1,2]]"), Err(Failure::Count { expected: 1, found: 2 })));
        assert!(matches!(tei("[[1,1e39]]"), Err(Failure::NotFinite)));
        for malformed in ["[[1,NaN]]", "[[1,null]]", "{}", "", r#"["secret"]"#] {
            let failure = tei(malformed).unwrap_err();
            assert!(matches!(failure, Failure::Malformed { .. }), "{malformed}");
            assert!(!failure.to_string().contains("secret"));
        }
    }
}
