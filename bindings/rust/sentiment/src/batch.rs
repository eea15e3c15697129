// SPDX-License-Identifier: Apache-2.0

//! Many texts at once.

use std::fmt;
use std::iter::FusedIterator;
use std::ptr::{self, addr_of_mut};

use sentiment_sys as sys;
use sys::Status;

use crate::cancel::CancelToken;
use crate::error::{call, Error};
use crate::model::Model;
use crate::prediction::{Answer, PredictionRef};
use crate::session::Session;

/// Memory that a session keeps from batch to batch.
#[derive(Default)]
pub(crate) struct Scratch {
    text: Vec<u8>,
    offsets: Vec<u64>,
    lengths: Vec<u32>,
}

impl Scratch {
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.offsets.clear();
        self.offsets.push(0);
    }

    pub(crate) fn push(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
        self.offsets.push(self.text.len() as u64);
    }

    pub(crate) fn count(&self) -> usize {
        self.offsets.len() - 1
    }

    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }
}

/// What a batch is made of.
#[derive(Clone, Copy)]
enum Input<'a> {
    Text(&'a [u8]),
    Ids(&'a [i32]),
}

impl Input<'_> {
    fn len(self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Ids(ids) => ids.len(),
        }
    }
}

impl Session {
    /// Classifies many texts. One that cannot be classified gets its own error and does not spoil
    /// the others. Each answer is that of [`Session::predict`], to the bit.
    ///
    /// ```
    /// # fn main() -> Result<(), sentiment::Error> {
    /// # let mut session = sentiment::Model::default_model()?.session()?;
    /// let batch = session.predict_batch(&[&b"Great value."[..], b"Not good.", b"\xff"])?;
    /// for answer in &batch {
    ///     match answer {
    ///         Ok(answer) => println!("{} {:.3}", answer.label(), answer.confidence()),
    ///         Err(error) => println!("{error}"),
    ///     }
    /// }
    /// assert!(batch.get(2).unwrap().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn predict_batch<T: AsRef<[u8]>>(&mut self, texts: &[T]) -> Result<Batch, Error> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.offsets.reserve(texts.len());
        for text in texts {
            scratch.push(text.as_ref());
        }
        self.predict_scratch(scratch)
    }

    /// Classifies texts that lie one behind the other: text `i` is
    /// `text[offsets[i]..offsets[i + 1]]`, so that there is one more offset than texts. Writes the
    /// probabilities of each text, one for each class, zeros where it has no answer.
    ///
    /// ```
    /// # fn main() -> Result<(), sentiment::Error> {
    /// # let mut session = sentiment::Model::default_model()?.session()?;
    /// let mut probabilities = vec![0.0; 2 * session.model().labels().len()];
    /// let answers =
    ///     session.predict_batch_into("Great value.Not good.", &[0, 12, 21], &mut probabilities)?;
    /// assert_eq!(answers.get(0).unwrap()?.tokens, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub fn predict_batch_into(
        &mut self,
        text: impl AsRef<[u8]>,
        offsets: &[u64],
        probabilities: &mut [f32],
    ) -> Result<Answers, Error> {
        let input = Input::Text(text.as_ref());
        let count = check_offsets(offsets, input.len())?;
        self.check_room(probabilities.len(), count, "probabilities")?;
        // SAFETY: the offsets are checked, and there is room for all classes.
        unsafe { self.run(input, offsets, probabilities.as_mut_ptr(), ptr::null_mut()) }
    }

    /// The same, but writes the logits: what the linear layer made of each text, before softmax.
    pub fn logits_batch_into(
        &mut self,
        text: impl AsRef<[u8]>,
        offsets: &[u64],
        logits: &mut [f32],
    ) -> Result<Answers, Error> {
        let input = Input::Text(text.as_ref());
        let count = check_offsets(offsets, input.len())?;
        self.check_room(logits.len(), count, "logits")?;
        // SAFETY: the offsets are checked, and there is room for all classes.
        unsafe { self.run(input, offsets, ptr::null_mut(), logits.as_mut_ptr()) }
    }

    /// Classifies rows of token ids that lie one behind the other, as
    /// [`Session::predict_batch_into`] does texts but without tokenizer. An id out of range is an
    /// error of its row.
    ///
    /// ```
    /// # fn main() -> Result<(), sentiment::Error> {
    /// # let mut session = sentiment::Model::default_model()?.session()?;
    /// let batch = session.predict_ids(&[5, 6, 7, 5], &[0, 3, 4])?;
    /// assert_eq!(batch.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn predict_ids(&mut self, ids: &[i32], offsets: &[u64]) -> Result<Batch, Error> {
        check_offsets(offsets, ids.len())?;
        // SAFETY: the offsets are checked.
        unsafe { self.run_with_room(Input::Ids(ids), offsets) }
    }

    /// A batch of what lies in the scratch memory, which the session gets back.
    pub(crate) fn predict_scratch(&mut self, scratch: Scratch) -> Result<Batch, Error> {
        // SAFETY: the offsets are those of the text.
        let batch = unsafe { self.run_with_room(Input::Text(&scratch.text), &scratch.offsets) };
        // `run` may have made memory for lengths meanwhile.
        let lengths = std::mem::take(&mut self.scratch.lengths);
        self.scratch = Scratch { lengths, ..scratch };
        batch
    }

    /// A batch with room for its probabilities.
    ///
    /// # Safety
    /// The offsets are checked.
    unsafe fn run_with_room(&mut self, input: Input<'_>, offsets: &[u64]) -> Result<Batch, Error> {
        let size = (offsets.len() - 1).checked_mul(self.classes);
        let size = size.ok_or_else(|| Error::invalid("too many texts for memory".to_string()))?;
        let mut probabilities = Vec::with_capacity(size);
        // SAFETY: see above, and there is room for all classes.
        let answers =
            unsafe { self.run(input, offsets, probabilities.as_mut_ptr(), ptr::null_mut()) }?;
        // SAFETY: after success the library has written all of them, zeros for failed texts.
        unsafe { probabilities.set_len(size) };
        Ok(Batch {
            answers,
            probabilities,
            model: self.model.clone(),
        })
    }

    /// Calls the library.
    ///
    /// # Safety
    /// The offsets are checked; the places are NULL or have room for all classes of all texts.
    unsafe fn run(
        &mut self,
        input: Input<'_>,
        offsets: &[u64],
        probabilities: *mut f32,
        logits: *mut f32,
    ) -> Result<Answers, Error> {
        let count = offsets.len() - 1;
        let mut results = Vec::<sys::Result>::with_capacity(count);
        if count == 0 {
            return Ok(Answers { results, first: 0 });
        }
        let place = results.as_mut_ptr();
        // SAFETY: the first of the results that there is room for. Its size tells their distance.
        unsafe { addr_of_mut!((*place).struct_size).write(sys::Result::new().struct_size) };
        let session = self.handle.as_ptr();
        let lengths = self.lengths(count);
        let cancel = CancelToken::as_ptr(&self.cancel);
        let offsets = offsets.as_ptr();
        // SAFETY: `&mut self` is the only user; text, offsets, lengths and token live through
        // the call; see above.
        call(|error| unsafe {
            match input {
                Input::Text(text) => sys::sentiment_session_predict_batch(
                    session,
                    text.as_ptr().cast(),
                    offsets,
                    count,
                    lengths,
                    place,
                    probabilities,
                    logits,
                    cancel,
                    error,
                ),
                Input::Ids(ids) => sys::sentiment_session_predict_ids(
                    session,
                    ids.as_ptr(),
                    offsets,
                    count,
                    lengths,
                    place,
                    probabilities,
                    logits,
                    cancel,
                    error,
                ),
            }
        })?;
        // SAFETY: after success the library has written all of them.
        unsafe { results.set_len(count) };
        Ok(Answers { results, first: 0 })
    }

    /// The length of [`Session::set_max_length`] for each text; NULL where there is none.
    fn lengths(&mut self, count: usize) -> *const u32 {
        if self.max_length == 0 {
            return ptr::null();
        }
        self.scratch.lengths.clear();
        self.scratch.lengths.resize(count, self.max_length);
        self.scratch.lengths.as_ptr()
    }
}

/// Refuses offsets that do not cut an input of this length; how many texts they make. The
/// library is told no length, so that it could not.
fn check_offsets(offsets: &[u64], length: usize) -> Result<usize, Error> {
    let last = match offsets.last() {
        Some(&last) => last,
        None => {
            return Err(Error::invalid(
                "no offsets; expected one more than texts".to_string(),
            ))
        }
    };
    if let Some(i) = offsets.windows(2).position(|pair| pair[0] > pair[1]) {
        return Err(Error::invalid(format!(
            "offset {} is {} and follows {}; expected ascending ones",
            i + 1,
            offsets[i + 1],
            offsets[i]
        )));
    }
    if last > length as u64 {
        return Err(Error::invalid(format!(
            "the last offset is {last}; expected at most {length}"
        )));
    }
    Ok(offsets.len() - 1)
}

/// Answers for many texts, without probabilities: those are where
/// [`Session::predict_batch_into`] was told to write them.
#[derive(Clone)]
pub struct Answers {
    results: Vec<sys::Result>,
    /// What the first text is called in errors.
    pub(crate) first: usize,
}

impl Answers {
    /// Number of texts.
    pub fn len(&self) -> usize {
        self.results.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    /// The answer for a text, or why it has none; None beyond the last text.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Result<Answer, Error>> {
        let result = self.results.get(index)?;
        Some(match result.status {
            Status::OK => Ok(Answer::new(result)),
            status => Err(Error::of_item(
                self.first + index,
                status,
                result.error_offset,
            )),
        })
    }

    /// All of them, in the order of the texts.
    pub fn iter(
        &self,
    ) -> impl ExactSizeIterator<Item = Result<Answer, Error>> + DoubleEndedIterator + '_ {
        (0..self.len()).map(move |index| self.get(index).expect("an index below the length"))
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Answers for many texts, with labels and probabilities; see [`Session::predict_batch`].
#[derive(Clone)]
pub struct Batch {
    pub(crate) answers: Answers,
    probabilities: Vec<f32>,
    model: Model,
}

impl Batch {
    /// Number of texts.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// The answer for a text, or why it has none; None beyond the last text.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Result<PredictionRef<'_>, Error>> {
        let answer = match self.answers.get(index)? {
            Ok(answer) => answer,
            Err(error) => return Some(Err(error)),
        };
        let label = self.model.label(answer.prediction).unwrap_or_default();
        Some(Ok(PredictionRef::new(answer, label, self.row(index))))
    }

    /// All of them, in the order of the texts.
    pub fn iter(&self) -> BatchIter<'_> {
        BatchIter {
            batch: self,
            range: 0..self.len(),
        }
    }

    /// Probabilities of all texts: texts times classes, zeros where a text has no answer.
    pub fn probabilities(&self) -> &[f32] {
        &self.probabilities
    }

    /// Answers without labels and probabilities.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    fn row(&self, index: usize) -> &[f32] {
        let classes = self.probabilities.len() / self.len();
        &self.probabilities[index * classes..(index + 1) * classes]
    }
}

impl<'b> IntoIterator for &'b Batch {
    type Item = Result<PredictionRef<'b>, Error>;
    type IntoIter = BatchIter<'b>;

    fn into_iter(self) -> BatchIter<'b> {
        self.iter()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Answers of a [`Batch`], in the order of the texts.
#[derive(Clone, Debug)]
pub struct BatchIter<'b> {
    batch: &'b Batch,
    range: std::ops::Range<usize>,
}

impl<'b> Iterator for BatchIter<'b> {
    type Item = Result<PredictionRef<'b>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batch.get(self.range.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl DoubleEndedIterator for BatchIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.batch.get(self.range.next_back()?)
    }
}

impl ExactSizeIterator for BatchIter<'_> {}
impl FusedIterator for BatchIter<'_> {}
