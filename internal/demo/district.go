// Package demo tells the whole story on a district one can check: Bạch Thông at the end of 2024, whose totals were
// published (8,680 households, 795 poor, 634 near-poor). The communes and their codes are real; every village, household and
// person is made up by a seeded generator, and how the totals spread over the communes is made up too, for it was never
// published. Nothing here is ever a source about a real family.
//
// It runs the product itself: the central store behind its HTTP handler, tablets on the real tablet store, the real client
// over loopback through a link that drops, repeats and delays. Start reading at story.go; district.go and people.go make the
// population.
package demo

import (
	"fmt"

	"github.com/rasoat/rasoat/schema"
)

// Published totals of Bạch Thông district at the end of 2024 (domain facts 6.1); the number of households follows from the
// published rates: 795 is 9.16 % and 634 is 7.30 % of 8,680.
const (
	Households = 8680
	Poor       = 795
	NearPoor   = 634
)

// Dates and names of the demo's review.
const (
	ReviewDate    = "2024-10-15" // ages are taken on this day
	BeforeMerger  = "2024-12-31" // the geography of the published figures
	AfterMerger   = "2025-07-01" // five new communes
	District      = "063"
	Province      = "06"
	Standard      = "vn-2021"
	Questionnaire = "household/2026.1"
	Town          = "01969" // Thị trấn Phủ Thông, the only urban unit
	ByLaw         = "01975" // Xã Vi Hương: only the last list and those who ask are interviewed, as the law has it
)

// commune is one of the 14 units with its made-up share of the published totals.
type commune struct {
	code           string
	households     int
	poor, nearPoor int
	villages       int
	after          string // the unit it belongs to from 2025-07-01
}

// communes add up to the published totals; TestTheCommunesAddUpToThePublishedTotals says so.
var communes = []commune{
	{"01969", 610, 19, 21, 9, "01969"},
	{"01975", 560, 52, 40, 8, "01969"},
	{"01978", 590, 60, 47, 9, "01981"},
	{"01981", 470, 74, 50, 9, "01981"},
	{"01984", 620, 71, 58, 10, "01849"},
	{"01990", 700, 64, 52, 11, "01969"},
	{"01993", 640, 56, 46, 10, "01969"},
	{"01999", 520, 50, 41, 8, "02008"},
	{"02002", 330, 62, 38, 6, "01981"},
	{"02005", 690, 44, 43, 11, "02008"},
	{"02008", 780, 46, 48, 12, "02008"},
	{"02011", 560, 72, 52, 9, "02008"},
	{"02014", 820, 68, 52, 12, "02014"},
	{"02017", 790, 57, 46, 12, "02014"},
}

// villageNames are common kinds of place names of the region, put together at random; the town has numbered quarters.
var (
	villageFirst = []string{"Nà", "Khuổi", "Bản", "Pác", "Cốc", "Lủng", "Thôm", "Phiêng", "Tổng", "Nậm"}
	villageLast  = []string{"Lầu", "Cù", "Mày", "Hin", "Pùng", "Coóng", "Chom", "Thoi", "Ngoảng", "Xỏm", "Vạc", "Khoang", "Lìu", "Đeng", "Muồng", "Chuông", "Cáy", "Bjoóc", "Sla", "Dường"}
)

// Village is a made-up village and the households that live in it.
type Village struct {
	Code    string
	Name    string
	Commune string
	After   string // commune code from 2025-07-01
}

// Areas returns the village as two rows of the area table: before and after the merger.
func (v Village) Areas() []schema.Area {
	row := schema.Area{Code: v.Code, Level: "village", Name: v.Name, UnitType: "Thôn", Parent: v.Commune, ValidTo: AfterMerger}
	if v.Commune == Town {
		row.UnitType = "Tổ dân phố"
	}
	after := row
	after.Parent, after.ValidFrom, after.ValidTo = v.After, AfterMerger, ""
	return []schema.Area{row, after}
}

func (c commune) villageList(r *random) []Village {
	list := make([]Village, c.villages)
	used := map[string]bool{}
	for i := range list {
		name := fmt.Sprintf("Tổ %d", i+1)
		for c.code != Town && (used[name] || name == fmt.Sprintf("Tổ %d", i+1)) {
			name = pickOne(r, villageFirst) + " " + pickOne(r, villageLast)
		}
		used[name] = true
		list[i] = Village{Code: fmt.Sprintf("%s-%02d", c.code, i+1), Name: name, Commune: c.code, After: c.after}
	}
	return list
}
