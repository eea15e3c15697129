// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include <stdint.h>
import "C"

import (
	"runtime/cgo"
	"sync"
)

// sink receives the messages about one model. A panic of the function must not run through
// frames of C: it is kept, and goes on when the call into C has returned.
type sink struct {
	log      func(level LogLevel, message string)
	mu       sync.Mutex
	panicked any
}

//export sentimentGoLog
func sentimentGoLog(user C.uintptr_t, level C.int32_t, message *C.char) {
	// A handle that is no more, of a model that outlived its Go half, panics in Value.
	defer func() { _ = recover() }()
	cgo.Handle(user).Value().(*sink).receive(LogLevel(level), C.GoString(message))
}

func (s *sink) receive(level LogLevel, message string) {
	defer func() {
		if reason := recover(); reason != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.panicked = reason
		}
	}()
	s.log(level, message)
}

// rethrow goes on with a panic of the log function.
func (s *sink) rethrow() {
	if s == nil {
		return
	}
	s.mu.Lock()
	reason := s.panicked
	s.panicked = nil
	s.mu.Unlock()
	if reason != nil {
		panic(reason)
	}
}
