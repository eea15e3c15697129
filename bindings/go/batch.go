// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include "bridge.h"
import "C"

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"unsafe"
)

// Batch holds the answers for many texts, in columns. It needs no closing, and may be read by
// any number of goroutines.
type Batch struct {
	labels        []string
	results       []C.sentiment_result
	probabilities []float32
	logits        []float32
}

// Len is the number of texts.
func (b *Batch) Len() int { return len(b.results) }

// Err tells why text i has no answer; nil if it has one.
func (b *Batch) Err(i int) error {
	result := &b.results[i]
	if result.status == C.SENTIMENT_OK {
		return nil
	}
	code := Status(result.status)
	at := offset(result.error_offset)
	message := fmt.Sprintf("text %d: %v", i, code)
	if at >= 0 {
		message += fmt.Sprintf(" at byte %d", at)
	}
	return &Error{Code: code, Message: message, Offset: at}
}

// At is the answer for text i, or the reason why it has none.
func (b *Batch) At(i int) (Prediction, error) {
	if err := b.Err(i); err != nil {
		return Prediction{}, err
	}
	from, to := i*len(b.labels), (i+1)*len(b.labels)
	return answer(b.labels, &b.results[i], b.probabilities[from:to:to], b.logits[from:to:to]), nil
}

// All goes through the answers in order: for prediction, err := range batch.All().
func (b *Batch) All() iter.Seq2[Prediction, error] {
	return func(yield func(Prediction, error) bool) {
		for i := range b.results {
			if !yield(b.At(i)) {
				return
			}
		}
	}
}

// Label is the label of text i; "" if it has no answer.
func (b *Batch) Label(i int) string {
	if b.results[i].status != C.SENTIMENT_OK {
		return ""
	}
	return b.labels[b.results[i].prediction]
}

// Probabilities are those of all texts, one row of classes behind the other; zero for texts
// without an answer.
func (b *Batch) Probabilities() []float32 { return b.probabilities }

// Logits are those of all texts, laid out as Probabilities are.
func (b *Batch) Logits() []float32 { return b.logits }

// PredictBatch classifies many texts in one call of the library. A text that cannot be
// classified has its reason in the batch and does not spoil the others. Each answer is the one
// of Predict, to the bit. The error is that of the whole call; when ctx ends the work stops.
func (m *Model) PredictBatch(ctx context.Context, texts []string) (*Batch, error) {
	return m.batch(ctx, len(texts), func(run *run) C.sentiment_status {
		text, offsets := run.session.join(texts)
		return run.predict(text, offsets)
	})
}

// PredictJoined is PredictBatch for texts that already lie one behind the other, as in an Arrow
// array: text i is text[offsets[i]:offsets[i+1]]. Nothing is copied; both must not change during
// the call.
func (m *Model) PredictJoined(ctx context.Context, text []byte, offsets []uint64) (*Batch, error) {
	if err := checkOffsets(offsets, len(text)); err != nil {
		return nil, err
	}
	return m.batch(ctx, len(offsets)-1, func(run *run) C.sentiment_status {
		return run.predict(text,
			unsafe.Slice((*C.uint64_t)(unsafe.SliceData(offsets)), len(offsets)))
	})
}

// PredictIDs classifies rows of token ids: row i is ids[offsets[i]:offsets[i+1]]. An id that is
// not below Info().VocabSize is its row's error.
func (m *Model) PredictIDs(ctx context.Context, ids []int32, offsets []uint64) (*Batch, error) {
	if err := checkOffsets(offsets, len(ids)); err != nil {
		return nil, err
	}
	return m.batch(ctx, len(offsets)-1, func(run *run) C.sentiment_status {
		return C.sentiment_go_predict_ids(run.session.c, (*C.int32_t)(unsafe.SliceData(ids)),
			(*C.uint64_t)(unsafe.SliceData(offsets)), C.size_t(len(run.results)), run.classes,
			&run.results[0], (*C.float)(unsafe.SliceData(run.values)), run.token)
	})
}

// checkOffsets holds offsets against the array that they cut: the library cannot know its size.
func checkOffsets(offsets []uint64, size int) error {
	if len(offsets) == 0 {
		return fail(StatusInvalidArgument, "offsets: none; there is one more than there are texts")
	}
	if offsets[len(offsets)-1] > uint64(size) {
		return fail(StatusInvalidArgument, fmt.Sprintf("offsets: the last is %d, beyond the end at %d",
			offsets[len(offsets)-1], size))
	}
	for i := 1; i < len(offsets); i++ {
		if offsets[i] < offsets[i-1] {
			return fail(StatusInvalidArgument, fmt.Sprintf("offsets: %d at %d, after %d",
				offsets[i], i, offsets[i-1]))
		}
	}
	return nil
}

// run is a batch on its way through a session.
type run struct {
	session *session
	results []C.sentiment_result
	values  []float32
	classes C.size_t
	token   *C.sentiment_cancel
}

func (r *run) predict(text []byte, offsets []C.uint64_t) C.sentiment_status {
	return C.sentiment_go_predict_batch(r.session.c,
		(*C.char)(unsafe.Pointer(unsafe.SliceData(text))), unsafe.SliceData(offsets),
		C.size_t(len(r.results)), r.classes, &r.results[0],
		(*C.float)(unsafe.SliceData(r.values)), r.token)
}

// batch makes room for the answers and calls the library.
func (m *Model) batch(ctx context.Context, count int,
	call func(*run) C.sentiment_status) (*Batch, error) {
	inner, taken, err := m.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(m)
	defer inner.release(taken)
	cells := count * inner.classes
	values := make([]float32, 2*cells)
	made := &Batch{labels: inner.labels, results: make([]C.sentiment_result, count),
		probabilities: values[:cells:cells], logits: values[cells:]}
	if count == 0 {
		return made, nil
	}
	token, done, err := watch(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	status := call(&run{taken, made.results, values, C.size_t(inner.classes), token})
	if status != C.SENTIMENT_OK {
		return nil, taken.failure(status, ctx.Err())
	}
	return made, nil
}
