package tablet

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// copyStore copies the files as they lie there, as a backup program or a power cut would see them.
func copyStore(tb testing.TB, from string) string {
	tb.Helper()
	to := filepath.Join(tb.TempDir(), "copy")
	must(tb, os.MkdirAll(to, 0o700))
	files, err := os.ReadDir(from)
	must(tb, err)
	for _, f := range files {
		in, err := os.Open(filepath.Join(from, f.Name()))
		must(tb, err)
		out, err := os.Create(filepath.Join(to, f.Name()))
		must(tb, err)
		_, err = io.Copy(out, in)
		must(tb, err)
		must(tb, out.Close())
		in.Close()
	}
	return to
}

func save(tb testing.TB, s *Store, household, unit, value string) string {
	tb.Helper()
	f := openForm(tb, s, household)
	must(tb, f.Set(bg, unit, Text(value)))
	done, err := f.Commit(bg)
	must(tb, err)
	must(tb, f.Close(bg))
	if len(done.Dots) != 1 {
		tb.Fatalf("commit made %v, want one change", done.Dots)
	}
	return done.Dots[0]
}

func TestADatabasePutBackFromACopyTakesANewReplicaBeforeItsFirstWrite(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	first := save(t, s, id, "water", "tap")
	backup := copyStore(t, s.dir)
	second := save(t, s, id, "water", "rain")
	h.sync(s, commune, village)
	s.kill(t)
	for _, name := range []string{databaseName, databaseName + "-wal"} { // the side file is not in the backup
		b, err := os.ReadFile(filepath.Join(backup, name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(s.dir, name), b, 0o600))
	}
	old := s.current().replica
	s = openAt(t, s.dir)
	if s.current().replica == old {
		t.Fatalf("the restored database goes on as replica %s; its next change would be %s again", old, second)
	}
	third := save(t, s, id, "toilet", "none")
	if third == second || third == first {
		t.Fatalf("dot %s was used twice", third)
	}
	h.sync(s, commune, village)
	f := openForm(t, s, id)
	if got := f.Value("water").Text(); got != "rain" {
		t.Errorf("water = %q, want rain: the change the copy had lost comes back from the home", got)
	}
	if open := h.records[f.Interview()].Conflicts(nil); len(open) != 0 {
		t.Errorf("conflicts: %v, want none", open)
	}
	if u := s.Unsent(); u.Changes != 0 {
		t.Errorf("unsent: %+v", u)
	}
}

func TestWithoutItsSideFileTheTabletTakesANewReplica(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	save(t, s, id, "water", "tap")
	s.kill(t)
	must(t, os.Remove(filepath.Join(s.dir, sideName)))
	old := s.current().replica
	s = openAt(t, s.dir)
	if s.current().replica == old {
		t.Error("the replica is the same although nothing vouches for the database")
	}
	for _, v := range []string{"rain", "tap", "rain"} { // more than the first replica had
		save(t, s, id, "water", v)
	}
	h.sync(s, commune, village) // what the first replica had not sent goes out under its own dots
	if got := len(h.feeds[old].lines); got != 1 {
		t.Errorf("the home has %d changes of the first replica, want 1", got)
	}
	if got := len(h.feeds[s.current().replica].lines); got != 3 {
		t.Errorf("the home has %d changes of the new replica, want 3", got)
	}
	if got := h.records[fieldsync.InterviewID(roundID, id)].Look("water", nil); len(got.Values) != 1 || asText(got.Values[0].Value) != "rain" {
		t.Errorf("water at home: %v, want rain alone", got)
	}
}

func TestADatabaseAheadOfItsSideFileRepairsTheFile(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	save(t, s, id, "water", "tap")
	before, err := os.ReadFile(filepath.Join(s.dir, sideName))
	must(t, err)
	save(t, s, id, "water", "rain")
	s.kill(t)
	must(t, os.WriteFile(filepath.Join(s.dir, sideName), before, 0o600)) // killed between commit and side file
	old := s.current().replica
	s = openAt(t, s.dir)
	if s.current().replica != old {
		t.Error("a new replica was taken, although the database knows all the side file knows")
	}
	sf, err := readSide(s.dir)
	must(t, err)
	if sf.Seq != 2 {
		t.Errorf("side file says %d after the start, want 2", sf.Seq)
	}
}

func TestTwoCopiesOfOneTabletForkAndBothSidesComeHome(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	a := h.tablet("en01", village)
	save(t, a, id, "water", "tap")
	h.sync(a, commune, village)
	b := openAt(t, copyStore(t, a.dir)) // the whole folder: nothing local can tell
	save(t, a, id, "toilet", "septic")
	h.sync(a, commune, village)

	save(t, b, id, "house_wall", "durable")
	save(t, b, id, "house_wall", "non_durable")
	save(t, b, id, "house_wall", "durable")
	fb := openForm(t, b, id)
	must(t, fb.Set(bg, "house_roof", Text("durable")))
	save2 := ownChanges(t, b, fb.Interview())
	forked := save2[len(save2)-1].Dot
	h.sync(b, commune, village)
	must(t, fb.Set(bg, "house_wall", Text("non_durable"))) // its base is the renamed change
	must(t, fb.Close(bg))
	h.sync(b, commune, village)
	h.sync(a, commune, village)

	if b.current().replica == a.current().replica {
		t.Fatal("both copies still write as one replica")
	}
	var renewed *fieldsync.Change
	for _, c := range ownChanges(t, b, fb.Interview()) {
		if c.Was != nil {
			renewed = c
		}
	}
	if renewed == nil || *renewed.Was != forked || asText(written(renewed, "house_wall")) != "durable" {
		t.Fatalf("re-issue: %+v, want the change that was %s", renewed, forked)
	}
	for _, c := range ownChanges(t, b, fb.Interview()) {
		for _, p := range c.Parents {
			if c.Dot.Replica == b.current().replica && p.Replica == forked.Replica && p.Seq > 1 {
				t.Errorf("change %s names %s, which at home is another change", c.Dot, p)
			}
		}
	}
	rec := h.records[fb.Interview()]
	for unit, want := range map[string]string{"water": "tap", "toilet": "septic", "house_wall": "non_durable", "house_roof": "durable"} {
		look := rec.Look(unit, nil)
		if len(look.Values) != 1 || asText(look.Values[0].Value) != want {
			t.Errorf("%s at home: %v, want %s alone", unit, look.Values, want)
		}
	}
	if len(rec.Waiting()) != 0 {
		t.Errorf("the record waits for %v, which nobody will ever send", rec.Waiting())
	}
}

func TestAServerRestoredFromABackupGetsBackWhatItLost(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	save(t, s, id, "water", "tap")
	h.sync(s, commune, village)
	save(t, s, id, "toilet", "none")
	h.sync(s, commune, village)

	h.rollBack(s.current().replica, 1)
	h.sync(s, commune, village)
	if got := len(h.feeds[s.current().replica].lines); got != 2 {
		t.Errorf("the home has %d changes after the restore and a sync, want 2", got)
	}
	iv := fieldsync.InterviewID(roundID, id)
	if got := h.records[iv].Look("toilet", nil); len(got.Values) != 1 {
		t.Errorf("toilet at home: %v, want the change that was lost", got)
	}
	cur, err := s.Cursors(bg)
	must(t, err)
	if cur[village].Epoch != h.epoch {
		t.Errorf("cursor of the village: %+v, want epoch %s", cur[village], h.epoch)
	}
	if u := s.Unsent(); u.Changes != 0 {
		t.Errorf("unsent: %+v", u)
	}
}

// rollBack makes the home forget a replica's changes after n, as a restored backup does.
func (h *home) rollBack(replica string, n int) {
	h.epoch += "'"
	f := h.feeds[replica]
	f.lines, f.h = f.lines[:n], f.h[:n+1]
	old := h.log
	h.log, h.records = map[string][]homeLine{}, map[string]*fieldsync.Record{}
	for _, scope := range sortedKeys(old) {
		for _, l := range old[scope] {
			if l.c != nil && (l.c.Dot.Replica != replica || l.c.Dot.Seq <= uint64(n)) {
				h.publish(l.c)
			}
		}
	}
}

func TestARestoredServerGetsBackWhatARetiredReplicaHadSent(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	save(t, s, id, "water", "tap")
	h.sync(s, commune, village)
	retired := s.current().replica
	must(t, s.Close())
	must(t, os.Remove(filepath.Join(s.dir, sideName)))
	s = openAt(t, s.dir)
	if s.current().replica == retired {
		t.Fatal("the replica was not retired")
	}

	h.rollBack(retired, 0)
	h.sync(s, commune, village)
	if got := len(h.feeds[retired].lines); got != 1 {
		t.Errorf("the home has %d changes of the retired replica after the restore and a sync, want the one it lost", got)
	}
	if u := s.Unsent(); u.Changes != 0 {
		t.Errorf("unsent: %+v", u)
	}
}

func TestAWithdrawnVillageIsRemovedOnlyWhenItsWorkIsAtHome(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	other, _ := h.household(village2, "Lý Văn Sơn")
	s := h.tablet("en01", village, village2)
	f := openForm(t, s, id)
	must(t, f.Set(bg, "water", Text("tap")))
	dropped := f.Interview()
	must(t, s.DropScopes(bg, []string{village})) // the draft becomes a change first, and that keeps the village
	if rows := s.Households(Filter{Village: village}); len(rows) != 1 || rows[0].Unsent != 1 {
		t.Fatalf("the village after dropping with unsent work: %+v, want it still here", rows)
	}
	must(t, f.Close(bg))
	h.sync(s, commune, village2)
	h.sync(s, commune, village2)
	if rows := s.Households(Filter{}); len(rows) != 1 || rows[0].ID != other {
		t.Errorf("list after the village was withdrawn: %+v, want only the other village's household", rows)
	}
	if rec, err := s.shown(bg, s.db, dropped); err != nil || rec != nil {
		t.Errorf("the interview is still here (%v)", err)
	}
	if h.records[dropped].Look("water", nil).Values == nil {
		t.Error("the answer did not reach the home")
	}
	h.sync(s, commune, village, village2) // given back: everything is there again, own work included
	if got := openForm(t, s, id).Value("water").Text(); got != "tap" {
		t.Errorf("water = %q after the village came back, want tap", got)
	}
}

func TestARecordThatLeavesTheScopeGoesWithoutBeingDeleted(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	h.move(id, village2)
	h.sync(s, commune, village)
	if rows := s.Households(Filter{}); len(rows) != 0 {
		t.Errorf("list: %+v, want nothing: the household moved away", rows)
	}
	cur, err := s.Fingerprints(bg)
	must(t, err)
	if cur[village] != fieldsync.Print(h.fingerprint(village)) {
		t.Errorf("fingerprint %v, want the home's %v", cur[village], h.fingerprint(village))
	}
	h.move(id, village)
	h.sync(s, commune, village)
	if rows := s.Households(Filter{}); len(rows) != 1 {
		t.Errorf("list: %+v, want the household that came back", rows)
	}
}

// move brings a household and its interviews from one scope's feed into another's.
func (h *home) move(household, to string) {
	for _, rec := range sortedKeys(h.records) {
		from := h.scopes[rec]
		if rec != household && textOf(h.records[rec], "household") != household {
			continue
		}
		h.log[from] = append(h.log[from], homeLine{gone: rec})
		h.scopes[rec] = to
		for _, l := range slices.Clone(h.log[from]) {
			if l.c != nil && l.c.Record == rec {
				h.log[to] = append(h.log[to], l)
			}
		}
	}
}

func TestErasedValuesAreGoneFromTheDiskAndStayGone(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	dot := save(t, s, id, "m/"+members[0]+"/name", "Nông Thị Tuyết")
	h.sync(s, commune, village)
	h.log[village] = append(h.log[village], homeLine{erase: []string{dot}})
	d, err := fieldsync.ParseDot(dot)
	must(t, err)
	iv := fieldsync.InterviewID(roundID, id)
	h.records[iv].Erase(d)
	h.sync(s, commune, village)
	if got := openForm(t, s, id).Value("m/" + members[0] + "/name"); got.Value != nil {
		t.Errorf("name = %s after the erasure, want nothing", got.Value)
	}
	var n int
	must(t, s.db.QueryRow(`SELECT count(*) FROM own WHERE instr(bytes, 'Tuyết') > 0`).Scan(&n))
	if n != 0 {
		t.Error("the own log still holds the name")
	}
	h.log[village] = append(h.log[village], homeLine{c: h.changeOf(d)}) // comes back from an old stick
	must(t, s.write(bg, func(tx *tx) error { return s.stale(tx, village) }))
	h.sync(s, commune, village)
	if got := openForm(t, s, id).Value("m/" + members[0] + "/name"); got.Value != nil {
		t.Errorf("name = %s after its bytes came again, want nothing", got.Value)
	}
}

func (h *home) changeOf(d fieldsync.Dot) *fieldsync.Change {
	c, fault := fieldsync.DecodeChange(d.Replica, h.feeds[d.Replica].lines[d.Seq-1])
	if fault != nil {
		h.tb.Fatal(fault)
	}
	return c
}

func TestHeldAndRefusedWorkIsShownWithItsReason(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	dot := save(t, s, id, "water", "tap")
	h.hold[dot] = true
	h.notes[s.current().replica] = []fieldsync.Note{{S: 1, State: "held", Why: "scope"}}
	h.sync(s, commune, village)
	notes, err := s.Notes(bg)
	must(t, err)
	if len(notes) != 1 || notes[0].Status != StatusHeld || notes[0].Why != "scope" || notes[0].Text["vi"] == "" || notes[0].Dot != dot {
		t.Fatalf("notes: %+v, want the held change with its reason", notes)
	}
	if got := openForm(t, s, id).Value("water").Text(); got != "tap" {
		t.Errorf("water = %q, want the own answer although it is held", got)
	}
	if cs, err := s.Changes(bg, id); err != nil || len(cs) != 1 || cs[0].Status != StatusHeld {
		t.Errorf("changes: %+v, %v", cs, err)
	}
	h.notes[s.current().replica] = []fieldsync.Note{{S: 1, State: "published"}}
	delete(h.hold, dot)
	d, _ := fieldsync.ParseDot(dot)
	h.publish(h.changeOf(d))
	h.sync(s, commune, village)
	if notes, err = s.Notes(bg); err != nil || len(notes) != 0 {
		t.Errorf("notes after the release: %+v, %v", notes, err)
	}
	if cs, err := s.Changes(bg, id); err != nil || cs[0].Status != StatusReceived {
		t.Errorf("changes after the release: %+v, %v", cs, err)
	}
}

func TestARelayCarriesButDoesNotAcknowledge(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	save(t, s, id, "water", "tap")
	seg, err := s.Outbox(bg, 0, 10, 1<<20)
	must(t, err)
	must(t, s.Acked(bg, &fieldsync.PushAnswer{Through: seg.To, H: seg.H, Level: fieldsync.LevelCarried}))
	if u := s.Unsent(); u.Changes != 1 {
		t.Errorf("unsent = %d, want 1: a relay is not the home", u.Changes)
	}
	if cs, err := s.Changes(bg, id); err != nil || cs[0].Status != StatusCarried {
		t.Errorf("status %+v, %v, want carried", cs, err)
	}
	bad := *seg
	bad.H = slices.Clone(seg.H)
	bad.H[0]++
	if err := s.Acked(bg, &fieldsync.PushAnswer{Through: bad.To, H: bad.H, Level: fieldsync.LevelDurable}); err == nil {
		t.Error("an answer with another hash was taken as an acknowledgement")
	}
	forged := h.receipt(seg.Replica, fieldsync.Have{Seq: seg.To, H: seg.H})
	forged.Sig[0]++
	if err := s.Acked(bg, &fieldsync.PushAnswer{Through: seg.To, H: seg.H, Level: fieldsync.LevelDurable, Receipt: forged}); err == nil {
		t.Error("a receipt with a wrong signature was taken")
	}
	if u := s.Unsent(); u.Changes != 1 {
		t.Errorf("unsent = %d after two false answers, want 1", u.Changes)
	}
}

func TestOutboxKeepsToItsLimitsButSendsAtLeastOneChange(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	for _, v := range []string{"tap", "rain", "tap", "rain", "tap"} {
		save(t, s, id, "water", v)
	}
	for _, c := range []struct {
		after            uint64
		changes, bytes   int
		from, to, wanted uint64
	}{{0, 2, 1 << 20, 1, 2, 2}, {2, 10, 1, 3, 3, 1}, {3, 10, 1 << 20, 4, 5, 2}} {
		seg, err := s.Outbox(bg, c.after, c.changes, c.bytes)
		must(t, err)
		if seg.From != c.from || seg.To != c.to || uint64(len(seg.Lines)) != c.wanted {
			t.Errorf("after %d with %d changes and %d bytes: %d to %d, want %d to %d", c.after, c.changes, c.bytes, seg.From, seg.To, c.from, c.to)
		}
		if !fieldsync.VerifyHead(s.current().pub(), seg.Replica, seg.To, seg.H, seg.Sig) {
			t.Error("the piece is not signed by the replica")
		}
	}
	if seg, err := s.Outbox(bg, 5, 10, 1<<20); err != nil || seg != nil {
		t.Errorf("after the last change: %v, %v, want nothing", seg, err)
	}
}

func TestTwoTabletsInterviewOneHouseholdIntoOneRecord(t *testing.T) {
	h := newHome(t)
	id, members := h.household(village, "Nông Thị Mây", "Lý Văn Sơn")
	a, b := h.tablet("en01", village), h.tablet("en02", village)
	for s, values := range map[*Store]map[string]string{
		a: {"water": "tap", "review_date": "2026-10-03", "respondent": "Mây", "m/" + members[0] + "/sex": "female", "house_roof": "durable"},
		b: {"water": "tap", "review_date": "2026-10-05", "respondent": "Sơn", "m/" + members[1] + "/sex": "male", "house_roof": "non_durable"},
	} {
		f := openForm(t, s, id)
		for unit, v := range values {
			must(t, f.Set(bg, unit, Text(v)))
		}
		must(t, f.Close(bg))
	}
	for range 2 {
		h.sync(a, commune, village)
		h.sync(b, commune, village)
	}
	for name, s := range map[string]*Store{"a": a, "b": b} {
		cs, err := s.Conflicts(bg, id)
		must(t, err)
		var blocking, quiet []string
		for _, c := range cs {
			if c.Quiet {
				quiet = append(quiet, c.Unit)
			} else {
				blocking = append(blocking, c.Unit)
			}
		}
		if strings.Join(blocking, " ") != "house_roof" || strings.Join(quiet, " ") != "respondent" {
			t.Errorf("tablet %s: conflicts %v, quiet %v, want house_roof, and respondent quietly", name, blocking, quiet)
		}
		if got := openForm(t, s, id).Value("review_date").Text(); got != "2026-10-05" {
			t.Errorf("tablet %s: review_date = %s, want the later", name, got)
		}
		if r := s.Households(Filter{}); len(r) != 1 || r[0].Conflicts != 1 {
			t.Errorf("tablet %s: list %+v, want one conflict", name, r)
		}
	}
}

func TestASecondProgramOnTheSameFolderIsRefused(t *testing.T) {
	h := newHome(t)
	s := h.tablet("en01", village)
	_, err := Open(bg, s.dir, Options{})
	wantProblem(t, err, "in_use")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, s.dir) // it has written nothing since, and still it is alone
	_, err = Open(bg, again.dir, Options{})
	wantProblem(t, err, "in_use")
}

func TestAnotherPersonMayEnrolOnlyWhenNothingIsUnsent(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	save(t, s, id, "water", "tap")
	err := s.enrolled(bg, "https://xa.example", &fieldsync.EnrolAnswer{Account: "en02", Server: h.id})
	wantProblem(t, err, "other_account")
	h.sync(s, commune, village)
	first := s.current().replica
	h.enrol(s, "en02", commune, village2)
	if s.current().replica == first {
		t.Error("the second person writes as the first one's replica")
	}
	h.sync(s, commune, village2)
	if rows := s.Households(Filter{Village: village}); len(rows) != 0 {
		t.Errorf("the second person sees the first one's village: %+v", rows)
	}
	if _, err := s.Learn(bg, &fieldsync.HelloAnswer{Server: "another"}); err == nil {
		t.Error("the answer of another server was taken")
	} else {
		wantProblem(t, err, "other_server")
	}
}

func TestAnOwnChangeThatIsNotHereBringsTheWholeScope(t *testing.T) {
	h := newHome(t)
	s := h.tablet("en01", village)
	must(t, s.Pulled(bg, []*fieldsync.PullLine{{C: &fieldsync.Position{Scope: village, Pos: 1}, Replica: s.current().replica, S: 7, Own: true}}))
	have := fieldsync.Have{H: fieldsync.ChainStart(s.current().replica, s.current().pub())}
	plan, err := s.Learn(bg, &fieldsync.HelloAnswer{Server: h.id, Epoch: h.epoch, Have: have, Scopes: []string{commune, village}})
	must(t, err)
	if !slices.Equal(plan.Snapshots, []string{village}) {
		t.Errorf("plan %+v, want a snapshot of the village", plan)
	}
}

func TestAChangeThatComesAfterItsErasureComesWithoutItsValues(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	c := h.write("household", id, village2, fieldsync.OpEdit, map[string]any{"phone": "0900000001"}) // an old stick has it, the scope not
	at := uint64(1000)
	line := func() *fieldsync.Position { at++; return &fieldsync.Position{Scope: village, Pos: at} }
	must(t, s.Pulled(bg, []*fieldsync.PullLine{{C: line(), Erase: []string{c.Dot.String()}},
		{C: line(), Replica: c.Dot.Replica, S: c.Dot.Seq, B: c.Bytes}}))
	rec, err := s.shown(bg, s.db, id)
	must(t, err)
	if heads := rec.Heads("phone"); len(heads) != 1 || string(heads[0].Value) != "null" {
		t.Errorf("phone = %v, want a head without its value", heads)
	}
}

func TestARecordThatLeftStaysUntilOwnWorkInItIsAtHome(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	s := h.tablet("en01", village)
	save(t, s, id, "water", "tap")
	iv := fieldsync.InterviewID(roundID, id)
	cur, err := s.Cursors(bg)
	must(t, err)
	pos := cur[village].Pos
	lines := []*fieldsync.PullLine{{C: &fieldsync.Position{Scope: village, Pos: pos + 1}, Gone: id},
		{C: &fieldsync.Position{Scope: village, Pos: pos + 2}, Gone: fieldsync.InterviewID(lastID, id)}} // of this year's nobody there knows yet
	must(t, s.Pulled(bg, lines))
	if rec, err := s.shown(bg, s.db, iv); err != nil || textOf(rec, "water") != "tap" {
		t.Fatalf("the interview with unsent work is gone (%v)", err)
	}
	seg, err := s.Outbox(bg, 0, 10, 1<<20)
	must(t, err)
	answer, err := h.push(seg)
	must(t, err)
	must(t, s.Acked(bg, answer))
	must(t, s.DropScopes(bg, nil)) // the end of every session
	for _, rec := range []string{id, iv} {
		if got, err := s.load(bg, s.db, rec); err != nil || got != nil {
			t.Errorf("%s is still here after its work is at home (%v)", rec, err)
		}
	}
	if rows := s.Households(Filter{}); len(rows) != 0 {
		t.Errorf("list %+v, want nothing", rows)
	}
}
