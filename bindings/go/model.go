// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include <stdlib.h>
// #include "bridge.h"
import "C"

import (
	"context"
	"runtime"
	"runtime/cgo"
	"slices"
	"unsafe"
)

// Model is a loaded model. Any number of goroutines may use one at the same time; each call
// takes a session of the model's pool. Close frees it.
type Model struct {
	core *core
}

// core is what a Model leaves for its cleanup.
type core struct {
	gate
	c         *C.sentiment_model
	tokenizer *C.sentiment_tokenizer
	options   *C.sentiment_session_options
	settings  settings
	sink      *sink
	handle    cgo.Handle // of sink; 0: silent
	info      ModelInfo
	running   SessionInfo
	labels    []string
	classes   int
}

// loader calls one of the library's functions that make a model.
type loader func(how *C.sentiment_go_loading, model **C.sentiment_model,
	reason *C.sentiment_error) C.sentiment_status

// Load loads a model from a file or a guide folder, by content, not by name.
func Load(path string, options ...Option) (*Model, error) {
	return LoadContext(context.Background(), path, options...)
}

// LoadContext is Load that stops when ctx ends.
func LoadContext(ctx context.Context, path string, options ...Option) (*Model, error) {
	name, err := cString("the path", path)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(name))
	return build(ctx, settings{}, options, func(how *C.sentiment_go_loading,
		model **C.sentiment_model, reason *C.sentiment_error) C.sentiment_status {
		return C.sentiment_go_load(name, how, model, reason)
	})
}

// LoadBytes loads a native file (.safetensors) from memory, such as one that go:embed put
// there. The bytes are copied.
func LoadBytes(data []byte, options ...Option) (*Model, error) {
	return build(context.Background(), settings{}, options, func(how *C.sentiment_go_loading,
		model **C.sentiment_model, reason *C.sentiment_error) C.sentiment_status {
		// Not unsafe.Pointer: cgo would look for pointers in all of what the bytes are part of.
		return C.sentiment_go_load_bytes((*C.char)(unsafe.Pointer(unsafe.SliceData(data))),
			C.size_t(len(data)), how, model, reason)
	})
}

// Default loads the model to use when nobody names one: that of the environment variable
// SENTIMENT_MODEL, else the bundled one.
func Default(options ...Option) (*Model, error) {
	path, err := DefaultPath()
	if err != nil {
		return nil, err
	}
	return Load(path, options...)
}

// DefaultPath is the path of the model that Default loads.
func DefaultPath() (string, error) {
	if err := checkLibrary(); err != nil {
		return "", err
	}
	buffer := make([]byte, 256)
	for {
		var length C.size_t
		reason := detail()
		status := C.sentiment_model_find_default((*C.char)(unsafe.Pointer(&buffer[0])),
			C.size_t(len(buffer)), &length, reason)
		switch {
		case status == C.SENTIMENT_OK:
			return string(buffer[:length]), nil
		case status != C.SENTIMENT_ERROR_BUFFER_TOO_SMALL:
			return "", failure(status, reason, nil)
		}
		buffer = make([]byte, int(length)+1)
	}
}

// build makes a model and its first session, so that what the options ask for in vain fails
// here and not at the first text.
func build(ctx context.Context, base settings, options []Option, load loader) (*Model, error) {
	if err := checkLibrary(); err != nil {
		return nil, err
	}
	chosen, err := base.with(options)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, ended(err)
	}
	token, done, err := watch(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	made := &core{settings: chosen}
	if chosen.log != nil {
		made.sink = &sink{log: chosen.log}
		made.handle = cgo.NewHandle(made.sink)
	}
	how := &C.sentiment_go_loading{
		use_mmap:          number(chosen.mmap),
		allow_missing_crc: number(chosen.missingCRC),
		digest:            number(chosen.digest),
		temperature:       C.float(chosen.temperature),
		log:               C.uintptr_t(made.handle),
		cancel:            token,
	}
	// Not &made.c: cgo would look through all of *made, and find pointers of Go in it.
	var model *C.sentiment_model
	reason := detail()
	status := load(how, &model, reason)
	made.c = model
	if status != C.SENTIMENT_OK {
		made.free()
		made.sink.rethrow()
		return nil, failure(status, reason, ctx.Err())
	}
	return made.finish()
}

// finish makes a Model of a core that has its C model.
func (m *core) finish() (*Model, error) {
	m.gate.init(m.settings.sessions)
	m.options = m.settings.sessionOptions()
	first, err := m.makeSession()
	if err == nil {
		m.spare = append(m.spare, first)
		m.tokenizer = C.sentiment_model_get_tokenizer(m.c)
		err = m.describe(first)
	}
	if err != nil {
		m.free()
		m.sink.rethrow()
		return nil, err
	}
	made := &Model{core: m}
	runtime.AddCleanup(made, func(m *core) { m.shut() }, m)
	if m.sink != nil {
		defer m.sink.rethrow()
	}
	return made, nil
}

// describe copies what the library tells about a model.
func (m *core) describe(first *session) error {
	about := &C.sentiment_model_info{struct_size: C.sizeof_sentiment_model_info}
	runs := &C.sentiment_session_info{struct_size: C.sizeof_sentiment_session_info}
	reason := detail()
	status := C.sentiment_model_get_info(m.c, about, reason)
	if status == C.SENTIMENT_OK {
		status = C.sentiment_session_get_info(first.c.session, runs, reason)
	}
	if status != C.SENTIMENT_OK {
		return failure(status, reason, nil)
	}
	m.info.read(about)
	m.running.read(runs)
	m.classes = int(m.info.NumClasses)
	for class := range m.classes {
		m.labels = append(m.labels, C.GoString(C.sentiment_model_get_label(m.c, C.int32_t(class))))
	}
	return nil
}

// free gives back everything; only when no call is in flight.
func (m *core) free() {
	for _, each := range m.spare {
		each.free()
	}
	m.spare = nil
	C.sentiment_tokenizer_free(m.tokenizer)
	C.sentiment_model_free(m.c)
	if m.options != nil {
		C.free(unsafe.Pointer(m.options.device))
	}
	m.tokenizer, m.c, m.options = nil, nil, nil
	if m.handle != 0 {
		m.handle.Delete()
		m.handle = 0
	}
}

func (m *core) shut() {
	if m.gate.close() {
		m.free()
	}
}

// open is the core of a model, nil if there is none.
func (m *Model) open() *core {
	if m == nil {
		return nil
	}
	return m.core
}

// enter begins a call that does not compute.
func (m *Model) enter() (*core, error) {
	inner := m.open()
	if inner == nil {
		return nil, ErrClosed
	}
	return inner, inner.gate.enter()
}

// acquire begins a call that computes.
func (m *Model) acquire(ctx context.Context) (*core, *session, error) {
	inner := m.open()
	if inner == nil {
		return nil, nil, ErrClosed
	}
	taken, err := inner.gate.acquire(ctx)
	if err == nil && taken == nil {
		if taken, err = inner.makeSession(); err != nil {
			inner.release(nil)
		}
	}
	return inner, taken, err
}

// Close frees the model. It waits for the calls in flight; those that still wait for a session,
// and all later ones, return ErrClosed. Closing again does nothing. A model that is forgotten
// is closed when the garbage collector finds it.
func (m *Model) Close() error {
	if inner := m.open(); inner != nil {
		inner.shut()
	}
	return nil
}

// Info tells what the model is.
func (m *Model) Info() ModelInfo {
	if inner := m.open(); inner != nil {
		return inner.info
	}
	return ModelInfo{}
}

// SessionInfo tells what predictions run on.
func (m *Model) SessionInfo() SessionInfo {
	if inner := m.open(); inner != nil {
		return inner.running
	}
	return SessionInfo{}
}

// Labels are the names of the classes, in order.
func (m *Model) Labels() []string {
	if inner := m.open(); inner != nil {
		return slices.Clone(inner.labels)
	}
	return nil
}

// Metadata is what is recorded about the model: lineage, metrics, and so on.
func (m *Model) Metadata() (map[string]string, error) {
	inner, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(m)
	defer inner.leave()
	found := map[string]string{}
	for i := 0; ; i++ {
		var key, value *C.char
		status := C.sentiment_model_get_metadata_at(inner.c, C.size_t(i), &key, &value)
		if status != C.SENTIMENT_OK {
			return found, nil
		}
		found[C.GoString(key)] = C.GoString(value)
	}
}

// Clone makes a second Model of the same weights, which are shared, with other options for
// prediction. Options about loading do nothing here. Both are to be closed, in any order.
func (m *Model) Clone(options ...Option) (*Model, error) {
	inner, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(m)
	defer inner.leave()
	chosen, err := inner.settings.with(options)
	if err != nil {
		return nil, err
	}
	return (&core{settings: chosen, c: C.sentiment_model_retain(inner.c)}).finish()
}
