// SPDX-License-Identifier: Apache-2.0

package sentiment

import (
	"context"
	"testing"
	"unicode/utf8"
)

// FuzzPredict gives any bytes to all ways of predicting, which must agree with each other, and
// with Go on what is UTF-8.
func FuzzPredict(f *testing.F) {
	ctx := context.Background()
	model := tiny(f)
	f.Add([]byte("I love this product!"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := model.PredictBytes(ctx, text)
		if valid := utf8.Valid(text); valid != (err == nil) {
			t.Fatalf("valid: %v, %v", valid, err)
		}
		batch, failed := model.PredictBatch(ctx, []string{"good", string(text), string(text)})
		if failed != nil {
			t.Fatal(failed)
		}
		if batch.Err(0) != nil {
			t.Fatal(batch.Err(0))
		}
		again, failed := batch.At(2)
		if err == nil {
			if failed != nil || !same(got, again) {
				t.Fatalf("%+v, then %+v, %v", got, again, failed)
			}
			return
		}
		at := wants(t, err, ErrInvalidUTF8).Offset
		if at < 0 || at >= int64(len(text)) || !utf8.Valid(text[:at]) ||
			wants(t, failed, ErrInvalidUTF8).Offset != at {
			t.Fatalf("offset %d, %v", at, failed)
		}
	})
}

// FuzzTokenize holds tokens against the text that they come from.
func FuzzTokenize(f *testing.F) {
	ctx := context.Background()
	model := tiny(f, WithUTF8(UTF8Replace))
	f.Add("Good, no?")
	f.Fuzz(func(t *testing.T, text string) {
		found, err := model.Tokenize(text)
		if err != nil {
			t.Fatal(err)
		}
		before := 0
		for _, each := range found {
			if each.Start < before || each.End <= each.Start || text[each.Start:each.End] != each.Text {
				t.Fatalf("%+v after %d", each, before)
			}
			before = each.End
		}
		if got := answers(t, model, text); got.Tokens != len(found) {
			t.Fatalf("%d tokens, Predict counts %d", len(found), got.Tokens)
		}
		if why, err := model.Explain(ctx, text); err != nil || len(why.Contributions) > len(found) {
			t.Fatalf("%d contributions, %v", len(why.Contributions), err)
		}
	})
}

// FuzzLoad gives any bytes to the reader of models.
func FuzzLoad(f *testing.F) {
	data, err := tinyBytes()
	if err != nil {
		f.Fatal(err)
	}
	if len(data) < 1<<16 {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		model, err := LoadBytes(data, WithDigest())
		if err != nil {
			if sentinel(err.(*Error).Code) == nil {
				t.Fatal(err)
			}
			return
		}
		defer model.Close()
		answers(t, model, "good")
	})
}
