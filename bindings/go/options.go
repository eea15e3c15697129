// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include "bridge.h"
import "C"

import (
	"runtime"
	"strings"
)

// settings are what options choose. The zero value of each field is the default.
type settings struct {
	mmap, missingCRC, digest bool
	temperature              float32
	log                      func(level LogLevel, message string)

	engine           Engine
	precision        Precision
	isa              ISA
	threads          uint32
	maxLength        uint32
	padding          Padding
	policy           UTF8Policy
	everyPaddedStep  bool
	foldBytes        uint64
	device           string
	sessions         int
	sessionsWereSaid bool
}

// Option changes how a model is loaded or how it predicts.
type Option func(*settings)

// WithEngine chooses the engine.
func WithEngine(engine Engine) Option { return func(s *settings) { s.engine = engine } }

// WithPrecision chooses the arithmetic: PrecisionInt8 quantizes an fp32 model for prediction.
func WithPrecision(precision Precision) Option {
	return func(s *settings) { s.precision = precision }
}

// WithISA sets an upper bound for the instructions that the native engine uses.
func WithISA(isa ISA) Option { return func(s *settings) { s.isa = isa } }

// WithThreads lets each call share a batch or a long text among so many threads of the
// library's own; AllThreads takes what affinity and cgroup allow. The default is 1: calls from
// many goroutines run side by side anyway.
func WithThreads(threads uint32) Option { return func(s *settings) { s.threads = threads } }

// WithMaxLength sets how many tokens of a text are used, 1 to 65,536.
func WithMaxLength(tokens uint32) Option { return func(s *settings) { s.maxLength = tokens } }

// WithPadding overrides the model's padding.
func WithPadding(padding Padding) Option { return func(s *settings) { s.padding = padding } }

// WithUTF8 chooses what happens to bytes that are not UTF-8.
func WithUTF8(policy UTF8Policy) Option { return func(s *settings) { s.policy = policy } }

// WithDevice names the device of the torch engine: "cpu", "cuda" or "cuda:N".
func WithDevice(device string) Option { return func(s *settings) { s.device = device } }

// WithFoldBytes bounds the memory for folded input projections, which all sessions share.
func WithFoldBytes(bytes uint64) Option { return func(s *settings) { s.foldBytes = bytes } }

// WithEveryPaddedStep computes padded steps even after the network has settled.
func WithEveryPaddedStep() Option { return func(s *settings) { s.everyPaddedStep = true } }

// WithDigest computes SHA-256 digests while loading (ModelInfo.SHA256), and checks the one that
// the file states.
func WithDigest() Option { return func(s *settings) { s.digest = true } }

// WithTemperature divides the logits by a number above 0 before softmax, in place of the one
// that the model was saved with: labels stay, probabilities change. 0 leaves that of the model.
func WithTemperature(temperature float32) Option {
	return func(s *settings) { s.temperature = temperature }
}

// WithMmap maps the file instead of reading it. The file must then never change while the
// model lives: a mapped file that is cut off kills the process.
func WithMmap() Option { return func(s *settings) { s.mmap = true } }

// WithMissingCRC accepts archives whose writer left checksums out.
func WithMissingCRC() Option { return func(s *settings) { s.missingCRC = true } }

// WithLog receives messages about the model, one line each, such as a warning about a tensor
// that nothing uses. The function may be called on any goroutine's thread and must not close
// the model.
func WithLog(log func(level LogLevel, message string)) Option {
	return func(s *settings) { s.log = log }
}

// WithSessions limits how many calls compute at the same time; the others wait, as long as
// their contexts let them. The default is runtime.GOMAXPROCS. A session is made when it is
// first needed.
func WithSessions(limit int) Option {
	return func(s *settings) { s.sessions, s.sessionsWereSaid = limit, true }
}

// with applies options to a copy.
func (s settings) with(options []Option) (settings, error) {
	for _, option := range options {
		if option != nil {
			option(&s)
		}
	}
	if !s.sessionsWereSaid {
		s.sessions = runtime.GOMAXPROCS(0)
	}
	if s.sessions < 1 {
		return s, fail(StatusInvalidArgument, "WithSessions: at least 1 session is needed")
	}
	if strings.IndexByte(s.device, 0) >= 0 {
		return s, fail(StatusInvalidArgument, "the device holds a NUL byte")
	}
	return s, nil
}

func number(set bool) C.uint32_t {
	if set {
		return 1
	}
	return 0
}

// sessionOptions are the options of a session; device is the caller's to free.
func (s *settings) sessionOptions() *C.sentiment_session_options {
	made := &C.sentiment_session_options{
		struct_size:          C.sizeof_sentiment_session_options,
		engine:               C.int32_t(s.engine),
		precision:            C.int32_t(s.precision),
		isa:                  C.int32_t(s.isa),
		threads:              C.uint32_t(s.threads),
		max_length:           C.uint32_t(s.maxLength),
		padding:              C.int32_t(s.padding),
		utf8_policy:          C.int32_t(s.policy),
		disable_settled_tail: number(s.everyPaddedStep),
		fold_bytes:           C.uint64_t(s.foldBytes),
	}
	if s.device != "" {
		made.device = C.CString(s.device)
	}
	return made
}
