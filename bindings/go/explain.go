// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
	"unsafe"
)

// Explanation is an answer with its reasons. For each class c, Logits[c] is Bias[c] and the
// Logits[c] of all contributions added up, within float rounding.
type Explanation struct {
	Prediction
	// Bias of the last layer, and under PaddingMaxLength the share of the padding.
	Bias []float32 `json:"bias"`
	// Contributions of the tokens used, in the order of the text.
	Contributions []Contribution `json:"contributions"`
}

// Contribution is what one token added to the logit of each class.
type Contribution struct {
	// Token as it stands in the text.
	Token string `json:"token"`
	// Start and End are byte offsets in the text.
	Start int `json:"start"`
	End   int `json:"end"`
	// Logits has one for each class.
	Logits []float32 `json:"logits"`
}

// Explain classifies one text and tells what each token added to each logit. It costs about
// twice as much as Predict.
func (m *Model) Explain(ctx context.Context, text string) (Explanation, error) {
	answer, err := m.Predict(ctx, text)
	if err != nil {
		return Explanation{}, err
	}
	inner, taken, err := m.acquire(ctx)
	if err != nil {
		return Explanation{}, err
	}
	defer runtime.KeepAlive(m)
	defer inner.release(taken)
	found := reasons{bias: make([]float32, inner.classes)}
	room := min(len(text), int(inner.running.MaxLength))
	length, status := found.ask(taken, text, inner.classes, room)
	if status == C.SENTIMENT_ERROR_BUFFER_TOO_SMALL {
		length, status = found.ask(taken, text, inner.classes, length)
	}
	if status != C.SENTIMENT_OK {
		return Explanation{}, taken.failure(status, nil)
	}
	made := Explanation{Prediction: answer, Bias: found.bias}
	made.Contributions = make([]Contribution, length)
	for i := range made.Contributions {
		start, end := int(found.starts[i]), int(found.ends[i])
		from, to := i*inner.classes, (i+1)*inner.classes
		made.Contributions[i] = Contribution{text[start:end], start, end, found.logits[from:to:to]}
	}
	return made, nil
}

// reasons are the arrays that the library fills.
type reasons struct {
	bias, logits []float32
	starts, ends []C.uint64_t
}

// ask calls the library with room for so many tokens, and tells how many there are.
func (r *reasons) ask(s *session, text string, classes, room int) (int, C.sentiment_status) {
	r.logits = make([]float32, room*classes)
	r.starts, r.ends = make([]C.uint64_t, room), make([]C.uint64_t, room)
	var length C.size_t
	status := C.sentiment_session_explain(s.c.session,
		(*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.size_t(len(text)), 0, &s.c.result, nil,
		(*C.float)(unsafe.SliceData(r.bias)), C.size_t(room),
		(*C.float)(unsafe.SliceData(r.logits)), unsafe.SliceData(r.starts),
		unsafe.SliceData(r.ends), &length, &s.c.error)
	return int(length), status
}
