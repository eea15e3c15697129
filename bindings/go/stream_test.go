// SPDX-License-Identifier: Apache-2.0

package sentiment

import (
	"context"
	"testing"
	"time"
)

// TestStreamTurn gives up waiting for a stream that another goroutine is using.
func TestStreamTurn(t *testing.T) {
	model := tiny(t, WithSessions(1))
	stream, err := model.Stream()
	if err != nil {
		t.Fatal(err)
	}
	give := hold(t, model)
	fed := make(chan error)
	go func() { fed <- stream.Feed(context.Background(), "word_1") }()
	for len(stream.state.turn) == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error)
	go func() {
		_, err := stream.Result(ctx)
		result <- err
	}()
	cancel()
	wants(t, <-result, context.Canceled)
	give()
	if err := <-fed; err != nil {
		t.Error(err)
	}
	if stream.Close() != nil {
		t.Error("Close failed")
	}
}

// TestBytesInside takes bytes of a value that has pointers of Go beside them.
func TestBytesInside(t *testing.T) {
	data, err := tinyBytes()
	if err != nil {
		t.Fatal(err)
	}
	type packet struct {
		next *packet
		body [16 << 20]byte
	}
	whole := &packet{next: &packet{}}
	model, err := LoadBytes(whole.body[:copy(whole.body[:], data)])
	if err != nil {
		t.Fatal(err)
	}
	model.Close()
	for _, none := range [][]byte{nil, {}} {
		_, err := LoadBytes(none)
		wants(t, err, ErrBadModel)
	}
}

func TestEmptyPath(t *testing.T) {
	_, err := Load("")
	wants(t, err, ErrInvalidArgument)
}
