// SPDX-License-Identifier: Apache-2.0

//! Answers for texts.

use std::fmt;
use std::sync::Arc;

use sentiment_sys as sys;

/// Classes whose probabilities a [`Prediction`] holds without memory of its own.
const INLINE: usize = 8;

/// What is special about a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u32);

impl Flags {
    /// The text has no token.
    pub fn is_empty_text(self) -> bool {
        self.has(sys::Flag::EMPTY)
    }

    /// Tokens beyond `max_length` were ignored.
    pub fn is_truncated(self) -> bool {
        self.has(sys::Flag::TRUNCATED)
    }

    /// The text has tokens and none of those used is in the vocabulary.
    pub fn is_all_unknown(self) -> bool {
        self.has(sys::Flag::ALL_UNKNOWN)
    }

    /// The bits as the library has them.
    pub fn bits(self) -> u32 {
        self.0
    }

    fn has(self, flag: sys::Flag) -> bool {
        self.0 & flag.0 != 0
    }
}

/// The answer for a text, without label and probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The class: the index of the largest logit, the lowest among equals.
    pub prediction: usize,
    /// Probability of `prediction`.
    pub confidence: f32,
    /// What is special about the text.
    pub flags: Flags,
    /// Tokens of the text before truncation.
    pub tokens: u64,
    /// Tokens among those used that are not in the vocabulary.
    pub unknown: u64,
}

impl Answer {
    pub(crate) fn new(raw: &sys::Result) -> Self {
        Self {
            prediction: raw.prediction as usize,
            confidence: raw.confidence,
            flags: Flags(raw.flags.0),
            tokens: raw.tokens,
            unknown: raw.unknown,
        }
    }
}

/// Functions that give the fields of an answer inside.
macro_rules! answer_functions {
    () => {
        /// The class: the index of the largest logit, the lowest among equals.
        pub fn prediction(&self) -> usize {
            self.answer.prediction
        }

        /// Probability of the class.
        pub fn confidence(&self) -> f32 {
            self.answer.confidence
        }

        /// What is special about the text.
        pub fn flags(&self) -> Flags {
            self.answer.flags
        }

        /// Tokens of the text before truncation.
        pub fn tokens(&self) -> u64 {
            self.answer.tokens
        }

        /// Tokens among those used that are not in the vocabulary.
        pub fn unknown(&self) -> u64 {
            self.answer.unknown
        }

        /// All of these.
        pub fn answer(&self) -> Answer {
            self.answer
        }
    };
}

/// The answer for a text.
///
/// ```
/// # fn main() -> Result<(), sentiment::Error> {
/// let mut session = sentiment::Model::default_model()?.session()?;
/// let answer = session.predict("What a waste of money.")?;
/// println!("{} {:.3}", answer.label(), answer.confidence());
/// assert_eq!(answer.probabilities()[answer.prediction()], answer.confidence());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
pub struct Prediction {
    answer: Answer,
    label: Arc<str>,
    probabilities: Floats,
}

impl Prediction {
    pub(crate) fn new(answer: Answer, label: Arc<str>, probabilities: Floats) -> Self {
        Self {
            answer,
            label,
            probabilities,
        }
    }

    answer_functions!();

    /// Name of the class.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Probabilities of all classes.
    pub fn probabilities(&self) -> &[f32] {
        self.probabilities.as_slice()
    }
}

impl fmt::Debug for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        PredictionRef {
            answer: self.answer,
            label: self.label(),
            probabilities: self.probabilities(),
        }
        .fmt(f)
    }
}

/// The answer for a text of a [`Batch`](crate::Batch), which has its probabilities.
#[derive(Clone, Copy, PartialEq)]
pub struct PredictionRef<'b> {
    answer: Answer,
    label: &'b str,
    probabilities: &'b [f32],
}

impl<'b> PredictionRef<'b> {
    pub(crate) fn new(answer: Answer, label: &'b str, probabilities: &'b [f32]) -> Self {
        Self {
            answer,
            label,
            probabilities,
        }
    }

    answer_functions!();

    /// Name of the class.
    pub fn label(&self) -> &'b str {
        self.label
    }

    /// Probabilities of all classes.
    pub fn probabilities(&self) -> &'b [f32] {
        self.probabilities
    }

    /// The same, for longer than the batch.
    pub fn to_prediction(&self) -> Prediction {
        let mut probabilities = Floats::new(self.probabilities.len());
        probabilities
            .as_mut_slice()
            .copy_from_slice(self.probabilities);
        Prediction::new(self.answer, self.label.into(), probabilities)
    }
}

impl fmt::Debug for PredictionRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prediction")
            .field("prediction", &self.answer.prediction)
            .field("label", &self.label)
            .field("confidence", &self.answer.confidence)
            .field("probabilities", &self.probabilities)
            .field("tokens", &self.answer.tokens)
            .field("unknown", &self.answer.unknown)
            .field("flags", &self.answer.flags)
            .finish()
    }
}

/// A few floats in place, more of them in memory of their own.
#[derive(Clone)]
pub(crate) enum Floats {
    Few([f32; INLINE], usize),
    Many(Box<[f32]>),
}

impl Floats {
    /// So many zeros.
    #[inline]
    pub(crate) fn new(length: usize) -> Self {
        if length <= INLINE {
            Self::Few([0.0; INLINE], length)
        } else {
            Self::Many(vec![0.0; length].into_boxed_slice())
        }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[f32] {
        match self {
            Self::Few(floats, length) => &floats[..*length],
            Self::Many(floats) => floats,
        }
    }

    #[inline]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        match self {
            Self::Few(floats, length) => &mut floats[..*length],
            Self::Many(floats) => floats,
        }
    }
}

impl PartialEq for Floats {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

/// Why a text has its label: what each token added to each logit. This is exact:
/// `logits[c] = bias[c] + sum of contributions(t)[c] over all t`, within float rounding.
///
/// ```
/// # fn main() -> Result<(), sentiment::Error> {
/// let mut session = sentiment::Model::default_model()?.session()?;
/// let text = "not good at all";
/// let why = session.explain(text)?;
/// for (token, added) in why.contributions() {
///     println!("{:+.4} {}", added[why.prediction()], &text[token]);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub(crate) answer: Answer,
    pub(crate) label: Arc<str>,
    pub(crate) logits: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) contributions: Vec<f32>,
    pub(crate) starts: Vec<u64>,
    pub(crate) ends: Vec<u64>,
}

impl Explanation {
    answer_functions!();

    /// Name of the class.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What the linear layer made of the text, before softmax.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// What each logit is without any token: the bias of the linear layer, and the share of the
    /// padding where there is some.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// How many tokens were used.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether no token was used.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Where each token lies in the text, in bytes, and what it added to each logit.
    pub fn contributions(
        &self,
    ) -> impl ExactSizeIterator<Item = (std::ops::Range<usize>, &[f32])> + '_ {
        let classes = self.logits.len();
        (0..self.len()).map(move |i| {
            let place = self.starts[i] as usize..self.ends[i] as usize;
            (place, &self.contributions[i * classes..(i + 1) * classes])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_of_any_number() {
        for length in [0, 1, INLINE, INLINE + 1, 100] {
            let mut floats = Floats::new(length);
            assert_eq!(floats.as_slice(), vec![0.0; length]);
            if let Some(last) = floats.as_mut_slice().last_mut() {
                *last = 1.5;
            }
            let copy = floats.clone();
            assert!(copy == floats && copy.as_slice().len() == length);
            assert_eq!(copy.as_slice().last().copied().unwrap_or(1.5), 1.5);
        }
    }

    #[test]
    fn flags() {
        let all = Flags(7);
        assert!(all.is_empty_text() && all.is_truncated() && all.is_all_unknown());
        assert_eq!(all.bits(), 7);
        let none = Flags::default();
        assert!(!none.is_empty_text() && !none.is_truncated() && !none.is_all_unknown());
    }
}
