package main

import (
	"testing"

	"github.com/rasoat/rasoat/internal/central/centraltest"
)

func TestEveryCommandWorksOnPostgresToo(t *testing.T) {
	d := newDesk(t)
	t.Setenv("RASOAT_STORE", centraltest.PostgresURL(t))
	d.office()
	s := d.serve()
	b := newDevice(t, s.address)
	if _, err := b.enrol(firstLine(d.do("", "enrol", "en01"))); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.Push(t.Context(), b.save(newID(t), "household", "01969-01", map[string]string{".": `"active"`, "village": `"01969-01"`})); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"account", "list"}, {"device", "list"}, {"round", "list"}, {"held", "list"}, {"rebuild", "--verify"}} {
		d.do("", args...)
	}
	if status, _, _ := d.try("", "backup", "--to", d.data+".db"); status != statusFailed {
		t.Errorf("backup of PostgreSQL: status %d, want a word on pg_dump", status)
	}
	s.end() // before its database is dropped
}
