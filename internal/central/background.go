package central

import (
	"context"
	"sync"
)

// background runs one job at a time beside the requests; asking for it while it runs makes it run once more.
type background struct {
	mu      sync.Mutex
	cancel  context.CancelFunc
	running bool
	wanted  bool
	stopped bool
	done    sync.WaitGroup
}

// soon runs job in the background, with a context that ends when the store closes.
func (b *background) soon(job func(ctx context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return
	}
	b.wanted = true
	if b.running {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.running, b.cancel = true, cancel
	b.done.Add(1)
	go func() {
		defer b.done.Done()
		defer cancel()
		for b.next() {
			job(ctx)
		}
	}()
}

func (b *background) next() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped || !b.wanted {
		b.running = false
		return false
	}
	b.wanted = false
	return true
}

// wait returns when nothing is running and nothing is wanted.
func (b *background) wait() { b.done.Wait() }

func (b *background) stop() {
	b.mu.Lock()
	b.stopped = true
	if b.cancel != nil {
		b.cancel()
	}
	b.mu.Unlock()
	b.done.Wait()
}
