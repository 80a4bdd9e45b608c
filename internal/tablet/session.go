package tablet

import (
	"context"
	"errors"
	"fmt"
	"strings"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// Client speaks to the server the tablet is enrolled with. With it a fieldsync.Session can be run; *Store is its Local.
func (s *Store) Client() *fieldsync.Client {
	s.lock()
	defer s.unlock()
	c := &fieldsync.Client{Token: s.me.Token, HTTP: s.http}
	if len(s.me.Bases) > 0 {
		c.Base = s.me.Bases[0]
	}
	return c
}

// Enrol exchanges a one-time code for this tablet's token and stores what the server says of the account. Another person may
// enrol only when nothing of the first is left unsent; their changes then go under a replica of their own.
func (s *Store) Enrol(ctx context.Context, base, code string) error {
	s.lock()
	req := &fieldsync.EnrolRequest{Code: code, Replica: s.current().replica, Pub: fieldsync.B64(s.current().pub())}
	client := &fieldsync.Client{Base: strings.TrimRight(strings.TrimSpace(base), "/"), HTTP: s.http}
	s.unlock()
	answer, err := client.Enrol(ctx, req)
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	return s.enrolled(ctx, client.Base, answer)
}

// Sync runs one whole sync: own work goes up, what others did comes down. Drafts of open forms stay drafts; they are shown as
// such. What happened is written to the history, also when it failed.
func (s *Store) Sync(ctx context.Context, progress func(fieldsync.Event)) (fieldsync.Summary, error) {
	start := s.now()
	session := fieldsync.Session{Client: s.Client(), Local: s, Progress: progress}
	sum, err := session.Run(ctx)
	record := SyncRecord{At: start, Took: sum.Took, Sent: sum.Sent, Got: sum.Pulled, Alarms: sum.Alarms}
	if err != nil {
		record.Code, record.Detail = codeOf(err), err.Error()
	}
	return sum, errors.Join(err, s.Synced(context.WithoutCancel(ctx), record))
}

// codeOf is the stable code of what went wrong, "network" when nothing of the server was heard.
func codeOf(err error) string {
	var theirs *fieldsync.Problem
	var ours *Problem
	switch {
	case errors.As(err, &theirs):
		return theirs.Code
	case errors.As(err, &ours):
		return ours.Code
	case errors.Is(err, context.Canceled):
		return "stopped"
	}
	return "network"
}
