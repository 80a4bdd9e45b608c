package survey

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// fullHousehold is a household with all answers: 59 of the household and 4 members.
func fullHousehold(rnd *rand.Rand) map[string]any {
	pick := func(codes ...string) string { return codes[rnd.IntN(len(codes))] }
	yesNo := func() string { return pick("yes", "no") }
	w := map[string]any{
		"household": "0199c0de-0000-7000-8000-0000000000aa", "round": "0199c0de-0000-7000-8000-000000000001",
		"village": "01969-03", "review_date": "2026-10-01", "outcome": "interviewed", "respondent": "m1", "signed": "screen",
		"status": "complete", "household_size": 4, "head": "m1", "b1_score": 100 + rnd.IntN(80), "b1_source": "sheet",
		"income_per_capita": 1000000 + 1000*rnd.IntN(1500), "livelihood": pick("agriculture", "forestry", "other"),
		"house_wall": pick("durable", "non_durable"), "house_column": pick("durable", "non_durable"),
		"house_roof": pick("durable", "non_durable"), "house_area": float64(200+rnd.IntN(400)) / 10,
		"water": pick("tap", "rain", "surface", "unprotected_dug_well"), "toilet": pick("septic", "vip", "none"),
		"internet_use": yesNo(), "waste": pick("collected", "dumped"), "indigenous": yesNo(),
		"gps": map[string]any{"lat": 22.27, "lon": 105.87, "accuracy_m": 8}, ".": "active",
	}
	for _, c := range []string{"tv", "radio", "desktop", "phone", "laptop", "tablet", "smartphone"} {
		w["means/"+c] = yesNo()
	}
	for _, c := range []string{"land", "capital", "labour", "tools", "knowledge", "skills", "illness", "other"} {
		w["causes/"+c] = yesNo()
	}
	for _, c := range []string{"health", "education", "production", "credit", "housing", "other"} {
		w["support_wanted/"+c], w["support_received/"+c] = yesNo(), yesNo()
	}
	for i := range 59 - len(w) {
		w[fmt.Sprintf("carried/s%d", i)] = map[string]any{"n": 3, "of": 5, "at": 1}
	}
	for i, birth := range []string{"1979-02-03", "1981", "2009-11-21", "2018-06-05"} {
		m := fmt.Sprintf("m/m%d/", i+1)
		for unit, v := range map[string]any{
			".": "active", "name": "Nông Văn " + pick("Páo", "Hùng", "Dũng", "Sĩ"), "birth": birth, "sex": pick("male", "female"),
			"relation": []string{"head", "spouse", "child", "child"}[i], "ethnicity": "02", "attending": pick("none", "primary", "upper_secondary"),
			"degree": pick("none", "primary", "upper_secondary"), "job_certified": yesNo(),
			"work": pick("self_employed", "unemployed", "wage_contract"), "health_insurance": yesNo(), "social_assistance": yesNo(),
			"disabled": yesNo(), "stunted": yesNo(), "underweight": yesNo(), "merit": yesNo(), "no_labour_capacity": yesNo(),
		} {
			w[m+unit] = v
		}
	}
	return w
}

func benchInterviews(b *testing.B, n int) []map[string]json.RawMessage {
	rnd := rand.New(rand.NewPCG(1, 2))
	all := make([]map[string]json.RawMessage, n)
	for i := range all {
		all[i] = map[string]json.RawMessage{}
		for unit, v := range fullHousehold(rnd) {
			raw, err := json.Marshal(v)
			if err != nil {
				b.Fatal(err)
			}
			all[i][unit] = raw
		}
	}
	return all
}

func benchLines(b *testing.B, n int) string {
	rnd := rand.New(rand.NewPCG(1, 2))
	var lines strings.Builder
	for i := range n {
		raw, err := json.Marshal(map[string]any{"id": fmt.Sprint(i), "standard": "vn-2021", "area_type": "rural", "w": fullHousehold(rnd)})
		if err != nil {
			b.Fatal(err)
		}
		lines.Write(append(raw, '\n'))
	}
	return lines.String()
}

// BenchmarkClassify is the whole command on one core: lines in, lines out, households with 4 members and all answers.
func BenchmarkClassify(b *testing.B) {
	const n = 500
	lines := benchLines(b, n)
	set := schema.Builtin()
	for metric, reasons := range map[string]bool{"classify_per_s": false, "classify_reasons_per_s": true} {
		b.Run(fmt.Sprintf("reasons=%v", reasons), func(b *testing.B) {
			b.SetBytes(int64(len(lines) / n))
			b.ReportAllocs()
			c := newClassifier(set, "vi")
			c.noWhy = !reasons
			done := 0
			for ; done < b.N; done += n {
				var out bytes.Buffer
				if failed, err := c.run(strings.NewReader(lines), &out); err != nil || failed > 0 {
					b.Fatal(failed, err)
				}
			}
			b.ReportMetric(float64(done)/b.Elapsed().Seconds(), metric)
		})
	}
}

// BenchmarkJudge is the judge alone on interviews already read.
func BenchmarkJudge(b *testing.B) {
	var all []*Interview
	for _, w := range benchInterviews(b, 500) {
		iv, _ := ReadValues(w)
		all = append(all, iv)
	}
	set := schema.Builtin()
	j, err := NewJudge(set.Standards["vn-2021"], set.Questionnaires[NewestQuestionnaire(set)])
	if err != nil {
		b.Fatal(err)
	}
	for metric, o := range map[string]Options{"judge_per_s": {}, "judge_reasons_per_s": {Reasons: true}} {
		b.Run(fmt.Sprintf("reasons=%v", o.Reasons), func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				j.Judge(all[i%len(all)], AreaRural, o)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), metric)
		})
	}
}

// BenchmarkReadValues is one interview of about 120 units made ready.
func BenchmarkReadValues(b *testing.B) {
	all := benchInterviews(b, 100)
	b.ReportAllocs()
	for i := range b.N {
		ReadValues(all[i%len(all)])
	}
}

// BenchmarkReadRecord is one merged record of about 120 units made ready.
func BenchmarkReadRecord(b *testing.B) {
	rec := fieldsync.NewRecord("r", schema.KindInterview)
	a := &author{b, "AAAAAAAAAAA", 0}
	rec.Apply(a.change(rec, "enumerator", fullHousehold(rand.New(rand.NewPCG(1, 2)))))
	q := questionnaire()
	b.ReportAllocs()
	for range b.N {
		ReadRecord(rec, q)
	}
}

// BenchmarkCheck is one complete interview checked from the beginning.
func BenchmarkCheck(b *testing.B) {
	iv, _ := ReadValues(benchInterviews(b, 1)[0])
	q := questionnaire()
	b.ReportAllocs()
	for range b.N {
		Check(q, iv, "vi")
	}
}

// BenchmarkJudgeOpen is a household of which nearly nothing is answered yet, as a tablet judges it after each answer.
func BenchmarkJudgeOpen(b *testing.B) {
	w := w{"review_date": "2026-10-01"}
	for i := range 11 {
		w[fmt.Sprintf("m/m%02d/name", i)] = "Nông Văn Páo"
	}
	iv := read(b, w)
	j := judgeOf(b, "vn-2021")
	b.ReportAllocs()
	for range b.N {
		j.Judge(iv, AreaRural, Options{Reasons: true})
	}
}
