// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include "bridge.h"
import "C"

// session is one session of the library, for one call at a time, with memory for batches.
type session struct {
	c       *C.sentiment_go_session
	text    []byte
	offsets []C.uint64_t
}

// keptBytes bounds what a session keeps of a batch's memory for the next one.
const keptBytes = 4 << 20

// makeSession makes a session of a model.
func (m *core) makeSession() (*session, error) {
	reason := detail()
	made := C.sentiment_go_session_create(m.c, m.options, reason)
	if made == nil {
		return nil, failure(C.sentiment_status(reason.code), reason, nil)
	}
	return &session{c: made}, nil
}

func (s *session) free() {
	C.sentiment_go_session_free(s.c)
	s.c = nil
}

// failure is the error of this session's last call.
func (s *session) failure(status C.sentiment_status, cause error) error {
	return failure(status, &s.c.error, cause)
}

// join puts texts one behind the other, as the library wants them.
func (s *session) join(texts []string) ([]byte, []C.uint64_t) {
	size := 0
	for _, text := range texts {
		size += len(text)
	}
	joined, offsets := s.text[:0], s.offsets[:0]
	if cap(joined) < size {
		joined = make([]byte, 0, size)
	}
	if cap(offsets) < len(texts)+1 {
		offsets = make([]C.uint64_t, 0, len(texts)+1)
	}
	offsets = append(offsets, 0)
	for _, text := range texts {
		joined = append(joined, text...)
		offsets = append(offsets, C.uint64_t(len(joined)))
	}
	s.text, s.offsets = nil, nil
	if cap(joined) <= keptBytes && 8*cap(offsets) <= keptBytes {
		s.text, s.offsets = joined, offsets
	}
	return joined, offsets
}
