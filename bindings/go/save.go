// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include <stdlib.h>
// #include "bridge.h"
import "C"

import (
	"context"
	"encoding/json"
	"runtime"
	"unsafe"
)

// saving is what options about saving choose.
type saving struct {
	format   Format
	opset    uint32
	metadata map[string]string
	lineage  string
}

// SaveOption changes how a model is saved.
type SaveOption func(*saving)

// WithFormat chooses the format, which otherwise follows from the name.
func WithFormat(format Format) SaveOption { return func(s *saving) { s.format = format } }

// WithOpset chooses the version of the operator set of an ONNX file, 11 to 20.
func WithOpset(version uint32) SaveOption { return func(s *saving) { s.opset = version } }

// WithMetadata adds to the model's metadata, or replaces what has the same key.
func WithMetadata(metadata map[string]string) SaveOption {
	return func(s *saving) { s.metadata = metadata }
}

// WithLineage adds a JSON object to the model's lineage as its newest step, such as
// {"action":"convert"}; what the library knows of the step is added to it.
func WithLineage(object string) SaveOption { return func(s *saving) { s.lineage = object } }

// Save writes the model to a file, or to a guide folder: aside first, then renamed, so that a
// failure leaves what was there. It stops when ctx ends.
func (m *Model) Save(ctx context.Context, path string, options ...SaveOption) error {
	inner, err := m.enter()
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(m)
	defer inner.leave()
	if err := ctx.Err(); err != nil {
		return ended(err)
	}
	var chosen saving
	for _, option := range options {
		if option != nil {
			option(&chosen)
		}
	}
	name, err := cString("the path", path)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(name))
	how, err := chosen.options()
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(how.metadata_json))
	defer C.free(unsafe.Pointer(how.lineage_json))
	token, done, err := watch(ctx)
	if err != nil {
		return err
	}
	defer done()
	how.cancel = token
	reason := detail()
	defer inner.sink.rethrow()
	if status := C.sentiment_model_save(inner.c, name, how, reason); status != C.SENTIMENT_OK {
		return failure(status, reason, ctx.Err())
	}
	return nil
}

// options are the library's options; their strings are the caller's to free.
func (s *saving) options() (*C.sentiment_save_options, error) {
	made := &C.sentiment_save_options{
		struct_size: C.sizeof_sentiment_save_options,
		format:      C.int32_t(s.format),
		opset:       C.uint32_t(s.opset),
	}
	if s.lineage != "" {
		lineage, err := cString("the lineage", s.lineage)
		if err != nil {
			return nil, err
		}
		made.lineage_json = lineage
	}
	if len(s.metadata) > 0 {
		text, err := json.Marshal(s.metadata)
		if err != nil {
			C.free(unsafe.Pointer(made.lineage_json))
			return nil, fail(StatusInvalidArgument, "metadata: "+err.Error())
		}
		made.metadata_json = C.CString(string(text))
	}
	return made, nil
}

// Quantize makes a model of the same network in int8, a quarter of the size. It takes the
// options of this model, but for precision, engine and device, and then the ones given.
func (m *Model) Quantize(ctx context.Context, options ...Option) (*Model, error) {
	inner, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(m)
	defer inner.leave()
	base := inner.settings
	// The torch engine has no int8.
	base.precision, base.engine, base.device = PrecisionDefault, EngineAuto, ""
	// The model has its temperature already.
	base.temperature = 0
	return build(ctx, base, options, func(how *C.sentiment_go_loading,
		model **C.sentiment_model, reason *C.sentiment_error) C.sentiment_status {
		return C.sentiment_go_quantize(inner.c, how, model, reason)
	})
}

// Convert loads a model and saves it in another format: that of the destination's name, unless
// WithFormat says otherwise. The conversion joins the model's lineage.
func Convert(ctx context.Context, source, destination string, options ...SaveOption) error {
	model, err := LoadContext(ctx, source, WithDigest())
	if err != nil {
		return err
	}
	defer model.Close()
	options = append([]SaveOption{WithLineage(`{"action":"convert"}`)}, options...)
	return model.Save(ctx, destination, options...)
}
