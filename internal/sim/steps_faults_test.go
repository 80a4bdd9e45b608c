package sim

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/rasoat/rasoat/internal/central"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// kinds are the steps with their weights.
var kinds = []kind{
	{34, "work", stepWork}, {4, "accept news", stepNews}, {5, "close form", stepClose}, {4, "to the background", stepBackground},
	{6, "new household", stepNew}, {4, "move", stepMove}, {3, "end household", stepEnd}, {2, "split", stepSplit},
	{28, "sync", stepSync}, {3, "restart", stepRestart}, {4, "kill", stepKill}, {3, "clock", stepClock},
	{3, "check", stepCheck}, {1, "nosy", stepNosy},
	{4, "copy folder", stepCopy}, {3, "put folder back", stepPutBack}, {2, "clone", stepClone},
	{4, "grant", stepGrant}, {3, "withdraw", stepWithdraw},
	{6, "board resolves", stepResolve}, {4, "board edits", stepBoardEdit}, {2, "board ends household", stepBoardEnd}, {4, "decide held", stepDecide},
	{4, "export", stepExport}, {4, "import", stepImport}, {3, "receipts", stepReceipts},
	{3, "late requests", stepLate}, {3, "server killed", stepServerKill}, {3, "server backup", stepServerBackup}, {3, "server restored", stepServerRestore},
}

// stepCopy puts a copy of a tablet's folder aside, as a backup program would.
func stepCopy(w *world, _ *rand.Rand, t *tab) {
	t.backups = append(t.backups, backup{t.copy(), len(w.witness.saves)})
}

// stepPutBack puts an old copy in the tablet's place: the whole folder, or the database beside the newer side file, or without one.
// What was typed since and sent nowhere is given up by whoever does that; nothing else may be.
func stepPutBack(w *world, r *rand.Rand, t *tab) {
	if len(t.backups) == 0 {
		return
	}
	b := t.backups[r.IntN(len(t.backups))]
	to := w.folder("tablet")
	w.must(copyDir(b.dir, to), "copy a backup")
	how := one(r, "the database alone", "the database without its side file")
	if w.oldFolders && chance(r, 50) {
		how = "the whole folder"
	}
	switch how {
	case "the database alone":
		side, err := os.ReadFile(filepath.Join(t.dir, sideFile))
		w.must(err, "read the side file")
		w.must(os.WriteFile(filepath.Join(to, sideFile), side, 0o600), "keep the side file")
	case "the database without its side file":
		w.must(os.Remove(filepath.Join(to, sideFile)), "remove the side file")
	}
	w.fault("R1 %s is put back from an old copy: %s", t.name, how)
	t.become(to)
	w.restores++
	w.witness.putBack(t, b.save)
}

// stepClone starts a second tablet on a copy of the first's folder: two go on as one.
func stepClone(w *world, _ *rand.Rand, t *tab) {
	if len(w.tabs) > 5 || !w.oldFolders {
		return
	}
	c := &tab{w: w, name: fmt.Sprintf("%sk%d", t.name, len(w.tabs)), account: t.account, dir: w.folder("tablet")}
	w.must(copyDir(t.dir, c.dir), "clone a folder")
	w.fault("R2 %s is cloned: %s", t.name, c.name)
	c.skew.Store(t.skew.Load())
	c.open()
	w.tabs = append(w.tabs, c)
	w.restores++
}

func stepGrant(w *world, r *rand.Rand, t *tab) {
	v := one(r, villages...)
	if !slices.Contains(w.home.granted(t.account), v) {
		w.must(w.home.store.GrantArea(bg, "", t.account, v), "grant")
		w.note("    %s granted to %s", v, t.account)
	}
}

func stepWithdraw(w *world, r *rand.Rand, t *tab) {
	have := w.home.granted(t.account)
	if len(have) < 1 {
		return
	}
	v, how := have[r.IntN(len(have))], one(r, central.GrantEnded, central.GrantRevoked)
	w.must(w.home.store.EndGrant(bg, "", t.account, v, how), "withdraw")
	w.fault("%s %s for %s", v, how, t.account)
}

// viewed is a record as the board had it on its screen.
type viewed struct {
	rec, kind string
	live      map[string]map[string]string
}

// look lets the board open a record now; it may act on it later.
func (w *world) look(r *rand.Rand) (v viewed, ok bool) {
	if len(w.shown) > 0 && chance(r, 40) { // the page has been open for a while
		return w.shown[r.IntN(len(w.shown))], true
	}
	log := w.learn()
	id := w.houses[r.IntN(len(w.houses))]
	kind := "household"
	if chance(r, 50) {
		id, kind = fieldsync.InterviewID(thisRound, id), "interview"
	}
	if len(log.byRec[id]) == 0 {
		return v, false
	}
	v = viewed{id, kind, fold(log.byRec[id], (*logLine).published)}
	if len(v.live) == 0 {
		return v, false
	}
	w.shown = append(w.shown, v)
	return v, true
}

func (v viewed) parents(units ...string) (dots []fieldsync.Dot) {
	dots = []fieldsync.Dot{}
	for _, u := range units {
		for d := range v.live[u] {
			if dot, err := fieldsync.ParseDot(d); err == nil && !slices.Contains(dots, dot) {
				dots = append(dots, dot)
			}
		}
	}
	return dots
}

func (w *world) author(v viewed, op, unit string, value any, parents []fieldsync.Dot) {
	act := central.Act{Account: "ban", Role: "board", Changes: []central.ActChange{{Record: v.rec, Kind: v.kind, Op: op, Scope: villageA, Why: "biên bản",
		Parents: parents, Writes: []fieldsync.Write{write(unit, value)}}}}
	dots, err := w.home.store.Author(bg, act)
	w.must(err, "author an act")
	w.note("    board writes %s of %s as %v", unit, v.rec, dots)
	w.ownActs = append(w.ownActs, ownAct{dots[0].String(), v, unit, parents})
}

// stepResolve decides a conflict as the board saw it, which may be a while ago.
func stepResolve(w *world, r *rand.Rand, _ *tab) {
	v, ok := w.look(r)
	if !ok {
		return
	}
	for _, unit := range []string{"address", "phone", "respondent", "house_area", "."} {
		if len(v.live[unit]) > 1 {
			value := any(w.token())
			switch unit {
			case "house_area":
				value = 1000 + w.next
			case ".":
				value = "active"
			}
			w.author(v, fieldsync.OpResolve, unit, value, v.parents(unit, "."))
			return
		}
	}
}

func stepBoardEdit(w *world, r *rand.Rand, _ *tab) {
	if v, ok := w.look(r); ok {
		unit := map[string]string{"household": one(r, "address", "village"), "interview": "respondent"}[v.kind]
		value := w.token()
		if unit == "village" {
			value = one(r, villageA, villageB)
		}
		w.author(v, fieldsync.OpEdit, unit, value, v.parents(unit, "."))
	}
}

func stepBoardEnd(w *world, r *rand.Rand, _ *tab) {
	if v, ok := w.look(r); ok {
		w.author(v, fieldsync.OpStatus, ".", map[string]any{"s": "deleted", "why": "mistake"}, v.parents("."))
	}
}

// stepDecide releases or refuses one change that is held.
func stepDecide(w *world, r *rand.Rand, _ *tab) {
	held, err := w.home.store.Held(bg)
	w.must(err, "list what is held")
	if len(held) > 0 {
		w.decide(held[r.IntN(len(held))].Dot, chance(r, 70))
	}
}

// decide answers for a held change; what was decided once, before a restore, is decided the same again.
func (w *world) decide(dot fieldsync.Dot, release bool) {
	switch w.decided[dot.String()] {
	case "released":
		release = true
	case "refused":
		release = false
	}
	var err error
	if release {
		err = w.home.store.Release(bg, dot, "ban", "")
		w.decided[dot.String()] = "released"
	} else {
		err = w.home.store.Refuse(bg, dot, "ban", "không đúng địa bàn")
		w.decided[dot.String()] = "refused"
	}
	w.must(err, "decide about "+dot.String())
	w.note("    %s %s", dot, w.decided[dot.String()])
}

func stepLate(w *world, r *rand.Rand, _ *tab) { w.deliverLate(1 + r.IntN(3)) }

func stepServerKill(w *world, _ *rand.Rand, _ *tab) {
	w.fault("the server is killed")
	w.home.crash()
}

func stepServerBackup(w *world, _ *rand.Rand, _ *tab) { w.home.backup() }

// stepServerRestore puts the server back to one of its backups.
func stepServerRestore(w *world, r *rand.Rand, _ *tab) {
	if w.home.epochs == 2 || w.oldFolders {
		return
	}
	w.fault("R3 the server is put back from a backup")
	w.home.restore(w.home.backups[r.IntN(len(w.home.backups))], chance(r, 50))
}
