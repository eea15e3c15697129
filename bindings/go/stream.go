// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include "bridge.h"
import "C"

import (
	"context"
	"io"
	"runtime"
	"unsafe"
)

// Stream is a text that arrives in pieces, cut anywhere, also inside a character. It may be used
// by any number of goroutines, one after the other. It has a session of its own, which costs
// SessionInfo.MemoryBytes; Close frees it, and a stream that is forgotten is closed by the
// garbage collector. When its model is closed, its methods return ErrClosed.
type Stream struct {
	model   *Model
	state   *streamState
	cleanup runtime.Cleanup
}

var _ io.WriteCloser = (*Stream)(nil)

// streamState is what a Stream leaves for its cleanup: a session of its own, so that streams do
// not wait for each other.
type streamState struct {
	turn    chan struct{} // holds one while a call is under way; a wait for it heeds contexts
	session *session      // nil: closed
}

// Stream starts a text that arrives in pieces. Only for networks that run forwards, on the
// native engine; others return ErrUnsupported.
func (m *Model) Stream() (*Stream, error) {
	inner, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(m)
	defer inner.leave()
	own, err := inner.makeSession()
	if err != nil {
		return nil, err
	}
	status := C.sentiment_stream_create(own.c.session, 0, &own.c.stream, &own.c.error)
	if status != C.SENTIMENT_OK {
		err := own.failure(status, nil)
		own.free()
		return nil, err
	}
	made := &Stream{model: m, state: &streamState{turn: make(chan struct{}, 1), session: own}}
	made.cleanup = runtime.AddCleanup(made, (*streamState).close, made.state)
	return made, nil
}

// Feed appends a piece. After ErrInvalidUTF8 every call fails with it until End or Reset; after
// any other failure the text is as it was before the piece.
func (s *Stream) Feed(ctx context.Context, piece string) error {
	_, err := s.call(ctx, false, func(own *session, _ *core, _ []float32) C.sentiment_status {
		return C.sentiment_go_feed(own.c, (*C.char)(unsafe.Pointer(unsafe.StringData(piece))),
			C.size_t(len(piece)), 0, nil)
	})
	return err
}

// Write is Feed as io.Writer has it.
func (s *Stream) Write(piece []byte) (int, error) {
	_, err := s.call(context.Background(), false,
		func(own *session, _ *core, _ []float32) C.sentiment_status {
			return C.sentiment_go_feed(own.c, (*C.char)(unsafe.Pointer(unsafe.SliceData(piece))),
				C.size_t(len(piece)), 0, nil)
		})
	if err != nil {
		return 0, err
	}
	return len(piece), nil
}

// Result is the answer so far: that of Predict for the text up to here, to the bit. A character
// that the last piece has cut is not yet part of it.
func (s *Stream) Result(ctx context.Context) (Prediction, error) {
	return s.call(ctx, true, func(own *session, inner *core, values []float32) C.sentiment_status {
		return C.sentiment_go_feed(own.c, nil, 0, C.size_t(inner.classes),
			(*C.float)(unsafe.SliceData(values)))
	})
}

// End is the answer for the whole text: that of Predict, to the bit. The stream then has an
// empty text again, also after a failure of the text itself.
func (s *Stream) End(ctx context.Context) (Prediction, error) {
	return s.call(ctx, true, func(own *session, inner *core, values []float32) C.sentiment_status {
		start := unsafe.SliceData(values)
		return C.sentiment_stream_end(own.c.stream, &own.c.result, (*C.float)(start),
			(*C.float)(unsafe.SliceData(values[inner.classes:])), &own.c.error)
	})
}

// call makes one call of the library that counts as one of the model's computing calls.
func (s *Stream) call(ctx context.Context, answers bool,
	ask func(*session, *core, []float32) C.sentiment_status) (Prediction, error) {
	if s == nil || s.state == nil {
		return Prediction{}, ErrClosed
	}
	defer runtime.KeepAlive(s)
	select {
	case s.state.turn <- struct{}{}:
	case <-ctx.Done():
		return Prediction{}, ended(ctx.Err())
	}
	defer s.state.leave()
	own := s.state.session
	inner := s.model.open()
	if own == nil || inner == nil {
		return Prediction{}, ErrClosed
	}
	lent, err := inner.gate.acquire(ctx)
	if err != nil {
		return Prediction{}, err
	}
	defer inner.release(lent)
	var values []float32
	if answers {
		values = make([]float32, 2*inner.classes)
	}
	if status := ask(own, inner, values); status != C.SENTIMENT_OK {
		return Prediction{}, own.failure(status, nil)
	}
	if !answers {
		return Prediction{}, nil
	}
	return inner.prediction(&own.c.result, values), nil
}

// Reset forgets the text.
func (s *Stream) Reset() error {
	if s == nil || s.state == nil {
		return ErrClosed
	}
	defer runtime.KeepAlive(s)
	inner, err := s.model.enter()
	if err != nil {
		return err
	}
	defer inner.leave()
	s.state.turn <- struct{}{}
	defer s.state.leave()
	if s.state.session == nil {
		return ErrClosed
	}
	C.sentiment_stream_reset(s.state.session.c.stream)
	return nil
}

// Close frees the stream, after the call in flight if there is one. Closing again does nothing.
func (s *Stream) Close() error {
	if s != nil && s.state != nil {
		s.state.close()
		s.cleanup.Stop()
		runtime.KeepAlive(s)
	}
	return nil
}

// leave ends a call.
func (s *streamState) leave() { <-s.turn }

func (s *streamState) close() {
	s.turn <- struct{}{}
	defer s.leave()
	if s.session != nil {
		s.session.free()
		s.session = nil
	}
}
