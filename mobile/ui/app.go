package ui

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/mobile"

	"github.com/rasoat/rasoat/internal/tablet"
	"github.com/rasoat/rasoat/schema"
)

// Options are what an App is wired with.
type Options struct {
	App     fyne.App
	Window  fyne.Window
	Open    func(context.Context) (*tablet.Store, error)
	Set     *schema.Set      // default schema.Builtin()
	Lang    string           // "" = as last chosen, else Vietnamese
	Version string           // shown under "about"
	Now     func() time.Time // default time.Now
	Seen    func([]Place)    // told what is in sight whenever that changes; for tests that drive the window
	Do      func(func())     // runs a function in the UI goroutine; default fyne.Do
	Pause   time.Duration    // after the last key until typed text is saved; 0 = only when the field is left
}

// App is the program's screens on one window: a stack of them, of which the last is shown.
//
// All its fields belong to the UI goroutine, except queue, which hands work on the store to one goroutine of its own.
type App struct {
	Options
	lang   string
	store  *tablet.Store
	stack  []screen
	frame  *frame
	queue  queue
	cancel func()
	syncs  syncState
	after  func()
	asides sync.WaitGroup
	begun  bool
	ended  atomic.Bool // the UI goroutine is gone: nothing is shown any more
}

// screen is one page. build is called each time it comes to the top; leave before anything else is shown and when the
// program goes to the background: whatever was typed and not yet saved is handed to the store then.
type screen interface {
	build(a *App) *frame
	leave()
}

// listener is a screen that wants to know when something changed in the store.
type listener interface{ heard(e tablet.Event) }

// closer is a screen that has something to put away when the way back leads past it.
type closer interface{ closing(a *App) }

// Names of the settings kept by the system for the program. They hold no answers and nothing personal.
const (
	prefLang      = "lang"
	prefText      = "text-size"
	prefHousehold = "resume-household"
	prefRound     = "resume-round"
	prefSection   = "resume-section"
	prefBase      = "server-address"
)

// New prepares the screens; Start shows the first.
func New(o Options) *App {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Do == nil {
		o.Do = fyne.Do
	}
	if o.Set == nil {
		o.Set = schema.Builtin()
	}
	a := &App{Options: o, lang: o.Lang}
	prefs := o.App.Preferences()
	if a.lang == "" {
		a.lang = prefs.StringWithFallback(prefLang, "vi")
	}
	useFyneWords(a.lang)
	o.App.Settings().SetTheme(newTheme(a.textSize()))
	o.Window.SetPadded(false)
	o.Window.SetTitle("Rà soát")
	o.Window.Canvas().SetOnTypedKey(func(e *fyne.KeyEvent) {
		if e.Name == mobile.KeyBack || e.Name == fyne.KeyEscape {
			a.back()
		}
	})
	o.App.Lifecycle().SetOnExitedForeground(a.background)
	a.queue.start()
	return a
}

func (a *App) textSize() float32 {
	return float32(a.App.Preferences().FloatWithFallback(prefText, textBase))
}

// Start opens the store and shows where work goes on: the form that was open when the program ended, else the list. It is
// called once the window system runs; Android says so again after a dialog of its own, which is ignored.
func (a *App) Start() {
	if a.begun {
		return
	}
	a.begun = true
	a.show(&messagePage{title: "Rà soát", text: a.t("start.opening")})
	a.do(func() func() {
		store, err := a.Open(context.Background())
		return func() {
			if err != nil {
				a.stack = nil
				a.show(&messagePage{title: a.t("start.failed"), text: a.explain(err)})
				return
			}
			a.store = store
			a.cancel = store.Subscribe(func(e tablet.Event) { a.then(func() { a.heard(e) }) })
			a.home()
			a.resume()
		}
	})
}

// home shows the first screen of the state the tablet is in.
func (a *App) home() {
	a.leaveTop()
	a.stack = nil
	switch {
	case !a.App.Preferences().BoolWithFallback(prefText+"-chosen", false):
		a.show(&welcomePage{})
	case !a.store.Identity().Enrolled:
		a.show(&enrolPage{})
	default:
		a.show(&workPage{})
	}
}

// Close saves what is typed, ends the store's work and closes it.
func (a *App) Close() error {
	a.leaveTop()
	a.ended.Store(true)
	a.stopSync()
	a.asides.Wait()
	a.queue.stop()
	if a.store == nil {
		return nil
	}
	a.cancel()
	return a.store.Close()
}

// background is called when the program leaves the screen: the system may end it without another word.
func (a *App) background() {
	a.leaveTop()
	if a.store != nil {
		a.do(func() func() {
			err := a.store.CommitAll(context.Background())
			return func() { a.failed(err) }
		})
		a.queue.wait()
	}
}

func (a *App) top() screen {
	if len(a.stack) == 0 {
		return nil
	}
	return a.stack[len(a.stack)-1]
}

func (a *App) leaveTop() {
	if s := a.top(); s != nil {
		s.leave()
	}
}

// show puts a screen on top.
func (a *App) show(s screen) {
	a.leaveTop()
	a.stack = append(a.stack, s)
	a.draw()
}

// instead puts a screen in place of the one on top.
func (a *App) instead(s screen) {
	a.leaveTop()
	a.stack[len(a.stack)-1] = s
	a.draw()
}

// back returns to the screen below.
func (a *App) back() {
	if len(a.stack) < 2 {
		return
	}
	a.leaveTop()
	if c, ok := a.top().(closer); ok {
		c.closing(a)
	}
	a.stack = a.stack[:len(a.stack)-1]
	a.draw()
}

// draw builds the screen on top anew.
func (a *App) draw() {
	s := a.top()
	a.frame = s.build(a)
	a.frame.moved = a.tellPlaces
	a.Window.SetContent(a.frame)
	if after := a.after; after != nil {
		a.after = nil
		after()
	}
	a.tellPlaces()
}

// later runs f once the screen that is being built has its size.
func (a *App) later(f func()) { a.after = f }

// refresh builds the screen on top anew if it is still s.
func (a *App) refresh(s screen) {
	if a.top() == s {
		a.draw()
	}
}

// redrawAfter builds the screen on top anew once the work handed over so far is done.
func (a *App) redrawAfter() { a.again(a.top()) }

// again hands over what is typed on s, and builds it anew once everything handed over is done.
func (a *App) again(s screen) {
	s.leave()
	a.do(func() func() { return func() { a.refresh(s) } })
}

func (a *App) heard(e tablet.Event) {
	if l, ok := a.top().(listener); ok {
		l.heard(e)
	}
}

// do runs work on the store's goroutine, in the order asked for, and what it returns in the UI goroutine.
func (a *App) do(work func() (then func())) {
	a.queue.add(func() {
		a.then(work())
	})
}

// then runs f in the UI goroutine, if there still is one.
func (a *App) then(f func()) {
	if f != nil && !a.ended.Load() {
		a.Do(f)
	}
}

// aside runs work that may take long (the network) beside everything else, and what it returns in the UI goroutine.
func (a *App) aside(work func() (then func())) {
	a.asides.Add(1)
	go func() {
		defer a.asides.Done()
		a.then(work())
	}()
}

// failed shows a problem on a page of its own; nil is none.
func (a *App) failed(err error) {
	if err == nil {
		return
	}
	a.show(&messagePage{title: a.t("problem"), text: a.explain(err), back: true})
}

// explain is what a person is told about an error: its sentence when it has one, else that something failed and where to turn.
func (a *App) explain(err error) string {
	var p *tablet.Problem
	if errors.As(err, &p) {
		return p.Text.In(a.lang)
	}
	return a.t("problem.other", "detail", err.Error())
}

// queue runs functions one after the other on a goroutine of its own.
type queue struct {
	mu    sync.Mutex
	more  *sync.Cond
	jobs  []func()
	busy  bool
	ended bool
	done  chan struct{}
}

func (q *queue) start() {
	q.more = sync.NewCond(&q.mu)
	q.done = make(chan struct{})
	go q.run()
}

func (q *queue) run() {
	defer close(q.done)
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for len(q.jobs) == 0 && !q.ended {
			q.more.Wait()
		}
		if len(q.jobs) == 0 {
			return
		}
		job := q.jobs[0]
		q.jobs = q.jobs[1:]
		q.busy = true
		q.mu.Unlock()
		job()
		q.mu.Lock()
		q.busy = false
		q.more.Broadcast()
	}
}

func (q *queue) add(job func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs = append(q.jobs, job)
	q.more.Broadcast()
}

// wait returns when all that was asked for has been done.
func (q *queue) wait() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.jobs) > 0 || q.busy {
		q.more.Wait()
	}
}

// stop lets the work that was asked for end, and then the goroutine.
func (q *queue) stop() {
	q.mu.Lock()
	q.ended = true
	q.more.Broadcast()
	q.mu.Unlock()
	<-q.done
}
