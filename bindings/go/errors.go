// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include <sentiment/sentiment.h>
import "C"

import (
	"errors"
	"strings"
)

// ErrClosed is what a closed model or stream returns. What was learned when a model was loaded,
// such as Info and Labels, is still told.
var ErrClosed = errors.New("sentiment: the model or stream is closed")

// ErrIncompatible is in the error of a load when libsentiment is older than this package, or
// has another binary interface.
var ErrIncompatible = errors.New("sentiment: incompatible library")

// Error is a failure that libsentiment reported. errors.Is finds the sentinel of its code in
// it, such as ErrNotFound, and context.Canceled or context.DeadlineExceeded where a context
// ended the work.
type Error struct {
	// Code is the status that the library returned.
	Code Status
	// Message is one line: what was wrong, where, and what was expected.
	Message string
	// Offset is a byte offset into the text or file; -1 where none is known.
	Offset int64

	cause error
}

// Error tells the message.
func (e *Error) Error() string {
	if e.Message == "" {
		return "sentiment: " + e.Code.String()
	}
	return "sentiment: " + e.Message
}

// Unwrap lists the sentinel of the code and what caused it.
func (e *Error) Unwrap() []error {
	var found []error
	if known := sentinel(e.Code); known != nil {
		found = append(found, known)
	}
	if e.cause != nil {
		found = append(found, e.cause)
	}
	return found
}

// fail makes an error of this package's own.
func fail(code Status, message string) error {
	return &Error{Code: code, Message: message, Offset: -1}
}

// libraryName is what the library calls a status.
func libraryName(code Status) string {
	return C.GoString(C.sentiment_status_name(C.sentiment_status(code)))
}

// offset turns SENTIMENT_NO_OFFSET into -1.
func offset(value C.uint64_t) int64 {
	if uint64(value) > 1<<63-1 {
		return -1
	}
	return int64(value)
}

// failure makes an error of what the library wrote; cause may be nil.
func failure(status C.sentiment_status, detail *C.sentiment_error, cause error) error {
	made := &Error{Code: Status(status), Offset: -1}
	if detail.code == status {
		made.Message = C.GoString(&detail.message[0])
		made.Offset = offset(detail.offset)
	}
	if made.Message == "" {
		made.Message = libraryName(made.Code)
	}
	if made.Code == StatusCancelled {
		made.cause = cause
	}
	return made
}

// detail is an error for the library to write to.
func detail() *C.sentiment_error {
	return &C.sentiment_error{struct_size: C.sizeof_sentiment_error}
}

// ended is the error of a context that ended before the work began.
func ended(cause error) error {
	return &Error{Code: StatusCancelled, Message: cause.Error(), Offset: -1, cause: cause}
}

// cString copies a string that must not hold a NUL; C.free gives it back.
func cString(what, text string) (*C.char, error) {
	if text == "" {
		return nil, fail(StatusInvalidArgument, what+" is empty")
	}
	if strings.IndexByte(text, 0) >= 0 {
		return nil, fail(StatusInvalidArgument, what+" holds a NUL byte")
	}
	return C.CString(text), nil
}
