package ui

import (
	"context"
	"errors"
)

func (a *App) runSync(ctx context.Context, progress func(line string)) (sent, got string, err error) {
	return "", "", errors.New("not yet")
}
