package ui

import (
	"context"
	"errors"

	"github.com/rasoat/rasoat/internal/tablet"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// runSync does one whole sync and notes it in the history; line is called with what it is doing. It runs off the UI goroutine.
func (a *App) runSync(ctx context.Context, line func(string)) (sent, got string, err error) {
	if err := a.store.CommitAll(ctx); err != nil {
		return "", "", err
	}
	session := &fieldsync.Session{Client: a.store.Client(), Local: a.store, Progress: func(e fieldsync.Event) { line(a.progressText(e)) }}
	begin := a.Now()
	sum, err := session.Run(ctx)
	record := tablet.SyncRecord{At: begin, Took: sum.Took, Sent: sum.Sent, Got: sum.Pulled, Code: codeOf(err)}
	if err2 := a.store.Synced(context.WithoutCancel(ctx), record); err == nil {
		err = err2
	}
	return a.t("sync.amount", "n", itoa(sum.Sent), "bytes", writeBytes(sum.Up)), a.t("sync.amount", "n", itoa(sum.Pulled+sum.Snapshots), "bytes", writeBytes(sum.Down)), err
}

// codeOf is the short code of an error, for the history; "" for none.
func codeOf(err error) string {
	var own *tablet.Problem
	var p *fieldsync.Problem
	switch {
	case err == nil:
		return ""
	case errors.As(err, &own):
		return own.Code
	case errors.As(err, &p):
		return p.Code
	case errors.Is(err, context.Canceled):
		return "stopped"
	}
	return "network"
}

// progressText says what a sync is doing, how far it is and what went over the wire.
func (a *App) progressText(e fieldsync.Event) string {
	text := a.t("sync.phase." + e.Phase)
	if e.Phase == fieldsync.PhaseSnapshot && e.Scope != "" {
		text += " " + a.store.AreaName(e.Scope)
	}
	switch {
	case e.Of > 0:
		text += " " + itoa(e.Done) + "/" + itoa(e.Of)
	case e.Done > 0:
		text += " " + itoa(e.Done)
	}
	if e.Wait > 0 {
		text += " (" + a.t("sync.wait", "n", itoa(int(e.Wait.Seconds()+1))) + ")"
	}
	return a.t("sync.bytes", "phase", text, "sent", writeBytes(e.Up), "got", writeBytes(e.Down))
}
