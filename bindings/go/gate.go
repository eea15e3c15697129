// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package sentiment

import (
	"container/list"
	"context"
	"sync"
)

// gate counts the calls in flight and bounds those that compute. Close waits for all of them.
// A count, not a sync.RWMutex: a log function may call other methods, which a read lock that
// is taken twice would block for ever once somebody waits to close.
type gate struct {
	mu      sync.Mutex
	room    int        // how many more calls may compute
	waiting *list.List // of *waiter, first come first served
	spare   []*session // the last one used is the next: its memory is still warm
	calls   int        // in flight, of every kind
	closed  bool
	left    chan struct{} // closed when the gate is closed and the last call has left
}

type waiter struct {
	ready chan struct{}
	err   error    // set before ready is closed
	given *session // likewise
}

func (g *gate) init(room int) {
	g.room, g.waiting, g.left = room, list.New(), make(chan struct{})
}

// enter begins a call that does not compute.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	g.calls++
	return nil
}

// leave ends a call.
func (g *gate) leave() {
	g.mu.Lock()
	g.end()
	g.mu.Unlock()
}

// end is leave with the lock held.
func (g *gate) end() {
	g.calls--
	if g.closed && g.calls == 0 {
		close(g.left)
	}
}

// acquire begins a call that computes. It waits for its turn, or for the end of ctx. The
// session is nil where one must still be made.
func (g *gate) acquire(ctx context.Context) (*session, error) {
	if err := ctx.Err(); err != nil {
		return nil, ended(err)
	}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil, ErrClosed
	}
	if g.room > 0 {
		g.room--
		g.calls++
		taken := g.pop()
		g.mu.Unlock()
		return taken, nil
	}
	turn := &waiter{ready: make(chan struct{})}
	place := g.waiting.PushBack(turn)
	g.mu.Unlock()
	select {
	case <-turn.ready:
		return turn.given, turn.err
	case <-ctx.Done():
	}
	g.mu.Lock()
	select {
	case <-turn.ready: // at the same time
		g.mu.Unlock()
		if turn.err == nil {
			g.release(turn.given)
		}
	default:
		g.waiting.Remove(place)
		g.mu.Unlock()
	}
	return nil, ended(ctx.Err())
}

func (g *gate) pop() *session {
	last := len(g.spare) - 1
	if last < 0 {
		return nil
	}
	taken := g.spare[last]
	g.spare = g.spare[:last]
	return taken
}

// release ends a call that computed; s may be nil.
func (g *gate) release(s *session) {
	g.mu.Lock()
	if s != nil {
		g.spare = append(g.spare, s)
	}
	if first := g.waiting.Front(); first != nil {
		turn := g.waiting.Remove(first).(*waiter)
		turn.given = g.pop()
		g.calls++
		close(turn.ready)
	} else {
		g.room++
	}
	g.end()
	g.mu.Unlock()
}

// close refuses new calls, sends those away that wait for their turn, and waits for those in
// flight. True for the one caller that is to free what is behind the gate.
func (g *gate) close() bool {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		<-g.left
		return false
	}
	g.closed = true
	for each := g.waiting.Front(); each != nil; each = each.Next() {
		turn := each.Value.(*waiter)
		turn.err = ErrClosed
		close(turn.ready)
	}
	g.waiting.Init()
	if g.calls == 0 {
		close(g.left)
	}
	g.mu.Unlock()
	<-g.left
	return true
}
