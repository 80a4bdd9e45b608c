package sync

import "testing"

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
