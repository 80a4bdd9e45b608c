package central

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/rasoat/rasoat/internal/central/centraltest"
	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// The size of the province in the benchmark of totals: villages × copies households.
const (
	totalVillages = 2500
	totalCopies   = 120
)

// bigProvince is a province of 300,000 interviewed households: one in each village comes the way every household comes; the
// rest are copies of its record, and the counters are multiplied by as much.
func bigProvince(b *testing.B, s *Store) (round string) {
	ctx := context.Background()
	villages := provinceVillages(b, s)
	round = newID()
	_, _, err := s.AddRound(ctx, "", NewRound{ID: round, Area: province + "@" + onDay, Standard: "vn-2021", Questionnaire: form, From: "2024-09-01", To: "2024-12-14"})
	must(b, err)
	x := newTab(b, s, "en-province", "enumerator", villages...)
	r := rand.New(rand.NewPCG(1, 1))
	for _, v := range villages {
		x.household(v, round, benchInterview(r)...)
	}
	for from := 1; from <= len(x.log); from += 256 {
		_, err := s.Push(ctx, x.dev, x.segment(from, min(from+255, len(x.log))))
		must(b, err)
	}
	must(b, s.Update(ctx, func(tx *sql.Tx) error { return multiply(tx, totalCopies) }))
	return round
}

// multiply copies every interview's record and multiplies the counters.
func multiply(tx *sql.Tx, by int) error {
	if _, err := tx.Exec(`INSERT INTO record (` + rowColumns + `) SELECT rec || '-' || n.n, ` + rowColumns[len("rec, "):] + fmt.Sprintf(`
		FROM record, (WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < %d) SELECT n FROM n) n WHERE kind = 'interview'`, by-1)); err != nil {
		return err
	}
	for _, column := range counterColumns {
		if _, err := tx.Exec(fmt.Sprintf("UPDATE counter SET %[1]s = %[1]s * %[2]d", column, by)); err != nil {
			return err
		}
	}
	return nil
}

func provinceVillages(b *testing.B, s *Store) (codes []string) {
	var communes []schema.Area
	for _, a := range s.Areas().Below(province, onDay) {
		if a.Level == schema.LevelCommune {
			communes = append(communes, a)
		}
	}
	var list []schema.Area
	for i := range totalVillages {
		c := communes[i%len(communes)]
		code := fmt.Sprintf("%s-%03d", c.Code, 100+i/len(communes))
		codes = append(codes, code)
		list = append(list, schema.Area{Code: code, Level: schema.LevelVillage, Name: "Thôn " + code, Parent: c.Code, ValidFrom: "2020-01-01", ValidTo: "2025-07-01"})
	}
	must(b, s.AddAreas(context.Background(), list))
	return codes
}

// benchTotals reports how long a district's table of totals takes in a province of 300,000 households, and checks it against
// a recount of the records.
func benchTotals(b *testing.B, s *Store, metric string) {
	ctx := context.Background()
	round := bigProvince(b, s)
	var took []float64
	var t *Totals
	for b.Loop() {
		start := time.Now()
		var err error
		t, err = s.Totals(ctx, TotalsQuery{Round: round, Area: district})
		must(b, err)
		took = append(took, time.Since(start).Seconds()*1000)
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2], metric)
	poor := int64(0)
	must(b, s.View(ctx, func(tx *sql.Tx) error {
		in := map[string]bool{}
		for _, v := range t.Sum.Villages {
			in[v] = true
		}
		return eachRow(ctx, tx, "SELECT area, count(*) FROM record WHERE kind = 'interview' AND class = $1 GROUP BY area", []any{string(survey.Poor)}, func(rows *sql.Rows) error {
			var area string
			var n int64
			err := rows.Scan(&area, &n)
			if in[area] {
				poor += n
			}
			return err
		})
	}))
	if t.Sum.Poor != poor || poor == 0 || t.Sum.Interviewed < 30_000 {
		b.Errorf("the district's totals say %d poor of %d, a recount %d", t.Sum.Poor, t.Sum.Interviewed, poor)
	}
}

func BenchmarkTotalsSQLite(b *testing.B) { benchTotals(b, openAt(b, sqliteURL(b)), "totals_300k_ms") }

func BenchmarkTotalsPostgres(b *testing.B) {
	benchTotals(b, openAt(b, centraltest.PostgresURL(b)), "totals_300k_postgres_ms")
}
