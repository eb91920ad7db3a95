//! Three truth values, and what must be known beside them to combine and to reuse them.

/// Which error, as an index into the evaluator's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct ErrorIndex(pub(super) u32);

impl ErrorIndex {
    /// Depth or work exceeded; always first in the list.
    pub(super) const TOO_COMPLEX: ErrorIndex = ErrorIndex(0);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Value {
    True,
    False,
    Error(ErrorIndex),
}

/// The outcome of a check on the way.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Outcome {
    pub(in super::super) value: Value,
    /// A cycle took part in the value's not being true. Never set with true.
    pub(super) mark: bool,
    /// The lowest place on the current path that a cycle came back to: the value belongs to that path only.
    pub(super) cut: usize,
    /// Userset and tupleset hops explored below.
    pub(in super::super) height: u8,
    /// The depth limit was met below: at another depth the value may be another.
    pub(super) limited: bool,
}

/// No cycle came back to the current path.
pub(super) const UNCUT: usize = usize::MAX;

impl Outcome {
    const PLAIN: Outcome = Outcome { value: Value::False, mark: false, cut: UNCUT, height: 0, limited: false };

    pub(super) const FALSE: Outcome = Outcome::PLAIN;
    pub(super) const TRUE: Outcome = Outcome { value: Value::True, ..Outcome::PLAIN };
    pub(super) const TOO_COMPLEX: Outcome =
        Outcome { value: Value::Error(ErrorIndex::TOO_COMPLEX), limited: true, ..Outcome::PLAIN };

    pub(super) fn error(index: ErrorIndex) -> Outcome {
        Outcome { value: Value::Error(index), ..Outcome::PLAIN }
    }

    /// A check met again on its own path, at this place.
    pub(super) fn cycle(at: usize) -> Outcome {
        Outcome { mark: true, cut: at, ..Outcome::PLAIN }
    }

    pub(super) fn is_true(&self) -> bool {
        self.value == Value::True
    }

    pub(super) fn is_false(&self) -> bool {
        self.value == Value::False
    }

    /// One hop further from the question.
    pub(super) fn hop(mut self) -> Outcome {
        self.height = self.height.saturating_add(1);
        self
    }

    /// True beats error beats false. A true operand is a witness: what else was explored does not matter.
    pub(super) fn or(self, other: Outcome) -> Outcome {
        if self.is_true() {
            return self;
        }
        if other.is_true() {
            return other;
        }
        let value = if self.is_false() { other.value } else { self.value };
        self.merged(other, value)
    }

    /// False beats error beats true.
    pub(super) fn and(self, other: Outcome) -> Outcome {
        let value = match (self.value, other.value) {
            (Value::False, _) | (_, Value::False) => Value::False,
            (Value::True, value) => value,
            (error, _) => error,
        };
        self.merged(other, value)
    }

    /// A false base or a true subtract beats any error; a cycle in the subtract makes the whole false, because "not seen
    /// to be true" must not become "not true".
    pub(super) fn but_not(self, subtract: Outcome) -> Outcome {
        let value = match (self.value, subtract.value) {
            (Value::False, _) | (_, Value::True) => Value::False,
            _ if subtract.mark => Value::False,
            (error @ Value::Error(_), _) => error,
            (Value::True, Value::False) => Value::True,
            (Value::True, error) => error,
        };
        self.merged(subtract, value)
    }

    fn merged(self, other: Outcome, value: Value) -> Outcome {
        let is_true = value == Value::True;
        Outcome {
            value,
            mark: !is_true && (self.mark || other.mark),
            cut: if is_true { UNCUT } else { self.cut.min(other.cut) },
            height: self.height.max(other.height),
            limited: self.limited || other.limited,
        }
    }
}
