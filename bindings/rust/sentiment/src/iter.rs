// SPDX-License-Identifier: Apache-2.0

//! The texts of an iterator, a batch at a time.

use std::fmt;

use crate::batch::Batch;
use crate::error::Error;
use crate::prediction::{Floats, Prediction};
use crate::session::Session;

/// Texts that are classified at once.
const CHUNK: usize = 1024;
/// Bytes of texts that end a chunk before.
const CHUNK_BYTES: usize = 1 << 20;

impl Session {
    /// Classifies the texts of an iterator, some hundreds at once, and takes no more of them than
    /// the answers that are asked for need. A failure of such a batch as a whole is the last item.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut session = sentiment::Model::default_model()?.session()?;
    /// let reviews = ["Lovely.", "Awful.", "It is what it is."];
    /// for answer in session.predict_iter(reviews) {
    ///     println!("{}", answer?.label());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn predict_iter<I>(&mut self, texts: I) -> PredictIter<'_, I::IntoIter>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        PredictIter {
            session: self,
            texts: texts.into_iter(),
            chunk: CHUNK,
            batch: None,
            next: 0,
            ended: false,
        }
    }
}

/// Answers for the texts of an iterator; see [`Session::predict_iter`].
#[must_use = "iterators do nothing until they are asked for items"]
pub struct PredictIter<'s, I> {
    session: &'s mut Session,
    texts: I,
    chunk: usize,
    batch: Option<Batch>,
    next: usize,
    ended: bool,
}

impl<I> PredictIter<'_, I> {
    /// Texts that are classified at once, 1024 by default. More let many threads share better,
    /// fewer give the first answer sooner.
    pub fn chunk(mut self, texts: usize) -> Self {
        self.chunk = texts.max(1);
        self
    }
}

impl<I> PredictIter<'_, I>
where
    I: Iterator,
    I::Item: AsRef<[u8]>,
{
    /// Classifies the next texts; None where there are none.
    fn refill(&mut self) -> Option<Result<Batch, Error>> {
        let mut scratch = std::mem::take(&mut self.session.scratch);
        scratch.clear();
        while scratch.count() < self.chunk && scratch.bytes() < CHUNK_BYTES {
            match self.texts.next() {
                Some(text) => scratch.push(text.as_ref()),
                None => {
                    self.ended = true;
                    break;
                }
            }
        }
        if scratch.count() == 0 {
            self.session.scratch = scratch;
            return None;
        }
        Some(self.session.predict_scratch(scratch))
    }

    /// The answer at a place of the batch, for longer than the batch.
    fn take(&mut self, index: usize) -> Option<Result<Prediction, Error>> {
        let found = match self.batch.as_ref()?.get(index)? {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        let mut probabilities = Floats::new(found.probabilities().len());
        probabilities
            .as_mut_slice()
            .copy_from_slice(found.probabilities());
        let answer = found.answer();
        let label = self.session.label(answer.prediction);
        Some(Ok(Prediction::new(answer, label, probabilities)))
    }
}

impl<I> Iterator for PredictIter<'_, I>
where
    I: Iterator,
    I::Item: AsRef<[u8]>,
{
    type Item = Result<Prediction, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(item) = self.take(self.next) {
            self.next += 1;
            return Some(item);
        }
        if self.ended {
            return None;
        }
        let first = self
            .batch
            .as_ref()
            .map_or(0, |batch| batch.answers.first + batch.len());
        match self.refill()? {
            Ok(mut batch) => {
                batch.answers.first = first;
                self.batch = Some(batch);
                self.next = 1;
                self.take(0)
            }
            Err(error) => {
                self.batch = None;
                self.ended = true;
                Some(Err(error))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let ready = self
            .batch
            .as_ref()
            .map_or(0, |batch| batch.len() - self.next.min(batch.len()));
        let least = match self.ended {
            true => 0,
            false => self.texts.size_hint().0,
        };
        // A failure may end them before, with one item for all that is left.
        (ready + least.min(1), None)
    }
}

impl<I> fmt::Debug for PredictIter<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PredictIter")
            .field("chunk", &self.chunk)
            .finish_non_exhaustive()
    }
}
