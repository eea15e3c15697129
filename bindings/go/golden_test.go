// SPDX-License-Identifier: Apache-2.0

package sentiment

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// golden is one line of the texts that every language answers to the bit.
type golden struct {
	name, precision, utf8 string
	maxLength             uint32
	text                  string
	status                Status
	want                  Prediction
	errorOffset           int64
}

func bits(t *testing.T, text string) float32 {
	value, err := strconv.ParseUint(text, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	return math.Float32frombits(uint32(value))
}

func row(t *testing.T, text string) []float32 {
	var values []float32
	for part := range strings.SplitSeq(text, ",") {
		values = append(values, bits(t, part))
	}
	return values
}

func integer(t *testing.T, text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func parse(t *testing.T, columns map[string]string) golden {
	text, err := hex.DecodeString(columns["text"])
	if err != nil {
		t.Fatal(err)
	}
	made := golden{name: columns["name"], precision: columns["precision"], utf8: columns["utf8"],
		maxLength: uint32(integer(t, columns["max_length"])),
		text:      strings.Repeat(string(text), integer(t, columns["repeat"])),
		status:    Status(integer(t, columns["status"])), errorOffset: -1}
	if columns["error_offset"] != "-" {
		made.errorOffset = int64(integer(t, columns["error_offset"]))
	}
	if made.status == StatusOK {
		made.want = Prediction{Prediction: integer(t, columns["prediction"]),
			Confidence: bits(t, columns["confidence"]), Flags: Flags(integer(t, columns["flags"])),
			Tokens: integer(t, columns["tokens"]), Unknown: integer(t, columns["unknown"]),
			Probabilities: row(t, columns["probabilities"]), Logits: row(t, columns["logits"])}
	}
	return made
}

func readGolden(t *testing.T) []golden {
	data, err := os.ReadFile(filepath.Join("..", "..", "tests", "golden", "texts.tsv"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the golden texts are not here")
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	names := strings.Split(lines[0], "\t")
	var found []golden
	for _, line := range lines[1:] {
		columns := map[string]string{}
		for i, field := range strings.Split(line, "\t") {
			columns[names[i]] = field
		}
		found = append(found, parse(t, columns))
	}
	if len(found) < 10 {
		t.Fatalf("%d golden texts", len(found))
	}
	return found
}

func (g golden) holds(t *testing.T, how string, got Prediction, err error) {
	t.Helper()
	if g.status != StatusOK {
		if detail := wants(t, err, sentinel(g.status)); detail.Offset != g.errorOffset {
			t.Errorf("%s, %s: offset %d, want %d", g.name, how, detail.Offset, g.errorOffset)
		}
		return
	}
	if err != nil {
		t.Errorf("%s, %s: %v", g.name, how, err)
		return
	}
	got.Label = g.want.Label
	if !same(got, g.want) {
		t.Errorf("%s, %s: %+v, want %+v", g.name, how, got, g.want)
	}
}

func TestGolden(t *testing.T) {
	ctx := context.Background()
	first := bundled(t)
	kinds := map[string]*Model{}
	batches := map[string][]golden{}
	for _, each := range readGolden(t) {
		kind := fmt.Sprint(each.precision, each.utf8, each.maxLength)
		if kinds[kind] == nil {
			precision := map[string]Precision{"fp32": PrecisionFP32, "int8": PrecisionInt8}
			policy := map[string]UTF8Policy{"strict": UTF8Strict, "replace": UTF8Replace}
			model, err := first.Clone(WithPrecision(precision[each.precision]),
				WithUTF8(policy[each.utf8]), WithMaxLength(each.maxLength))
			if err != nil {
				t.Fatal(err)
			}
			defer model.Close()
			kinds[kind] = model
		}
		got, err := kinds[kind].Predict(ctx, each.text)
		each.holds(t, "one", got, err)
		got, err = kinds[kind].PredictBytes(ctx, []byte(each.text))
		each.holds(t, "bytes", got, err)
		batches[kind] = append(batches[kind], each)
	}
	for kind, lines := range batches {
		var texts []string
		for _, each := range lines {
			texts = append(texts, each.text)
		}
		batch, err := kinds[kind].PredictBatch(ctx, texts)
		if err != nil {
			t.Fatal(err)
		}
		for i, each := range lines {
			got, err := batch.At(i)
			each.holds(t, "batch", got, err)
		}
	}
}

func TestGoldenStreams(t *testing.T) {
	ctx := context.Background()
	model := bundled(t)
	stream, err := model.Stream()
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	for _, each := range readGolden(t) {
		if each.precision != "fp32" || each.utf8 != "strict" || each.maxLength != 0 {
			continue
		}
		for rest := each.text; rest != "" && err == nil; {
			piece := rest[:min(len(rest), 7)]
			err, rest = stream.Feed(ctx, piece), rest[len(piece):]
		}
		got, end := stream.End(ctx)
		if err == nil {
			err = end
		}
		each.holds(t, "stream", got, err)
		err = nil
	}
}
