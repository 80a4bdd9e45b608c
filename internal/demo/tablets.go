package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/tablet"
	fieldsync "github.com/rasoat/rasoat/sync"
)

const villagesPerTablet = 5

// fieldTablet is one enumerator with one tablet: the real tablet store, enrolled by code over the bad link.
type fieldTablet struct {
	account  string
	villages []Village
	visits   []visit
	store    *tablet.Store
	link     *Link
	changes  int // cut on this tablet: what must arrive
	summary  fieldsync.Summary
}

// visit is one household this tablet records. A second visit to a household that another tablet records too says some things
// otherwise: twist.
type visit struct {
	household *Household
	second    bool
	twist     twist
}

// plan gives every village to one tablet, and each tablet's first village to its neighbour too, which calls on the households
// of the last list there.
func (o *office) plan() []*fieldTablet {
	byVillage := map[string][]*Household{}
	for i := range o.households {
		h := &o.households[i]
		if h.reviewedBecause() != "" {
			byVillage[h.Village.Code] = append(byVillage[h.Village.Code], h)
		}
	}
	var tablets []*fieldTablet
	for _, c := range communes {
		var own []*fieldTablet
		villages := slices.Collect(slices.Values(o.of(c.code)))
		for piece := range slices.Chunk(villages, villagesPerTablet) {
			own = append(own, &fieldTablet{account: fmt.Sprintf("en%s%c", c.code, 'a'+len(own)), villages: piece})
		}
		for _, t := range own {
			for _, v := range t.villages {
				for _, h := range byVillage[v.Code] {
					t.visits = append(t.visits, visit{household: h})
				}
			}
		}
		for i, t := range own {
			if v := t.villages[0]; len(own) > 1 {
				own[(i+1)%len(own)].secondVisits(v, byVillage[v.Code])
			}
		}
		tablets = append(tablets, own...)
	}
	return tablets
}

func (o *office) of(commune string) []Village {
	var list []Village
	for _, v := range o.villages {
		if v.Commune == commune {
			list = append(list, v)
		}
	}
	return list
}

// secondVisits: two tablets at once in one village. Only households of the last list are recorded twice: their members have
// lasting ids that both tablets know.
func (t *fieldTablet) secondVisits(v Village, households []*Household) {
	t.villages = append(t.villages, v)
	n := 0
	for _, h := range households {
		if h.Listed == "last_list" {
			t.visits = append(t.visits, visit{household: h, second: true, twist: twists[n%len(twists)]})
			n++
		}
	}
}

// twist changes one answer of the second visit; nil leaves all equal. No twist touches a class: which of the two values is
// true, the household has the class it was made for.
type twist func(a map[string]any, h *Household)

var twists = []twist{
	nil,
	func(a map[string]any, h *Household) { // another clean source, where the first says a clean one
		if a["water"] == "tap" {
			a["water"] = "drilled_well"
		} else if a["water"] == "drilled_well" || a["water"] == "protected_dug_well" || a["water"] == "protected_spring" {
			a["water"] = "tap"
		}
	},
	func(a map[string]any, h *Household) { a["respondent"] = h.Members[len(h.Members)-1].ID }, // never a conflict that blocks
	func(a map[string]any, h *Household) { // a bigger house, where it is big enough anyway
		if area := a["house_area"].(float64); area >= float64(9*len(h.Members)) {
			a["house_area"] = area + 1.5
		}
	},
	nil,
	func(a map[string]any, h *Household) { // a misheard name
		unit := "m/" + h.Head().ID + "/name"
		a[unit] = a[unit].(string) + " (Tư)"
	},
	func(a map[string]any, h *Household) { a["review_date"] = "2024-10-16" }, // the later date stands
}

// enrol makes the account, opens the tablet's store and exchanges a code for a token through the bad link.
func (t *fieldTablet) enrol(ctx context.Context, o *office, base, dir string, seed uint64) error {
	var areas []string
	for _, v := range t.villages {
		areas = append(areas, v.Code)
	}
	err := o.store.AddAccount(ctx, "", central.NewAccount{Account: t.account, Name: "Điều tra viên " + t.account, Role: "enumerator", Areas: areas})
	if err != nil {
		return err
	}
	code, _, err := o.store.NewEnrolCode(ctx, "", t.account)
	if err != nil {
		return err
	}
	t.link = NewLink(http.DefaultTransport, seed)
	if t.store, err = tablet.Open(ctx, filepath.Join(dir, t.account), tablet.Options{HTTP: &http.Client{Transport: t.link}, App: "demo", Log: slog.New(slog.DiscardHandler)}); err != nil {
		return err
	}
	for try := 1; ; try++ { // the same code with the same replica gets the same answer again
		if err = t.store.Enrol(ctx, base, code); err == nil || try == maxTries {
			return err
		}
	}
}

const maxTries = 20

// sync runs sessions until one is whole; the link sees to it that some are not.
func (t *fieldTablet) sync(ctx context.Context) error {
	for try := 1; ; try++ {
		session := fieldsync.Session{Client: t.store.Client(), Local: t.store, Attempts: 30, Sleep: shortSleep}
		sum, err := session.Run(ctx)
		t.summary.Sent += sum.Sent
		t.summary.Pulled += sum.Pulled
		t.summary.Up += sum.Up
		t.summary.Down += sum.Down
		t.summary.Alarms = append(t.summary.Alarms, sum.Alarms...)
		if err == nil || try == maxTries {
			return err
		}
	}
}

// shortSleep waits a thousandth of what a tablet in the field would.
func shortSleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d / 1000):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// record interviews every household of the tablet's plan, offline.
func (t *fieldTablet) record(ctx context.Context, round string) error {
	for _, v := range t.visits {
		form, err := t.store.OpenForm(ctx, v.household.ID, round)
		if err != nil {
			return fmt.Errorf("tablet %s, household %s: %w", t.account, v.household.Code, err)
		}
		if err := form.SetAll(ctx, v.answers()); err != nil {
			return fmt.Errorf("tablet %s, household %s: %w", t.account, v.household.Code, err)
		}
		done, err := form.Commit(ctx)
		if err != nil {
			return fmt.Errorf("tablet %s, household %s: %w", t.account, v.household.Code, err)
		}
		t.changes += done.Changes
		if err := form.Close(ctx); err != nil {
			return err
		}
	}
	return nil
}

// answers of a visit, as JSON.
func (v visit) answers() map[string]json.RawMessage {
	units := v.household.Units()
	if v.twist != nil {
		v.twist(units, v.household)
	}
	out := make(map[string]json.RawMessage, len(units))
	for unit, value := range units {
		out[unit] = write(unit, value).Value
	}
	return out
}

// inParallel calls f for every tablet, as many at once as the machine has use for.
func inParallel(tablets []*fieldTablet, f func(*fieldTablet) error) error {
	const atOnce = 4
	var (
		wg    sync.WaitGroup
		slots = make(chan struct{}, atOnce)
		mu    sync.Mutex
		first error
	)
	for _, t := range tablets {
		wg.Add(1)
		slots <- struct{}{}
		go func() {
			defer func() { <-slots; wg.Done() }()
			if err := f(t); err != nil {
				mu.Lock()
				if first == nil {
					first = err
				}
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	return first
}
