package sync

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"
)

// FuzzPullLine: any line is read or refused, never a panic; what is read is written as what it means.
func FuzzPullLine(f *testing.F) {
	a := newAuthor(3)
	a.household(f, testRound, "01969-03")
	r := NewRecord(a.lines[1].Change.Record, "interview")
	r.Apply(a.lines[1].Change)
	state := r.State("01969-03")
	for _, l := range []*PullLine{
		{C: &Position{"01969-03", 1}, Replica: a.replica, S: 2, B: a.lines[1].Bytes},
		{C: &Position{"01969-03", 2}, Replica: a.replica, S: 1, Own: true},
		{C: &Position{"01969-03", 3}, Gone: labRecord},
		{C: &Position{"01969-03", 4}, State: &state},
		{C: &Position{"01969-03", 5}, Erase: []string{testReplica + ":3"}},
		{End: &PullEnd{End: map[string]Cursor{"01969-03": {"e7", 5}}, FP: map[string]Print{"01969-03": state.FP}}},
	} {
		f.Add(l.Append(nil))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := ParsePullLine(in)
		if err != nil {
			return
		}
		once := l.Append(nil)
		back, err := ParsePullLine(once)
		if err != nil || !bytes.Equal(back.Append(nil), once) {
			t.Fatalf("%q was read, written as %q, and read as %v, %v", in, once, back, err)
		}
		if _, err := l.Change(); err == nil && l.State != nil {
			if r, err := FromState(l.State); err == nil {
				r.Join(r.Clone())
			}
		}
	})
}

// FuzzStored: a stored state that a disk has altered is read or refused, never a panic and never for ever.
func FuzzStored(f *testing.F) {
	a := newAuthor(3)
	a.household(f, testRound, "01969-03")
	c := a.lines[1].Change
	r := NewRecord(c.Record, c.Kind)
	r.Apply(c)
	r.Apply(a.write(f, &Change{Record: c.Record, Kind: c.Kind, Op: OpEdit, Parents: []Dot{c.Dot, {testReplica, 4}}, Writes: []Write{{"water", []byte(`1`)}}}))
	f.Add(r.AppendStored(nil))
	f.Fuzz(func(t *testing.T, in []byte) {
		back, err := RestoreRecord(c.Record, c.Kind, in, func(d Dot) (*Change, error) {
			other := *c
			other.Dot = d
			return &other, nil
		})
		if err == nil {
			back.AppendStored(nil)
		}
	})
}

// FuzzSegment: any body is read whole or refused; nothing is read that is not signed.
func FuzzSegment(f *testing.F) {
	a := newAuthor(3)
	a.household(f, testRound, "01969-03")
	f.Add(bodyOf(f, a.segment(1, 2)))
	f.Add(bodyOf(f, a.segment(2, 2)))
	f.Fuzz(func(t *testing.T, in []byte) {
		seg, err := ReadSegment(bytes.NewReader(in), func(string) (ed25519.PublicKey, error) { return a.public(), nil })
		if err != nil {
			return
		}
		same := func(x, y Line) bool { return bytes.Equal(x.Bytes, y.Bytes) && bytes.Equal(x.H, y.H) }
		if want := a.segment(seg.From, seg.To); !slices.EqualFunc(seg.Lines, want.Lines, same) {
			t.Fatalf("%q was read as %+v", in, seg)
		}
	})
}
