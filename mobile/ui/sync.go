package ui

import (
	"context"
	"errors"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/rasoat/rasoat/internal/tablet"
)

// syncState is the sync that runs, if any, and how the last one ended. It outlives the page: work goes on while it runs.
type syncState struct {
	running bool
	stop    context.CancelFunc
	line    string // what it is doing
	result  string
	failed  bool
}

// maxSkew is how far the tablet's clock may be off before the person is told.
const maxSkew = 10 * time.Minute

// startSync begins a sync beside everything else.
func (a *App) startSync() {
	if a.syncs.running {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	a.syncs = syncState{running: true, stop: cancel, line: a.t("sync.phase.hello")}
	a.queue.wait() // answers handed over just now go along; each takes milliseconds
	a.aside(func() func() {
		sent, got, err := a.runSync(ctx, func(line string) {
			a.then(func() {
				a.syncs.line = line
				a.syncChanged()
			})
		})
		stopped := ctx.Err() != nil
		cancel()
		return func() { a.syncEnded(sent, got, err, stopped) }
	})
}

func (a *App) syncEnded(sent, got string, err error, stopped bool) {
	a.syncs.running = false
	switch {
	case stopped || errors.Is(err, context.Canceled):
		a.syncs.result = a.t("sync.stopped")
	case err != nil:
		a.syncs.result, a.syncs.failed = a.explainSync(err, a.store.Identity().Base), true
	default:
		a.syncs.result = a.t("sync.ok", "sent", sent, "got", got)
	}
	if p, ok := a.top().(*syncPage); ok {
		a.refresh(p)
	}
}

// stopSync ends a running sync; nothing that was acknowledged is lost by it.
func (a *App) stopSync() {
	if a.syncs.running {
		a.syncs.stop()
	}
}

func (a *App) syncChanged() {
	if p, ok := a.top().(*syncPage); ok && p.progress != nil {
		p.progress.set(a.syncs.line)
		a.frame.reflow()
	}
}

// syncPage says what only this tablet has and since when, runs a sync with its progress, and lists what the server keeps back.
type syncPage struct {
	start bool // begin at once

	progress *para
	notes    []tablet.ChangeStatus
	history  []tablet.SyncRecord
	loaded   bool
}

func (p *syncPage) build(a *App) *frame {
	if p.start {
		p.start = false
		a.startSync()
	}
	if !p.loaded {
		p.load(a)
	}
	items := p.unsent(a)
	p.progress = nil
	if a.syncs.running {
		p.progress = newPara(a.syncs.line).bold().in(blue)
		items = append(items, card(blueLight, blue, p.progress))
	} else if a.syncs.result != "" {
		fill, ink := ground, green
		if a.syncs.failed {
			fill, ink = redPale, red
		}
		items = append(items, card(fill, ink, newPara(a.syncs.result).bold().in(ink)))
	}
	items = append(items, p.server(a)...)
	items = append(items, p.held(a)...)
	items = append(items, p.past(a)...)
	do := newButton(a.t("sync.do"), lookPrimary, func() {
		a.startSync()
		a.refresh(p)
	}).withIcon(theme.ViewRefreshIcon())
	if a.syncs.running {
		do = newButton(a.t("sync.stop"), lookDanger, a.stopSync)
	}
	return newFrame(a.t("sync.title"), a.back, column(items...), newButton(a.t("form.list"), lookPlain, a.back), do)
}

// load reads what stands in the store beside the list, off the UI goroutine.
func (p *syncPage) load(a *App) {
	p.loaded = true
	a.do(func() func() {
		notes, err := a.store.Notes(context.Background())
		history, err2 := a.store.SyncHistory(context.Background(), 10)
		return func() {
			p.notes, p.history = notes, history
			a.failed(errors.Join(err, err2))
			a.refresh(p)
		}
	})
}

func (p *syncPage) unsent(a *App) (items []fyne.CanvasObject) {
	w := a.store.Unsent()
	if w.Changes == 0 && w.Drafts == 0 {
		return append(items, newPara(a.t("sync.allsent")).bold().in(green))
	}
	if w.Changes > 0 {
		items = append(items, newPara(a.t("sync.only", "changes", itoa(w.Changes), "households", itoa(w.Households),
			"since", when(w.Since), "ago", a.ago(w.Since))).bold().in(amber))
	}
	if w.Drafts > 0 {
		items = append(items, newPara(a.t("sync.drafts", "n", itoa(w.Drafts))).in(amber))
	}
	return items
}

func (p *syncPage) server(a *App) []fyne.CanvasObject {
	id := a.store.Identity()
	contact := a.t("sync.nocontact")
	if id.Contact > 0 {
		at := time.UnixMilli(id.Contact)
		contact = a.t("sync.contact", "when", when(at), "ago", a.ago(at))
	}
	items := []fyne.CanvasObject{newPara(contact), newPara(a.t("sync.server", "base", id.Base))}
	if skew := time.Duration(id.Skew) * time.Millisecond; skew.Abs() > maxSkew {
		items = append(items, card(amberPale, amber, newPara(a.t("sync.clock", "n", itoa(int(skew.Abs().Minutes())))).in(amber)))
	}
	return items
}

// held are the answers the server keeps back, with the reason and what to do.
func (p *syncPage) held(a *App) (items []fyne.CanvasObject) {
	if len(p.notes) == 0 {
		return nil
	}
	items = append(items, heading(a.t("sync.held")))
	for _, c := range p.notes {
		items = append(items, changeLine(a, a.headOf(c.Record), c))
	}
	return items
}

// headOf names the household a record is of; "" when it is not on this tablet any more.
func (a *App) headOf(record string) string {
	for _, r := range a.store.Households(tablet.Filter{}) {
		if r.ID == record || r.Interview == record {
			return r.Head
		}
	}
	return ""
}

func (p *syncPage) past(a *App) (items []fyne.CanvasObject) {
	if len(p.history) == 0 {
		return nil
	}
	items = append(items, heading(a.t("sync.history")))
	for _, r := range p.history {
		text := a.t("sync.history.ok", "when", when(r.At), "sent", itoa(r.Sent), "got", itoa(r.Got), "took", itoa(int(r.Took.Seconds()+0.5)))
		if r.Code != "" {
			text = a.t("sync.history.bad", "when", when(r.At), "code", r.Code)
		}
		items = append(items, note(text))
	}
	return items
}

func (p *syncPage) leave() {}

func (p *syncPage) heard(e tablet.Event) {
	if e.Kind == tablet.EventSync {
		p.loaded = false
		p.notes, p.history = nil, nil
	}
}
