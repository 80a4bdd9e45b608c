package sim

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"

	"github.com/google/uuid"

	"github.com/rasoat/rasoat/internal/tablet"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// What people do on a tablet.

// known are the households on the tablet, in the order they came to be.
func (t *tab) known() (ids []string) {
	here := map[string]bool{}
	for _, row := range t.store.Households(tablet.Filter{}) {
		here[row.ID] = true
	}
	for _, id := range t.w.houses {
		if here[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// work opens a form, or goes on in the one that is open, and answers some questions.
func stepWork(w *world, r *rand.Rand, t *tab) {
	if t.form == nil && !t.openSome(r) {
		return
	}
	for n := 1 + r.IntN(4); n > 0 && t.form != nil; n-- {
		t.answer(r)
	}
	if chance(r, 65) {
		t.closeForm(r)
	}
}

func (t *tab) openSome(r *rand.Rand) bool {
	ids := t.known()
	if len(ids) == 0 {
		return false
	}
	id := ids[r.IntN(len(ids))]
	if chance(r, 60) { // people meet at the same few
		id = ids[r.IntN(min(2, len(ids)))]
	}
	f, err := t.store.OpenForm(bg, id, thisRound)
	if err != nil {
		t.explain("open a form", err)
		return false
	}
	t.form = f
	return true
}

func (t *tab) closeForm(r *rand.Rand) {
	if t.form == nil {
		return
	}
	switch f := t.form; t.do(r, "closing a form", func() error { return f.Close(bg) }) {
	case done:
		t.form = nil
		t.w.witness.cut(t)
	case refused:
		t.form = nil
	}
	t.settleKill()
}

// answer gives one answer: mostly a value nobody has ever written.
func (t *tab) answer(r *rand.Rand) {
	f := t.form
	switch n := r.IntN(100); {
	case n < 22:
		t.put(r, f.Household(), "address", encode(t.w.token()))
	case n < 32:
		t.put(r, f.Household(), "phone", encode(t.w.token()))
	case n < 45:
		t.put(r, f.Interview(), "respondent", encode(t.w.token()))
	case n < 57:
		t.w.next++
		t.put(r, f.Interview(), "house_area", json.RawMessage(fmt.Sprintf("%d.5", 100+t.w.next)))
	case n < 63:
		t.put(r, f.Interview(), "note/"+uuid.NewString(), encode(map[string]any{"on": "water", "text": t.w.token()}))
	case n < 69:
		t.put(r, f.Interview(), "water", encode(one(r, "tap", "drilled_well", "other")))
	case n < 73:
		t.put(r, f.Interview(), "review_date", encode(fmt.Sprintf("2024-10-%02d", 1+r.IntN(28))))
	case n < 76:
		t.put(r, f.Interview(), one(r, "water", "respondent"), nil)
	case n < 80:
		t.put(r, f.Interview(), "status", encode("complete"))
	default:
		t.answerOfMember(r)
	}
}

func (t *tab) answerOfMember(r *rand.Rand) {
	f := t.form
	var ids []string
	for _, m := range f.Roster() {
		if m.Removed == "" {
			ids = append(ids, m.ID)
		}
	}
	if len(ids) == 0 || chance(r, 12) {
		var id string
		if t.do(r, "a new member", func() (err error) { id, err = f.AddMember(bg); return err }) == done && t.link.killed == "" {
			t.put(r, f.Interview(), "m/"+id+"/name", encode(t.w.token()))
		}
		t.settleKill()
		return
	}
	id := ids[r.IntN(len(ids))]
	switch n := r.IntN(10); {
	case n < 6:
		t.put(r, f.Interview(), "m/"+id+"/name", encode(t.w.token()))
	case n < 8:
		t.do(r, "a member removed", func() error {
			return f.RemoveMember(bg, id, tablet.Removal{Why: one(r, "died", "moved_out", "mistake")})
		})
		t.settleKill()
	default:
		t.do(r, "a member confirmed", func() error { return f.ConfirmMember(bg, id) })
		t.settleKill()
	}
}

// unique tells whether no other save can have this value; others cannot be followed.
func unique(unit string, v json.RawMessage) bool {
	return len(v) > 0 && unit != "water" && unit != "review_date" && unit != "status" && unit != "village"
}

// put saves one answer and lets the witness write it down.
func (t *tab) put(r *rand.Rand, rec, unit string, v json.RawMessage) {
	f := t.form
	shown := onScreen(f, rec, unit)
	how := t.do(r, "an answer to "+unit, func() error {
		if rec == f.Household() {
			return f.SetHousehold(bg, unit, v)
		}
		return f.Set(bg, unit, v)
	})
	if unique(unit, v) {
		if how == doubt && t.form == nil { // it was killed: what was pending is cut already
			t.w.witness.inDoubt(t, rec, unit, v, shown)
		} else {
			t.w.witness.typed(t, rec, unit, v, shown, how)
		}
	} else if how != refused {
		t.w.witness.forget(t, rec, unit)
	}
	t.settleKill()
}

// onScreen are the values a form shows for a unit.
func onScreen(f *tablet.Form, rec, unit string) (values []string) {
	a := f.Value(unit)
	if rec == f.Household() {
		a = f.HouseholdValue(unit)
	}
	for _, s := range a.Said {
		values = append(values, fieldsync.Canonical(s.Value))
	}
	if len(a.Value) > 0 {
		values = append(values, fieldsync.Canonical(a.Value))
	}
	return append(values, fieldsync.Canonical(a.By.Value))
}

func stepNews(w *world, r *rand.Rand, t *tab) {
	if t.form == nil {
		return
	}
	f := t.form
	t.do(r, "accepting news", func() error { return f.AcceptNews(bg) })
	for p := range w.witness.pending {
		if p.tab == t && t.form != nil {
			w.witness.base(t, p.rec, p.unit, onScreen(t.form, p.rec, p.unit))
		}
	}
	t.settleKill()
}

func stepClose(w *world, r *rand.Rand, t *tab) { t.closeForm(r) }

func stepBackground(w *world, r *rand.Rand, t *tab) {
	if t.do(r, "going to the background", func() error { return t.store.CommitAll(bg) }) == done {
		w.witness.cut(t)
	}
	t.settleKill()
}

// stepNew writes a household nobody has.
func stepNew(w *world, r *rand.Rand, t *tab) {
	t.closeForm(r)
	if t.form != nil {
		return
	}
	own := t.store.Identity().Scopes
	village := one(r, villages...)
	if !slices.Contains(own, village) && !chance(r, 10) {
		return
	}
	f, err := t.store.NewHousehold(bg, thisRound, village)
	if err != nil {
		t.explain("a new household", err)
		return
	}
	t.form = f
	w.houses = append(w.houses, f.Household())
	t.answer(r)
	if t.form != nil {
		t.answer(r)
	}
}

// stepMove moves a household to another village.
func stepMove(w *world, r *rand.Rand, t *tab) {
	if t.form == nil && !t.openSome(r) {
		return
	}
	t.put(r, t.form.Household(), "village", encode(one(r, villages...)))
	t.closeForm(r)
}

// stepEnd says that a household is no more.
func stepEnd(w *world, r *rand.Rand, t *tab) {
	if t.form == nil && !t.openSome(r) {
		return
	}
	f := t.form
	t.do(r, "ending a household", func() error {
		return f.EndHousehold(bg, tablet.Removal{Why: one(r, "dissolved", "moved_out", "mistake")})
	})
	t.settleKill()
	t.closeForm(r)
}

// stepSplit lets one person found a household.
func stepSplit(w *world, r *rand.Rand, t *tab) {
	if t.form == nil && !t.openSome(r) {
		return
	}
	f := t.form
	var ids []string
	for _, m := range f.Roster() {
		if m.Removed == "" {
			ids = append(ids, m.ID)
		}
	}
	if len(ids) < 2 {
		return
	}
	var to *tablet.Form
	how := t.do(r, "splitting a household", func() (err error) { to, err = f.Split(bg, ids[:1], one(r, villages...)); return err })
	if to != nil {
		w.houses = append(w.houses, to.Household())
	}
	if how == done && t.link.killed == "" && to != nil {
		if err := to.Close(bg); err != nil {
			t.explain("closing a form", err)
		}
	}
	t.settleKill()
	t.closeForm(r)
}

func stepSync(w *world, r *rand.Rand, t *tab) {
	t.sync(r, one(r, 0, 5, 20, 40))
}

// stepCheck looks at one tablet in the middle of everything: each of its records is the fold of what it has seen (I2 a node).
func stepCheck(w *world, _ *rand.Rand, t *tab) { w.checkNode(t, w.learn(), false) }

// stepNosy asks with a tablet's token for every village; the guard sees that none is given that is not granted.
func stepNosy(w *world, _ *rand.Rand, t *tab) {
	t.link.begin(nil, 0)
	for _, v := range villages {
		ask := &fieldsync.PullRequest{Cursors: map[string]fieldsync.Cursor{v: {Epoch: w.home.store.Self().Epoch}}}
		if _, err := t.store.Client().Pull(bg, ask); (err == nil) != slices.Contains(w.home.granted(t.account), v) {
			w.fail("I12: %s, granted %v, asks for %s: %v", t.account, w.home.granted(t.account), v, err)
		}
	}
}

// stepRestart ends the program in good order and starts it again, sometimes twice at once.
func stepRestart(w *world, r *rand.Rand, t *tab) {
	if chance(r, 3) { // the refusal takes two seconds of real time
		if second, err := tablet.Open(bg, t.dir, tablet.Options{Now: t.now, Log: slog.New(slog.DiscardHandler)}); err == nil {
			second.Close()
			w.fail("H1: %s was opened twice", t.name)
		}
	}
	w.must(t.store.Close(), "close "+t.name)
	w.witness.cut(t)
	t.open()
}

// stepKill kills the program between two steps.
func stepKill(w *world, r *rand.Rand, t *tab) {
	w.fault("T3 %s killed", t.name)
	t.become(t.copy())
}

func stepClock(w *world, r *rand.Rand, t *tab) {
	const year = 365 * 24 * 3600 * 1000
	to := one(r, -w.clock.Load(), 40*year, 14*year, -3600_000, 24*3600_000, 0, 0)
	w.fault("C1 the clock of %s jumps by %d h", t.name, to/3600_000)
	t.skew.Store(to)
}

// inDoubt notes an answer over which the program was killed.
func (x *witness) inDoubt(t *tab, rec, unit string, v json.RawMessage, shown []string) {
	for _, s := range slices.Backward(x.saves) {
		if s.place == (place{t, rec, unit}) {
			s.values = append(s.values, fieldsync.Canonical(v))
			s.shown = append(s.shown, shown...)
			return
		}
	}
}

// forget: the question was answered again with a value that cannot be followed.
func (x *witness) forget(t *tab, rec, unit string) {
	if s := x.pending[place{t, rec, unit}]; s != nil {
		s.gone = true
		delete(x.pending, s.place)
	}
}
