// SPDX-License-Identifier: Apache-2.0

package sentiment

// #include "bridge.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// Token is a piece of a text, and its number in the vocabulary.
type Token struct {
	// ID is 0 for an unknown word, unless a tokenizer.json has another one for those.
	ID int32
	// Text is the token as it stands in the text; the vocabulary's word where the model's
	// tokenizer is TokenizerHuggingFace.
	Text string
	// Start and End are byte offsets in the text.
	Start, End int
}

// Tokenize turns a text into tokens. It neither truncates nor pads.
func (m *Model) Tokenize(text string) ([]Token, error) {
	inner, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(m)
	defer inner.leave()
	found := tokens{reason: detail()}
	length, status := found.ask(inner, text, len(text)/4+8)
	if status == C.SENTIMENT_ERROR_BUFFER_TOO_SMALL {
		length, status = found.ask(inner, text, length)
	}
	if status != C.SENTIMENT_OK {
		return nil, failure(status, found.reason, nil)
	}
	made := make([]Token, length)
	for i := range made {
		start, end := int(found.starts[i]), int(found.ends[i])
		made[i] = Token{int32(found.ids[i]), text[start:end], start, end}
		if inner.info.Tokenizer == TokenizerHuggingFace {
			if word, err := inner.word(found.ids[i]); err == nil {
				made[i].Text = word
			}
		}
	}
	return made, nil
}

// Word is the word of the vocabulary that has an id.
func (m *Model) Word(id int32) (string, error) {
	inner, err := m.enter()
	if err != nil {
		return "", err
	}
	defer runtime.KeepAlive(m)
	defer inner.leave()
	return inner.word(C.int32_t(id))
}

func (m *core) word(id C.int32_t) (string, error) {
	var word *C.char
	var length C.size_t
	status := C.sentiment_tokenizer_get_word(m.tokenizer, id, &word, &length)
	if status != C.SENTIMENT_OK {
		return "", &Error{Code: Status(status), Message: "no word has this id", Offset: -1}
	}
	return string(unsafe.Slice((*byte)(unsafe.Pointer(word)), int(length))), nil
}

// tokens are the arrays that the library fills.
type tokens struct {
	ids          []C.int32_t
	starts, ends []C.uint64_t
	reason       *C.sentiment_error
}

// ask calls the library with room for so many tokens, and tells how many there are.
func (t *tokens) ask(m *core, text string, room int) (int, C.sentiment_status) {
	t.ids = make([]C.int32_t, room)
	t.starts, t.ends = make([]C.uint64_t, room), make([]C.uint64_t, room)
	var length C.size_t
	status := C.sentiment_tokenizer_encode(m.tokenizer,
		(*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.size_t(len(text)),
		C.int32_t(m.settings.policy), C.size_t(room), unsafe.SliceData(t.ids),
		unsafe.SliceData(t.starts), unsafe.SliceData(t.ends), &length, t.reason)
	return int(length), status
}
