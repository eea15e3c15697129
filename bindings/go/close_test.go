// SPDX-License-Identifier: Apache-2.0

package sentiment

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// uses are all methods that can fail, each in a call that succeeds on an open model.
func uses(t *testing.T) map[string]func(*Model) error {
	ctx := context.Background()
	path, none := inside(t, "m.safetensors"), []uint64{0}
	return map[string]func(*Model) error{
		"Predict":       func(m *Model) error { _, err := m.Predict(ctx, "x"); return err },
		"PredictBytes":  func(m *Model) error { _, err := m.PredictBytes(ctx, nil); return err },
		"PredictBatch":  func(m *Model) error { _, err := m.PredictBatch(ctx, nil); return err },
		"PredictJoined": func(m *Model) error { _, err := m.PredictJoined(ctx, nil, none); return err },
		"PredictIDs":    func(m *Model) error { _, err := m.PredictIDs(ctx, nil, none); return err },
		"Explain":       func(m *Model) error { _, err := m.Explain(ctx, "x"); return err },
		"Tokenize":      func(m *Model) error { _, err := m.Tokenize("x"); return err },
		"Word":          func(m *Model) error { _, err := m.Word(1); return err },
		"Metadata":      func(m *Model) error { _, err := m.Metadata(); return err },
		"Save":          func(m *Model) error { return m.Save(ctx, path) },
		"Quantize":      func(m *Model) error { made, err := m.Quantize(ctx); made.Close(); return err },
		"Clone":         func(m *Model) error { made, err := m.Clone(); made.Close(); return err },
		"Stream":        func(m *Model) error { made, err := m.Stream(); made.Close(); return err },
	}
}

func TestClosed(t *testing.T) {
	for name, use := range uses(t) {
		open := bundled(t)
		if err := use(open); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		info := open.Info()
		if open.Close() != nil || open.Close() != nil {
			t.Error("Close failed")
		}
		if open.Info() != info || len(open.Labels()) != 3 {
			t.Error("what was told is forgotten")
		}
		for state, model := range map[string]*Model{"closed": open, "zero": {}, "nil": nil} {
			if err := use(model); err != ErrClosed {
				t.Errorf("%s, %s: %v", name, state, err)
			}
		}
	}
	var none *Model
	if none.Close() != nil || none.Info() != (ModelInfo{}) || none.Labels() != nil ||
		none.SessionInfo() != (SessionInfo{}) {
		t.Error("nil")
	}
}

func TestClosedStreams(t *testing.T) {
	ctx := context.Background()
	model := tiny(t)
	stream, err := model.Stream()
	if err != nil {
		t.Fatal(err)
	}
	late, err := model.Stream()
	if err != nil {
		t.Fatal(err)
	}
	if stream.Close() != nil || stream.Close() != nil {
		t.Error("Close failed")
	}
	model.Close()
	for _, each := range []*Stream{stream, late, {}, nil} {
		_, result := each.Result(ctx)
		_, end := each.End(ctx)
		_, write := each.Write([]byte("x"))
		if result != ErrClosed || end != ErrClosed || write != ErrClosed ||
			each.Feed(ctx, "x") != ErrClosed || each.Reset() != ErrClosed {
			t.Error(result, end, write)
		}
	}
	if late.Close() != nil || (*Stream)(nil).Close() != nil || (&Stream{}).Close() != nil {
		t.Error("Close failed")
	}
}

// hold takes one session, as a call in flight does.
func hold(t *testing.T, model *Model) (give func()) {
	inner, taken, err := model.acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return func() { inner.release(taken) }
}

// until waits for a condition that other goroutines bring about.
func until(t *testing.T, what string, holds func(*gate) bool, g *gate) {
	t.Helper()
	for range 20000 {
		g.mu.Lock()
		done := holds(g)
		g.mu.Unlock()
		if done {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal(what)
}

func TestCloseWaits(t *testing.T) {
	model := tiny(t)
	give := hold(t, model)
	done := make(chan struct{}, 2)
	for range 2 {
		go func() {
			model.Close()
			done <- struct{}{}
		}()
	}
	until(t, "nobody closes", func(g *gate) bool { return g.closed }, &model.core.gate)
	if _, err := model.Predict(context.Background(), "x"); err != ErrClosed {
		t.Error(err)
	}
	select {
	case <-done:
		t.Error("Close did not wait")
	default:
	}
	give()
	<-done
	<-done
}

// TestWaiting has calls wait for the one session; contexts and Close end the wait.
func TestWaiting(t *testing.T) {
	model := tiny(t, WithSessions(1))
	give := hold(t, model)
	waits := func(number int) func(*gate) bool {
		return func(g *gate) bool { return g.waiting.Len() == number }
	}
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error)
	go func() { _, err := model.Predict(ctx, "x"); failed <- err }()
	until(t, "nobody waits", waits(1), &model.core.gate)
	cancel()
	err := <-failed
	wants(t, err, context.Canceled)
	wants(t, err, ErrCancelled)

	served := make(chan error)
	go func() { _, err := model.Predict(context.Background(), "x"); served <- err }()
	until(t, "nobody waits", waits(1), &model.core.gate)
	give()
	if err := <-served; err != nil {
		t.Error(err)
	}

	give = hold(t, model)
	go func() { _, err := model.PredictBatch(context.Background(), nil); failed <- err }()
	until(t, "nobody waits", waits(1), &model.core.gate)
	go model.Close()
	if err := <-failed; err != ErrClosed {
		t.Error(err)
	}
	give()
	model.Close()
}

func TestContexts(t *testing.T) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	model := bundled(t)
	path, err := DefaultPath()
	if err != nil {
		t.Fatal(err)
	}
	for want, ctx := range map[error]context.Context{
		context.Canceled: gone, context.DeadlineExceeded: late,
	} {
		_, predict := model.Predict(ctx, "x")
		_, batch := model.PredictBatch(ctx, []string{"x"})
		_, explain := model.Explain(ctx, "x")
		_, load := LoadContext(ctx, path)
		_, quantize := model.Quantize(ctx)
		save := model.Save(ctx, inside(t, "m.safetensors"))
		for _, err := range []error{predict, batch, explain, load, quantize, save} {
			wants(t, err, want)
			wants(t, err, ErrCancelled)
		}
	}
	alive, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	for range 100 { // tokens are used again, and are not set by a context of before
		if _, err := model.PredictBatch(alive, []string{"x"}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCancelBatch stops a batch that would take minutes.
func TestCancelBatch(t *testing.T) {
	model := bundled(t)
	texts := make([]string, 40000)
	for i := range texts {
		texts[i] = strings.Repeat("good bad ", 300)
	}
	for _, threads := range []uint32{1, 2} {
		clone, err := model.Clone(WithThreads(threads))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		_, err = clone.PredictBatch(ctx, texts)
		wants(t, err, context.DeadlineExceeded)
		wants(t, err, ErrCancelled)
		cancel()
		answers(t, clone, "and on it goes")
		clone.Close()
	}
}

// TestChurn predicts on 8 goroutines, 10,000 times each, while the model is closed under them
// and another one opened, again and again.
func TestChurn(t *testing.T) {
	const workers, times = 8, 10000
	data, err := tinyBytes()
	if err != nil {
		t.Fatal(err)
	}
	want := answers(t, tiny(t), "word_1 word_2 good")
	var current atomic.Pointer[Model]
	current.Store(tiny(t))
	var group sync.WaitGroup
	var closed, working atomic.Int64
	working.Store(workers)
	for range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			defer working.Add(-1)
			for done := 0; done < times; {
				got, err := current.Load().Predict(context.Background(), "word_1 word_2 good")
				switch {
				case errors.Is(err, ErrClosed):
					closed.Add(1)
				case err != nil || !same(got, want):
					t.Errorf("%+v, %v, want %+v", got, err, want)
					return
				default:
					done++
				}
			}
		}()
	}
	opened := 0
	for ; working.Load() > 0; opened++ {
		model, err := LoadBytes(data, WithSessions(1+opened%3))
		if err != nil {
			t.Fatal(err)
		}
		old := current.Load()
		if opened%2 == 0 {
			old.Close()
		}
		current.Store(model)
		go old.Close()
	}
	group.Wait()
	current.Load().Close()
	t.Logf("%d models, %d calls of a closed one", opened, closed.Load())
}

// TestChurnOfAll has every method run into a Close, again and again.
func TestChurnOfAll(t *testing.T) {
	ctx := context.Background()
	all := uses(t)
	all["streaming"] = func(m *Model) error {
		stream, err := m.Stream()
		if err != nil {
			return err
		}
		defer stream.Close()
		for range 3 {
			if _, err := stream.Write([]byte("good b\u00e4d ")); err != nil {
				return err
			}
			if _, err := stream.Result(ctx); err != nil {
				return err
			}
		}
		_, err = stream.End(ctx)
		return err
	}
	for round := range 40 {
		model := tiny(t, WithSessions(1+round%3))
		var group sync.WaitGroup
		for name, use := range all {
			group.Add(1)
			go func() {
				defer group.Done()
				var err error
				for err == nil {
					err = use(model)
				}
				if err != ErrClosed {
					t.Errorf("%s: %v", name, err)
				}
			}()
		}
		time.Sleep(time.Duration(round%5) * time.Millisecond)
		for range 2 {
			group.Add(1)
			go func() {
				defer group.Done()
				model.Close()
			}()
		}
		group.Wait()
	}
}

// TestForgotten leaves models and streams to the garbage collector.
func TestForgotten(t *testing.T) {
	model := tiny(t)
	inner := model.core
	stream, err := model.Stream()
	if err != nil {
		t.Fatal(err)
	}
	state := stream.state
	lone, err := LoadBytes(must(tinyBytes()))
	if err != nil {
		t.Fatal(err)
	}
	alone := lone.core
	lone, stream = nil, nil
	for range 1000 {
		runtime.GC()
		alone.mu.Lock()
		state.turn <- struct{}{}
		done := alone.closed && state.session == nil
		state.leave()
		alone.mu.Unlock()
		if done {
			if inner.closed {
				t.Error("a model in use was closed")
			}
			runtime.KeepAlive(model)
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the garbage collector closed nothing")
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

// resident is the memory of this process in bytes.
func resident(t *testing.T) int {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc/self/statm")
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// TestLeaks loads and closes: memory stays where it was after the first rounds. A lost model
// would be 12 MB a round, a lost session half a megabyte.
func TestLeaks(t *testing.T) {
	ctx := context.Background()
	round := func() {
		model, err := Default(WithLog(func(LogLevel, string) {}))
		if err != nil {
			t.Fatal(err)
		}
		stream, err := model.Stream()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = stream.Write([]byte("good \xff"))
		small, err := model.Quantize(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = small.PredictBatch(ctx, awkward)
		_, _ = LoadBytes([]byte("not a model"))
		_, _ = model.Clone(WithEngine(99))
		small.Close()
		model.Close()
		stream.Close()
	}
	for range 15 {
		round()
	}
	runtime.GC()
	before := resident(t)
	for range 60 {
		round()
	}
	runtime.GC()
	if grown := resident(t) - before; grown > 20<<20 {
		t.Errorf("%d bytes more after 60 rounds", grown)
	}
}
