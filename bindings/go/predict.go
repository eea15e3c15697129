// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"unsafe"
)

// Prediction is the answer for one text. As JSON it has the fields that the command prints.
type Prediction struct {
	// Prediction is the index of the largest logit; the lowest index among equals.
	Prediction int `json:"prediction"`
	// Label is the name of that class.
	Label string `json:"label"`
	// Confidence is the probability of that class.
	Confidence float32 `json:"confidence"`
	// Probabilities has one for each class.
	Probabilities []float32 `json:"probabilities"`
	// Logits are the raw outputs of the network, one for each class.
	Logits []float32 `json:"-"`
	// Tokens of the text, before truncation.
	Tokens int `json:"tokens"`
	// Unknown counts those among the tokens used that are not in the vocabulary.
	Unknown int `json:"unknown"`
	// Flags tell of empty, truncated and wholly unknown texts.
	Flags Flags `json:"flags"`
}

// MarshalJSON writes a list of names, as the command does.
func (v Flags) MarshalJSON() ([]byte, error) { return json.Marshal(v.Names()) }

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Flags) UnmarshalJSON(text []byte) error {
	var names []string
	if err := json.Unmarshal(text, &names); err != nil {
		return err
	}
	var read Flags
	for _, name := range names {
		bit := Flags(1)
		for bit != 0 && !slices.Equal(bit.Names(), []string{name}) {
			bit <<= 1
		}
		if bit == 0 {
			return fail(StatusInvalidArgument, fmt.Sprintf("no flag is called %q", name))
		}
		read |= bit
	}
	*v = read
	return nil
}

// prediction copies what the library wrote.
func (m *core) prediction(result *C.sentiment_result, values []float32) Prediction {
	return answer(m.labels, result, values[:m.classes:m.classes], values[m.classes:])
}

func answer(labels []string, result *C.sentiment_result,
	probabilities, logits []float32) Prediction {
	made := Prediction{
		Prediction:    int(result.prediction),
		Confidence:    float32(result.confidence),
		Probabilities: probabilities,
		Logits:        logits,
		Tokens:        int(result.tokens),
		Unknown:       int(result.unknown),
		Flags:         Flags(result.flags),
	}
	if uint(made.Prediction) < uint(len(labels)) {
		made.Label = labels[made.Prediction]
	}
	return made
}

// Predict classifies one text. It waits for a free session until ctx ends.
func (m *Model) Predict(ctx context.Context, text string) (Prediction, error) {
	return m.predict(ctx, unsafe.StringData(text), len(text))
}

// PredictBytes is Predict for bytes, which must not change during the call.
func (m *Model) PredictBytes(ctx context.Context, text []byte) (Prediction, error) {
	return m.predict(ctx, unsafe.SliceData(text), len(text))
}

func (m *Model) predict(ctx context.Context, text *byte, size int) (Prediction, error) {
	inner, taken, err := m.acquire(ctx)
	if err != nil {
		return Prediction{}, err
	}
	values := make([]float32, 2*inner.classes)
	status := C.sentiment_go_predict(taken.c, (*C.char)(unsafe.Pointer(text)), C.size_t(size),
		C.size_t(inner.classes), (*C.float)(unsafe.SliceData(values)))
	var made Prediction
	if status == C.SENTIMENT_OK {
		made = inner.prediction(&taken.c.result, values)
	} else {
		err = taken.failure(status, nil)
	}
	inner.release(taken)
	runtime.KeepAlive(m)
	return made, err
}
