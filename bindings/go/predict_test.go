// SPDX-License-Identifier: Apache-2.0

package sentiment

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"
)

// awkward texts: empty, a NUL inside, long, every width of character.
var awkward = []string{
	"", "I love this product!", "not good\x00at all", strings.Repeat("good bad ", 5000),
	"\u00e9 \u4f60\u597d \U0001f600", " \t\n", "xqzt wprq", strings.Repeat("x", 100000), "\x00",
}

func TestBatch(t *testing.T) {
	model := bundled(t)
	texts := append([]string{"bad \xff"}, awkward...)
	texts = append(texts, "\xed\xa0\x80")
	batch, err := model.PredictBatch(context.Background(), texts)
	if err != nil {
		t.Fatal(err)
	}
	if batch.Len() != len(texts) || len(batch.Probabilities()) != 3*len(texts) ||
		len(batch.Logits()) != 3*len(texts) {
		t.Fatal(batch.Len(), len(batch.Probabilities()))
	}
	i := 0
	for got, err := range batch.All() {
		if i == 0 || i == len(texts)-1 {
			detail := wants(t, err, ErrInvalidUTF8)
			if want := []int64{4, 0}[min(i, 1)]; detail.Offset != want || batch.Label(i) != "" {
				t.Errorf("text %d: offset %d, %q", i, detail.Offset, batch.Label(i))
			}
		} else if want := answers(t, model, texts[i]); err != nil || !same(got, want) ||
			batch.Label(i) != want.Label {
			t.Errorf("text %d: %+v, %v, want %+v", i, got, err, want)
		}
		i++
	}
	for range batch.All() {
		break // a loop may stop early
	}
	empty, err := model.PredictBatch(context.Background(), nil)
	if err != nil || empty.Len() != 0 {
		t.Error(empty, err)
	}
	blank, err := model.PredictBatch(context.Background(), make([]string, 3))
	if err != nil || blank.Len() != 3 || blank.Err(2) != nil {
		t.Error(blank, err)
	}
}

// TestBatchesInTurn sees that nothing of a batch stays behind in the memory that is used again.
func TestBatchesInTurn(t *testing.T) {
	model := tiny(t, WithSessions(1))
	var texts []string
	for i := range 2000 {
		texts = append(texts, strings.Repeat("word_1 word_2 ", i%7))
	}
	texts = append(texts, strings.Repeat("word_3 ", keptBytes/6))
	for _, part := range [][]string{texts[:10], texts, texts[3:5], texts[:2000], texts[:1]} {
		batch, err := model.PredictBatch(context.Background(), part)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range part {
			got, err := batch.At(i)
			if err != nil || i%100 == 0 && !same(got, answers(t, model, text)) {
				t.Fatalf("text %d: %+v, %v", i, got, err)
			}
		}
	}
}

func TestJoined(t *testing.T) {
	ctx := context.Background()
	model := bundled(t)
	text := []byte("I love it.Not good.")
	batch, err := model.PredictJoined(ctx, text, []uint64{0, 10, 19, 19})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"I love it.", "Not good.", ""} {
		if got, err := batch.At(i); err != nil || !same(got, answers(t, model, want)) {
			t.Errorf("%q: %+v, %v", want, got, err)
		}
	}
	for _, offsets := range [][]uint64{nil, {}, {0, 20}, {5, 3}, {0, 19, 18}, {0, math.MaxUint64}} {
		_, err := model.PredictJoined(ctx, text, offsets)
		wants(t, err, ErrInvalidArgument)
		_, err = model.PredictIDs(ctx, make([]int32, len(text)), offsets)
		wants(t, err, ErrInvalidArgument)
	}
	if batch, err = model.PredictJoined(ctx, nil, []uint64{0}); err != nil || batch.Len() != 0 {
		t.Error(batch, err)
	}
}

func TestIDs(t *testing.T) {
	ctx := context.Background()
	model := bundled(t)
	found, err := model.Tokenize("I love it, really")
	if err != nil {
		t.Fatal(err)
	}
	var ids []int32
	for _, each := range found {
		ids = append(ids, each.ID)
	}
	count := uint64(len(ids))
	ids = append(ids, -1, int32(model.Info().VocabSize))
	batch, err := model.PredictIDs(ctx, ids, []uint64{0, count, count, count + 1, count + 2})
	if err != nil {
		t.Fatal(err)
	}
	got, err := batch.At(0)
	want := answers(t, model, "I love it, really")
	if err != nil || !sameBits(got.Logits, want.Logits) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := batch.Err(1); err != nil {
		t.Error(err)
	}
	wants(t, batch.Err(2), ErrInvalidArgument)
	wants(t, batch.Err(3), ErrInvalidArgument)
}

func TestTokenize(t *testing.T) {
	model := bundled(t)
	text := "Not good\x00, wprq \u4f60!"
	found, err := model.Tokenize(text)
	if err != nil || len(found) == 0 {
		t.Fatal(err)
	}
	for _, each := range found {
		if each.Text != text[each.Start:each.End] || each.Text == "" {
			t.Errorf("%+v", each)
		}
		if word, err := model.Word(each.ID); each.ID != 0 && (err != nil ||
			word != strings.ToLower(each.Text)) {
			t.Errorf("%+v is %q, %v", each, word, err)
		}
	}
	long, err := model.Tokenize(strings.Repeat("a.", 50000))
	if err != nil || len(long) != 100000 {
		t.Error(len(long), err)
	}
	if none, err := model.Tokenize(""); err != nil || len(none) != 0 {
		t.Error(none, err)
	}
	_, err = model.Tokenize("ab\xc3")
	if detail := wants(t, err, ErrInvalidUTF8); detail.Offset != 2 {
		t.Error(detail.Offset)
	}
	for _, id := range []int32{-1, math.MaxInt32} {
		if _, err := model.Word(id); err == nil {
			t.Errorf("%d has a word", id)
		}
	}
}

func TestExplain(t *testing.T) {
	ctx := context.Background()
	model := bundled(t)
	for _, text := range awkward {
		found, err := model.Explain(ctx, text)
		if err != nil {
			t.Fatal(err)
		}
		if !same(found.Prediction, answers(t, model, text)) {
			t.Errorf("%.20q: %+v", text, found.Prediction)
		}
		if want := min(found.Tokens, int(model.Info().MaxLength)); len(found.Contributions) != want {
			t.Errorf("%.20q: %d contributions, want %d", text, len(found.Contributions), want)
		}
		for class, logit := range found.Logits {
			// Each addition rounds by at most half a unit in the last place of a float.
			sum, size := float64(found.Bias[class]), math.Abs(float64(found.Bias[class]))
			for _, each := range found.Contributions {
				sum += float64(each.Logits[class])
				size += math.Abs(float64(each.Logits[class]))
			}
			allowed := size * float64(len(found.Contributions)+2) / (1 << 23)
			if math.Abs(sum-float64(logit)) > allowed {
				t.Errorf("%.20q: %g in all, want %g within %g", text, sum, logit, allowed)
			}
		}
		for _, each := range found.Contributions {
			if each.Token != text[each.Start:each.End] {
				t.Errorf("%+v", each)
			}
		}
	}
	_, err := model.Explain(ctx, "\xff")
	wants(t, err, ErrInvalidUTF8)
}

func TestStream(t *testing.T) {
	ctx := context.Background()
	model := bundled(t)
	stream, err := model.Stream()
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	text := "The room was ni\u00e7e, but the staff was rude."
	for at := 0; at < len(text); at += 3 {
		if n, err := stream.Write([]byte(text[at:min(at+3, len(text))])); err != nil || n == 0 {
			t.Fatal(n, err)
		}
		got, err := stream.Result(ctx)
		so := text[:min(at+3, len(text))]
		if so[len(so)-1] == 0xc3 {
			so = so[:len(so)-1]
		}
		if want := answers(t, model, so); err != nil || !same(got, want) {
			t.Errorf("%q: %+v, %v, want %+v", so, got, err, want)
		}
	}
	got, err := stream.End(ctx)
	if want := answers(t, model, text); err != nil || !same(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	wants(t, stream.Feed(ctx, "good \xff"), ErrInvalidUTF8)
	if n, err := stream.Write([]byte("x")); n != 0 || err == nil {
		t.Error(n, err)
	}
	_, err = stream.Result(ctx)
	if detail := wants(t, err, ErrInvalidUTF8); detail.Offset != 5 {
		t.Error(detail.Offset)
	}
	if err := stream.Reset(); err != nil {
		t.Error(err)
	}
	if err := stream.Feed(ctx, "not bad"); err != nil {
		t.Error(err)
	}
	if got, err = stream.End(ctx); err != nil || !same(got, answers(t, model, "not bad")) {
		t.Error(got, err)
	}
}

// TestBytesAreNotKept changes bytes after the call.
func TestBytesAreNotKept(t *testing.T) {
	model := bundled(t)
	text := []byte("I love this product!")
	got, err := model.PredictBytes(context.Background(), text)
	want := answers(t, model, string(bytes.Clone(text)))
	clear(text)
	if err != nil || !same(got, want) {
		t.Error(got, err)
	}
}
