package demo

import (
	"encoding/json"
	"testing"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

func TestTheCommunesAddUpToThePublishedTotals(t *testing.T) {
	var households, poor, near int
	for _, c := range communes {
		households, poor, near = households+c.households, poor+c.poor, near+c.nearPoor
		if c.poor+c.nearPoor > c.households {
			t.Errorf("commune %s has more poor and near-poor households than households", c.code)
		}
		before, ok := schema.Builtin().Areas.At(c.code, BeforeMerger)
		if !ok || before.Parent != District {
			t.Errorf("%s is not a commune of district %s on %s", c.code, District, BeforeMerger)
		}
		if after, ok := schema.Builtin().Areas.At(c.after, AfterMerger); !ok || after.Parent != "19" {
			t.Errorf("%s is not a commune of Thái Nguyên from %s", c.after, AfterMerger)
		}
	}
	if households != Households || poor != Poor || near != NearPoor {
		t.Errorf("got %d households, %d poor, %d near-poor; want %d, %d, %d", households, poor, near, Households, Poor, NearPoor)
	}
}

func TestEveryMadeUpHouseholdHasTheClassItWasMadeFor(t *testing.T) {
	set := schema.Builtin()
	q := set.Questionnaires[Questionnaire]
	judge, err := survey.NewJudge(set.Standards[Standard], q)
	if err != nil {
		t.Fatal(err)
	}
	_, households := Population(1)
	counts, flips := map[survey.Class]int{}, 0
	for _, h := range households {
		iv := h.interview(t)
		area := survey.AreaType(schema.AreaRural)
		if h.Village.Commune == Town {
			area = schema.AreaUrban
		}
		g := judge.Judge(iv, area, survey.Options{})
		counts[g.Class]++
		if string(g.Class) != h.Class {
			t.Fatalf("household %s of %s: class %s, made for %s; b2 %d..%d, undecided %v", h.Code, h.Village.Code, g.Class, h.Class, g.B2, g.B2Max, g.Undecided)
		}
		if h.Village.Commune == Town && judge.Judge(iv, schema.AreaRural, survey.Options{}).Class != g.Class {
			flips++
		}
		for _, p := range survey.Check(q, iv, "vi") {
			if p.Level == schema.LevelProblem {
				t.Fatalf("household %s: %+v", h.Code, p)
			}
		}
		if h.Class != "not_poor" && h.Listed == "" {
			t.Fatalf("household %s is %s and would not be reviewed by law", h.Code, h.Class)
		}
	}
	if len(households) != Households || counts["poor"] != Poor || counts["near_poor"] != NearPoor {
		t.Errorf("got %d households, %v", len(households), counts)
	}
	if flips == 0 {
		t.Error("nobody in Phủ Thông would change class if the town were judged rural: the demo shows nothing there")
	}
}

func (h *Household) interview(t *testing.T) *survey.Interview {
	t.Helper()
	w := map[string]json.RawMessage{}
	for unit, v := range h.Units() {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		w[unit] = b
	}
	iv, problems := survey.ReadValues(w)
	if len(problems) > 0 {
		t.Fatalf("household %s: %+v", h.Code, problems)
	}
	return iv
}
