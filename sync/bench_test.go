package sync

import (
	"fmt"
	"testing"
)

func BenchmarkDecodeChange(b *testing.B) {
	a := newAuthor(1)
	a.household(b, testRound, "01969-03")
	line := a.lines[1].Bytes
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, fault := DecodeChange(a.replica, line); fault != nil {
			b.Fatal(fault)
		}
	}
}

// feedOf writes n households, two changes each.
func feedOf(t testing.TB, n int) (*author, []string) {
	a := newAuthor(1)
	var interviews []string
	for range n {
		_, interview := a.household(t, testRound, "01969-03")
		interviews = append(interviews, interview)
	}
	return a, interviews
}

// edit writes a change of two answers, with the status its rules ask for, as a form does.
func (a *author) edit(t testing.TB, interview string, parents []Dot) *Change {
	return a.write(t, &Change{Record: interview, Kind: "interview", Op: OpEdit, Scope: "01969-03", Parents: parents, Writes: []Write{
		{".", []byte(`"active"`)}, {"water", appendText(nil, choose(a, "tap", "drilled_well", "rain"))},
		{"house_area", []byte(fmt.Sprintf("%d.%d", 18+a.rnd.IntN(90), a.rnd.IntN(10)))}}})
}

// wireSize is what a segment takes on the wire.
func wireSize(t testing.TB, seg *Segment, dict bool) float64 {
	t.Helper()
	out, _ := compress(bodyOf(t, seg), dict)
	return float64(len(out))
}

func BenchmarkWireSize(b *testing.B) {
	a, interviews := feedOf(b, 128)
	n := uint64(len(a.lines))
	for i, interview := range interviews {
		a.edit(b, interview, []Dot{{a.replica, uint64(2*i + 2)}})
	}
	for b.Loop() {
		for name, dict := range map[string]bool{"gzip": false, "dict": true} {
			b.ReportMetric(wireSize(b, a.segment(1, 2), dict), "push_1_household_"+name+"_B")
			b.ReportMetric(wireSize(b, a.segment(1, 20), dict)/10, "push_10_households_each_"+name+"_B")
			b.ReportMetric(wireSize(b, a.segment(1, 256), dict)/128, "push_128_households_each_"+name+"_B")
			b.ReportMetric(wireSize(b, a.segment(n+1, n+1), dict), "edit_1_"+name+"_B")
			b.ReportMetric(wireSize(b, a.segment(n+1, n+10), dict)/10, "edit_10_each_"+name+"_B")
			b.ReportMetric(wireSize(b, a.segment(n+1, n+100), dict)/100, "edit_100_each_"+name+"_B")
		}
		b.ReportMetric(float64(len(a.lines[1].Bytes)+len(a.lines[0].Bytes)), "raw_household_B")
		b.ReportMetric(float64(len(a.lines[n].Bytes)), "raw_edit_B")
	}
}
