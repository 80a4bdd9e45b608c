package account

import (
	"context"
	"time"

	"github.com/rasoat/rasoat/internal/central"
)

// sessionStore lends central's table to the session manager. Tokens come here hashed.
type sessionStore struct{ store *central.Store }

func (s sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	return s.store.Session(ctx, token)
}

func (s sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return s.store.SaveSession(ctx, token, data, expiry)
}

func (s sessionStore) DeleteCtx(ctx context.Context, token string) error {
	return s.store.DeleteSession(ctx, token)
}

func (s sessionStore) AllCtx(ctx context.Context) (map[string][]byte, error) {
	return s.store.Sessions(ctx)
}

func (s sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s sessionStore) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

func (s sessionStore) All() (map[string][]byte, error) { return s.AllCtx(context.Background()) }
