package survey

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

type w = map[string]any

// calm is a rural household of one working adult that lacks nothing: each test changes what it is about.
func calm() w {
	return w{
		"review_date": "2026-10-01", "b1_score": 140, "income_per_capita": 1500000, "livelihood": "agriculture",
		"house_wall": "durable", "house_column": "durable", "house_roof": "durable", "house_area": 80,
		"water": "tap", "toilet": "septic", "internet_use": "yes", "waste": "collected",
		"means/tv": "yes", "means/radio": "no", "means/desktop": "no", "means/phone": "no", "means/laptop": "no",
		"means/tablet": "no", "means/smartphone": "no",
		"m/a/name": "Nông Thị Lan", "m/a/birth": "1986-10-01", "m/a/sex": "female", "m/a/work": "self_employed",
		"m/a/attending": "none", "m/a/degree": "upper_secondary", "m/a/job_certified": "no", "m/a/health_insurance": "yes",
		"m/a/social_assistance": "no", "m/a/disabled": "no",
	}
}

// with changes some units; nil takes one away.
func (base household) with(changes w) household {
	out := maps.Clone(base)
	for k, v := range changes {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = v
	}
	return out
}

type household map[string]any

// child are the units of a healthy child who attends what the age asks for.
func child(id, birth, attending string) w {
	m := "m/" + id + "/"
	return w{
		m + "birth": birth, m + "sex": "male", m + "attending": attending, m + "degree": "none", m + "stunted": "no", m + "underweight": "no",
		m + "health_insurance": "yes", m + "social_assistance": "no", m + "disabled": "no", m + "work": "studying", m + "job_certified": "no",
	}
}

func read(t testing.TB, values w) *Interview {
	t.Helper()
	raw := map[string]json.RawMessage{}
	for unit, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		raw[unit] = b
	}
	iv, problems := ReadValues(raw)
	if len(problems) > 0 {
		t.Fatalf("reading %v: %v", values, problems)
	}
	return iv
}

func judgeOf(t testing.TB, standard string) *Judge {
	t.Helper()
	set := schema.Builtin()
	j, err := NewJudge(set.Standards[standard], questionnaire())
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func questionnaire() *schema.Questionnaire {
	set := schema.Builtin()
	return set.Questionnaires[NewestQuestionnaire(set)]
}

func judge(t testing.TB, values household, area AreaType) *Judgement {
	t.Helper()
	return judgeOf(t, "vn-2021").Judge(read(t, w(values)), area, Options{Reasons: true})
}

// author makes changes to one record as one tablet does.
type author struct {
	t       testing.TB
	replica string
	seq     uint64
}

// change writes values on top of what the author has seen: the heads of rec.
func (a *author) change(rec *fieldsync.Record, role string, values w) *fieldsync.Change {
	a.t.Helper()
	a.seq++
	c := &fieldsync.Change{Dot: fieldsync.Dot{Replica: a.replica, Seq: a.seq}, Record: rec.ID, Kind: rec.Kind, Op: fieldsync.OpEdit,
		Account: a.replica, Role: role, At: int64(a.seq)}
	var units []string
	for unit, v := range values {
		raw, err := json.Marshal(v)
		if err != nil {
			a.t.Fatal(err)
		}
		c.Writes = append(c.Writes, fieldsync.Write{Unit: unit, Value: raw})
		units = append(units, unit)
	}
	c.Parents = rec.ParentsOf(units)
	return c
}

// contested is a record of base in which each unit of open was given its values by people who did not see one another.
func contested(t testing.TB, base household, open map[string][]any) *Interview {
	t.Helper()
	rec := fieldsync.NewRecord("r", schema.KindInterview)
	first := &author{t, "AAAAAAAAAAA", 0}
	rec.Apply(first.change(rec, "enumerator", w(base)))
	before := rec.Clone()
	for unit, values := range open {
		for i, v := range values {
			a := &author{t, fmt.Sprintf("%s %d", unit, i), 0} // each an author who saw none of the others
			rec.Apply(a.change(before, "enumerator", w{unit: v}))
		}
	}
	return ReadRecord(rec, questionnaire())
}
