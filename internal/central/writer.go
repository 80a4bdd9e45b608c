package central

import (
	"context"
	"database/sql"
	"errors"
)

// writer merges the transactions that wait into one durable commit: group commit. Only SQLite uses it; PostgreSQL groups
// the commits of transactions by itself.
type writer struct {
	in         chan *job
	stop, done chan struct{}
}

// ErrClosed: the store is being closed.
var ErrClosed = errors.New("the store is closed")

// job is one transaction's work, which waits for its durable commit.
type job struct {
	ctx    context.Context
	work   func(tx *sql.Tx) error
	size   int
	result chan error
}

func (s *Store) startWriter() {
	if s.eng.name() != "sqlite" {
		return
	}
	s.writer = &writer{in: make(chan *job, 64), stop: make(chan struct{}), done: make(chan struct{})}
	go s.writeLoop()
}

func (s *Store) stopWriter() {
	if s.writer == nil {
		return
	}
	close(s.writer.stop)
	<-s.writer.done
}

// maxGroup bounds the changes of one group commit: what waits behind it waits for all of them.
const maxGroup = 2048

// grouped runs work in a transaction together with what else waits, and returns after the durable commit. An error of one
// piece of work undoes that piece alone.
func (s *Store) grouped(ctx context.Context, size int, work func(tx *sql.Tx) error) error {
	if s.writer == nil {
		return s.Update(ctx, work)
	}
	j := &job{ctx, work, size, make(chan error, 1)}
	select {
	case s.writer.in <- j:
	case <-s.writer.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.result:
		return err
	case <-s.writer.done: // the last group may have been this one's
		select {
		case err := <-j.result:
			return err
		default:
			return ErrClosed
		}
	}
}

func (s *Store) writeLoop() {
	defer close(s.writer.done)
	for {
		select {
		case <-s.writer.stop:
			return
		case first := <-s.writer.in:
			s.writeGroup(s.writer.gather(first))
		}
	}
}

// gather takes what waits already; it waits for nobody.
func (w *writer) gather(first *job) []*job {
	group := []*job{first}
	for size := first.size; size < maxGroup; {
		select {
		case j := <-w.in:
			group = append(group, j)
			size += j.size
		default:
			return group
		}
	}
	return group
}

// writeGroup commits a group in one transaction. When a piece of work fails it is undone to its savepoint; when the
// commit itself fails every piece is told so, and nothing has been acknowledged.
func (s *Store) writeGroup(group []*job) {
	errs := make([]error, len(group))
	// The group must not die with the request of one of its members; nor has the driver to watch a context.
	err := s.Update(context.Background(), func(tx *sql.Tx) error {
		for i, j := range group {
			if errs[i] = j.ctx.Err(); errs[i] != nil {
				continue
			}
			if _, err := tx.Exec("SAVEPOINT piece"); err != nil {
				return err
			}
			if errs[i] = j.work(tx); errs[i] != nil {
				if _, err := tx.Exec("ROLLBACK TO piece"); err != nil {
					return err
				}
			}
			if _, err := tx.Exec("RELEASE piece"); err != nil {
				return err
			}
		}
		return nil
	})
	for i, j := range group {
		if errs[i] == nil {
			errs[i] = err
		}
		j.result <- errs[i]
	}
}
