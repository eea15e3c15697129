// SPDX-License-Identifier: Apache-2.0

package sentiment

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// bundled loads the model that comes with the library.
func bundled(t testing.TB, options ...Option) *Model {
	t.Helper()
	model, err := Default(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = model.Close() })
	return model
}

// tinyBytes are those of a model that costs next to nothing: the one that test.sh makes, else
// the bundled one.
var tinyBytes = sync.OnceValues(func() ([]byte, error) {
	path := os.Getenv("SENTIMENT_TEST_TINY")
	if path == "" {
		var err error
		if path, err = DefaultPath(); err != nil {
			return nil, err
		}
	}
	return os.ReadFile(path)
})

func tiny(t testing.TB, options ...Option) *Model {
	t.Helper()
	data, err := tinyBytes()
	if err != nil {
		t.Fatal(err)
	}
	model, err := LoadBytes(data, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = model.Close() })
	return model
}

// wants holds an error against a sentinel, and its code against the sentinel's.
func wants(t testing.TB, err, sentinel error) *Error {
	t.Helper()
	if !errors.Is(err, sentinel) {
		t.Fatalf("got %v, want %v", err, sentinel)
	}
	var detail *Error
	if errors.As(err, &detail) && detail.Message == "" {
		t.Fatalf("%v has no message", detail.Code)
	}
	return detail
}

// same tells whether two answers are the same bits.
func same(a, b Prediction) bool {
	return a.Prediction == b.Prediction && a.Label == b.Label && a.Flags == b.Flags &&
		a.Tokens == b.Tokens && a.Unknown == b.Unknown &&
		math.Float32bits(a.Confidence) == math.Float32bits(b.Confidence) &&
		sameBits(a.Probabilities, b.Probabilities) && sameBits(a.Logits, b.Logits)
}

func sameBits(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}

// answers is Predict that must not fail.
func answers(t testing.TB, model *Model, text string) Prediction {
	t.Helper()
	answer, err := model.Predict(context.Background(), text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return answer
}

// inside is a path in a folder that goes away with the test.
func inside(t testing.TB, name string) string { return filepath.Join(t.TempDir(), name) }
