package sync

import "testing"

func TestCanonicalFormsAgreeWhenPeopleMeanTheSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{`"Nguyễn Thị Hằng"`, "\"Nguye\u0302\u0303n Thi\u0323 Ha\u0306\u0300ng\"", true}, // NFC, NFD
		{`" tap "`, `"tap"`, true},
		{`"\u0111"`, `"đ"`, true},
		{`32.50`, `32.5`, true},
		{`1e2`, `100`, true},
		{`-0`, `0`, true},
		{`"32.5"`, `32.5`, false}, // a number sent as text is another value
		{`null`, `"null"`, false},
		{`true`, `"true"`, false},
		{`{"lat":1.0,"lon":2}`, `{ "lon": 2, "lat": 1 }`, true},
		{`{"lat":1,"lon":2}`, `{"lat":2,"lon":1}`, false},
		{`["a","b"]`, `["b","a"]`, false},
		{`1e999999999`, `2e999999999`, false},
		{`0.1000000000000000000001`, `0.1`, false},
	} {
		if got := Canonical([]byte(c.a)) == Canonical([]byte(c.b)); got != c.same {
			t.Errorf("%s and %s: same is %v, want %v (%s, %s)", c.a, c.b, got, c.same, Canonical([]byte(c.a)), Canonical([]byte(c.b)))
		}
	}
}

func TestEqualValuesInDifferentFormsAreNoConflict(t *testing.T) {
	l := newLab(2)
	a, b := l.nodes[0], l.nodes[1]
	l.save(a, []string{"a"}, `"Hằng"`, 1)
	b.receive(l.save(b, []string{"a"}, "\"Ha\u0306\u0300ng\"", 2))
	for _, c := range l.all {
		a.receive(c)
	}
	if open := a.record.Conflicts(nil); len(open) != 0 {
		t.Fatalf("the same name in two forms is a conflict: %v", open)
	}
	if heads := a.record.Heads("a"); len(heads) != 2 || string(heads[1].Value) != "\"Ha\u0306\u0300ng\"" {
		t.Fatalf("both writes stay as they were typed, got %q", heads)
	}
}

func TestARecordIsSoftWhenTwoPeopleWorkedUnseenOnDifferentUnits(t *testing.T) {
	l := newLab(2)
	a, b := l.nodes[0], l.nodes[1]
	first := l.save(a, []string{".", "a"}, `"active"`, 1)
	b.receive(first)
	b.open()
	second := l.save(b, []string{".", "b"}, `"active"`, 2)
	if b.record.Soft() {
		t.Error("B had seen what A wrote: the record is not soft")
	}
	l.save(a, []string{".", "a"}, `"active"`, 3)
	a.receive(second)
	if !a.record.Soft() {
		t.Error("A and B wrote without seeing each other: the record is soft")
	}
	if open := a.record.Conflicts(nil); len(open) != 0 {
		t.Errorf("different units never conflict, got %v", open)
	}
	a.open()
	l.save(a, []string{".", "a"}, `"active"`, 4)
	if a.record.Soft() {
		t.Error("a change that saw both ends the mark")
	}
}

func TestTheProvisionalValueGoesByRoleThenClockThenDot(t *testing.T) {
	r := NewRecord(labRecord, "interview")
	write := func(replica, role, value string, at int64) {
		r.Apply(&Change{Dot: Dot{replica, 1}, Record: labRecord, Role: role, At: at, Account: role, Writes: []Write{{"water", []byte(value)}}})
	}
	write("AAAAAAAAAAA", "enumerator", `"late"`, 900)
	write("BBBBBBBBBBA", "village_head", `"head"`, 1)
	write("CCCCCCCCCCA", "enumerator", `"later"`, 901)
	write("DDDDDDDDDDA", "enumerator", `"same time, greater dot"`, 901)
	want := []string{`"head"`, `"same time, greater dot"`, `"later"`, `"late"`}
	open := r.Look("water", nil)
	for i, h := range open.Values {
		if string(h.Value) != want[i] {
			t.Fatalf("value %d is %s, want %s", i, h.Value, want[i])
		}
	}
	top := r.Look("water", func(string, string) Policy { return Policy{Merge: MergeMax, Order: []string{"head", "late"}} })
	if top.Conflict() || string(top.Values[0].Value) != `"late"` {
		t.Fatalf("under max by rank %q stands, want \"late\"; unknown codes never win", top.Values)
	}
}

func TestAnErasedValueStaysAHeadWithoutItsValue(t *testing.T) {
	l := newLab(2)
	a := l.nodes[0]
	first := l.save(a, []string{"a"}, `"a name"`, 1)
	second := l.save(a, []string{"a"}, `"another name"`, 2)
	a.record.Erase(second.Dot, first.Dot)
	if heads := a.record.Heads("a"); len(heads) != 1 || heads[0].Dot != second.Dot || string(heads[0].Value) != "null" {
		t.Fatalf("after erasure: %v", heads)
	}
	if a.record.Apply(first) || a.record.Apply(second) {
		t.Fatal("an erased change that comes back is known, and brings nothing back")
	}
}
