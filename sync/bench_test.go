package sync

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"strconv"
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

// BenchmarkWireSize reports what goes over the wire, in bytes of bodies, each: a household is two changes, of itself and of its
// interview with 59 answers and four members of 12.
func BenchmarkWireSize(b *testing.B) {
	a, interviews := feedOf(b, 128)
	n := uint64(len(a.lines))
	for i, interview := range interviews {
		a.edit(b, interview, []Dot{{a.replica, uint64(2*i + 2)}})
	}
	for b.Loop() {
		for name, dict := range map[string]bool{"gzip_": false, "": true} { // what a tablet sends once hello has named the dictionary
			b.ReportMetric(wireSize(b, a.segment(1, 256), dict)/128, "wire_first_push_"+name+"bytes")
			b.ReportMetric(wireSize(b, a.segment(1, 20), dict)/10, "wire_push10_"+name+"bytes")
			b.ReportMetric(wireSize(b, a.segment(1, 2), dict), "wire_push1_"+name+"bytes")
			b.ReportMetric(wireSize(b, a.segment(n+1, n+1), dict), "wire_edit1_"+name+"bytes")
			b.ReportMetric(wireSize(b, a.segment(n+1, n+10), dict)/10, "wire_edit10_"+name+"bytes")
			b.ReportMetric(wireSize(b, a.segment(n+1, n+100), dict)/100, "wire_edit100_"+name+"bytes")
		}
		b.ReportMetric(float64(len(a.lines[1].Bytes)+len(a.lines[0].Bytes)), "wire_household_raw_bytes")
		b.ReportMetric(float64(len(a.lines[n].Bytes)), "wire_edit_raw_bytes")
	}
}

// BenchmarkPull asks for 128 whole households over HTTP, without a dictionary and with it.
func BenchmarkPull(b *testing.B) {
	home, a := withFeed(b, 128)
	server := serve(b, home)
	if status, p, _ := post(b, server, PathPush, bodyOf(b, a.segment(1, 256))); status != 200 {
		b.Fatalf("%d %v", status, p)
	}
	for name, dict := range map[string]bool{"gzip_": false, "": true} {
		b.Run("dict="+strconv.FormatBool(dict), func(b *testing.B) {
			client := &Client{Base: server.URL, Token: "token"}
			client.dict.Store(dict)
			var down int64
			for b.Loop() {
				_, before := client.Traffic()
				lines, err := client.Pull(b.Context(), &PullRequest{Cursors: map[string]Cursor{"01969-03": {"e1", 0}}})
				if err != nil || len(lines) != 257 {
					b.Fatalf("%d lines, %v", len(lines), err)
				}
				_, after := client.Traffic()
				down = after - before
			}
			b.ReportMetric(float64(down)/128, "wire_pull_"+name+"bytes")
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N)/128, "wire_pull_"+name+"us")
		})
	}
}

// BenchmarkReadSegment is what the server does with a push before it touches its store, decompression aside.
func BenchmarkReadSegment(b *testing.B) {
	a, _ := feedOf(b, 128)
	body := bodyOf(b, a.segment(1, 256))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadSegment(bytes.NewReader(body), func(string) (ed25519.PublicKey, error) { return a.public(), nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N)/128, "read_segment_us")
}

func BenchmarkApply(b *testing.B) {
	a, interviews := feedOf(b, 1)
	edit := a.edit(b, interviews[0], []Dot{{a.replica, 2}})
	create := a.lines[1].Change
	b.ReportAllocs()
	for b.Loop() {
		r := NewRecord(create.Record, create.Kind)
		r.Apply(create)
		r.Apply(edit)
	}
}

func BenchmarkStored(b *testing.B) {
	a, _ := feedOf(b, 1)
	create := a.lines[1].Change
	r := NewRecord(create.Record, create.Kind)
	r.Apply(create)
	b.ReportAllocs()
	var stored []byte
	for b.Loop() {
		stored = r.AppendStored(stored[:0])
		if _, err := RestoreRecord(r.ID, r.Kind, stored, func(Dot) (*Change, error) { return create, nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(stored)), "stored_state_bytes")
}
