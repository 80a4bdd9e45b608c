package survey

import (
	"slices"
	"testing"
)

func TestAClassThatHangsOnAnEstimatedBirthSaysWhose(t *testing.T) {
	j := judgeOf(t, "vn-2021")
	// Two lacks of the house; the third is the one adult out of work, if not retired.
	h := lacking(2).with(w{"m/a/work": "unemployed", "m/a/birth": "1970", "m/a/birth_source": "estimated"})
	if got := j.HangsOnEstimate(read(t, w(h)), AreaRural); !slices.Equal(got, []string{"a"}) {
		t.Errorf("members %v, want a", got)
	}
	for what, change := range map[string]w{
		"a birth from a paper":         {"m/a/birth_source": "birth_certificate"},
		"a class that is given anyway": {"b1_score": 141},
		"a source nobody named":        {"m/a/birth_source": nil},
	} {
		if got := j.HangsOnEstimate(read(t, w(h.with(change))), AreaRural); len(got) > 0 {
			t.Errorf("%s: members %v, want none", what, got)
		}
	}
}

func TestAClassThatWaitsForMeasuringAloneIsToldApart(t *testing.T) {
	h := lacking(2).with(child("c", "2018-01-01", "primary")).with(w{"m/c/stunted": nil, "m/c/underweight": nil})
	for what, c := range map[string]struct {
		change w
		want   bool
	}{
		"nobody was measured":   {nil, true},
		"insurance is open too": {w{"m/c/health_insurance": nil}, false},
		"three lacks anyway":    {w{"internet_use": "no"}, false},
		"one of the two is yes": {w{"m/c/stunted": "yes"}, false},
	} {
		if g := judge(t, h.with(c.change), AreaRural); g.WaitsForMeasuring() != c.want {
			t.Errorf("%s: class %s deciding %v, waits for measuring: %v", what, g.Class, g.Deciding, !c.want)
		}
	}
}
