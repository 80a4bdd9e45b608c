package ui

import (
	"context"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// runSync does one whole sync; line is called with what it is doing. It runs off the UI goroutine.
func (a *App) runSync(ctx context.Context, line func(string)) (sent, got string, err error) {
	sum, err := a.store.Sync(ctx, func(e fieldsync.Event) { line(a.progressText(e)) })
	sent = a.t("sync.amount", "n", itoa(sum.Sent), "bytes", writeBytes(sum.Up))
	got = a.t("sync.amount", "n", itoa(sum.Pulled+sum.Snapshots), "bytes", writeBytes(sum.Down))
	return sent, got, err
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
