package ui

import (
	"context"
	"testing"

	"github.com/rasoat/rasoat/internal/tablet"
)

// bigHouse opens the form of a household of eleven, all of them known by name, sex, birth and relation.
func bigHouse(b *testing.B) (*world, *visit) {
	w := newWorld(b)
	w.ready()
	w.fill(3)
	w.open(sizes[0], "vi")
	w.a.openForm(id(2), thisRound, "roster")
	w.settle()
	v := w.a.top().(*rosterPage).v
	ctx := context.Background()
	for i := range 11 {
		member, err := v.form.AddMember(ctx)
		if err != nil {
			b.Fatal(err)
		}
		for unit, value := range map[string]string{"name": "Bàn Văn " + givens[i%len(givens)], "sex": "male", "birth": itoa(1950 + 6*i), "relation": "child"} {
			if err := v.form.Set(ctx, "m/"+member+"/"+unit, tablet.Text(value)); err != nil {
				b.Fatal(err)
			}
		}
	}
	v.now = v.look()
	return w, v
}

// BenchmarkFindings is what follows every answer, off the UI goroutine, in a household of eleven.
func BenchmarkFindings(b *testing.B) {
	w, v := bigHouse(b)
	defer w.close()
	for b.Loop() {
		v.look()
	}
}

// BenchmarkSection is the building and laying out of the page of the section with most questions.
func BenchmarkSection(b *testing.B) {
	w, v := bigHouse(b)
	defer w.close()
	s := v.q.Sections[3]
	member := v.now.members()[0].ID
	for b.Loop() {
		w.a.show(&sectionPage{v: v, section: s, member: member})
		w.a.back()
	}
}
