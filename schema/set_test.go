package schema

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestTheEmbeddedDefinitionsLoad(t *testing.T) {
	s := Builtin()
	for _, name := range []string{"household/2026.1", "vn-2021", "vn-2027", "areas", "ethnic-groups", "official-relations",
		"successions-bach-thong", "published.sum"} {
		if data, err := s.Bytes(name); err != nil || len(data) == 0 {
			t.Errorf("Bytes(%q): %d bytes, %v", name, len(data), err)
		}
	}
	if _, err := s.Bytes("vn-1999"); err == nil {
		t.Error("Bytes of a standard nobody wrote gave no error")
	}
}

// A change of any published byte must be seen here before anybody's tablet sees it.
func TestPublishedSumListsExactlyTheFilesAsTheyAre(t *testing.T) {
	want, err := Sum(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(sumFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("published.sum is\n%s\nthe files give\n%s", got, want)
	}
	if drafts := Builtin().Drafts(); len(drafts) > 0 {
		t.Errorf("embedded but not published: %v", drafts)
	}
}

// The units are promises of the wire (design: questionnaire.md, users-day.md).
func TestEveryPromisedUnitIsThere(t *testing.T) {
	promised := map[string]string{
		"household": `village household_code address phone origin .`,
		"interview": `household round village outcome interest respondent signed review_date head screening/result screening/7 b1_score b1_source
			b1/3 income_per_capita income_source livelihood house_wall house_column house_roof house_area water toilet internet_use means/tv
			means/radio means/desktop means/phone means/laptop means/tablet means/smartphone waste causes/land causes/capital causes/labour
			causes/tools causes/knowledge causes/skills causes/illness causes/other support_wanted/health support_wanted/education
			support_wanted/production support_wanted/credit support_wanted/housing support_wanted/other support_received/health
			support_received/education support_received/production support_received/credit support_received/housing support_received/other
			gps prior_class poor_before status household_size listed indigenous note/0199c0de reply/0199c0de visit/0199c0de notice
			carried/housing registration spoken income/crops income/livestock income/forestry income/fishery income/salt income/wages
			income/business income/remittance income/other entered_from interviewer open/water open/means/tv review/state
			review/note/0199c0de review/memo/0199c0de decision/meeting decision/recognised decision/without_interview .
			m/a/name m/a/birth m/a/sex m/a/relation m/a/ethnicity m/a/id_number m/a/residence m/a/attending m/a/degree m/a/job_certified
			m/a/work m/a/health_insurance m/a/social_assistance m/a/disabled m/a/stunted m/a/underweight m/a/height_cm m/a/weight_kg
			m/a/measured_on m/a/merit m/a/no_labour_capacity m/a/. m/a/birth_source m/a/id_status m/a/insurance_group
			m/a/insurance_number m/a/nutrition_source m/a/measured_by m/a/wants m/a/open/attending`,
		"round":     `name kind standard questionnaire from to area list/01969-03 residents/01969 cut/01969 cut .`,
		"link":      `a b verdict survivor same/0199c0de .`,
		"meeting":   `round village date place chair secretary supervisors representatives present minutes list .`,
		"posting":   `round village from to list result taken_down .`,
		"complaint": `household about who what received recheck answer .`,
		"request":   `household about form received by decided .`,
	}
	q := Builtin().Questionnaires["household/2026.1"]
	for kind, units := range promised {
		for _, unit := range strings.Fields(units) {
			found, ok := q.Question(kind, unit)
			if !ok {
				t.Errorf("%s has no unit %q", kind, unit)
				continue
			}
			if _, _, member := MemberUnit(unit); found.Member != member {
				t.Errorf("%s %q: Member is %v", kind, unit, found.Member)
			}
		}
	}
	for _, unit := range []string{"support/health", "m/a/water", "attending", "means", "nonsense", "b1/", "review/note", "m/a"} {
		if found, ok := q.Question("interview", unit); ok {
			t.Errorf("unit %q must not exist, found %q", unit, found.Unit)
		}
	}
}

func TestCodesOfTheWireAreThoseOfTheDesign(t *testing.T) {
	want := map[string]string{
		"outcome":             "interviewed absent not_found refused moved dissolved",
		"signed":              "screen paper thumbprint refused",
		"screening/result":    "to_form_b stop",
		"b1_source":           "computed points sheet",
		"livelihood":          "agriculture forestry fishery salt other",
		"water":               "tap drilled_well protected_dug_well protected_spring rain bottled unprotected_dug_well unprotected_spring surface other",
		"toilet":              "septic semi_septic pour_flush vip two_compartment other none",
		"waste":               "collected treated_at_home dumped burned other",
		"status":              "draft complete",
		"open/water":          "ask_later dont_know refused",
		"review/state":        "returned approved",
		"m/a/relation":        "head spouse child child_in_law grandchild great_grandchild parent parent_in_law grandparent sibling niece_nephew other_relative unrelated",
		"m/a/work":            "wage_contract wage_no_contract self_employed unemployed studying homemaker retired not_seeking unable",
		"m/a/attending":       "none preschool primary lower_secondary upper_secondary vocational college university",
		"m/a/degree":          "none primary lower_secondary upper_secondary vocational_elementary vocational_intermediate college university",
		"m/a/birth_source":    "id_card birth_certificate household_book stated estimated",
		"m/a/id_status":       "has none old_9_digit not_shown",
		"m/a/insurance_group": "poor near_poor area student work social voluntary other",
		"m/a/.":               "died moved_out married_out split mistake",
	}
	q := Builtin().Questionnaires["household/2026.1"]
	for unit, codes := range want {
		question, _ := q.Question("interview", unit)
		var got []string
		for _, c := range question.Choices {
			got = append(got, c.Value)
		}
		if strings.Join(got, " ") != codes {
			t.Errorf("%s: got %q, want %q", unit, strings.Join(got, " "), codes)
		}
	}
	household, _ := q.Question("household", ".")
	if len(household.Choices) != 5 {
		t.Errorf("household status has %d reasons, want dissolved merged moved_out duplicate mistake", len(household.Choices))
	}
}

func TestEveryWordingHasBothLanguages(t *testing.T) {
	s := Builtin()
	check := func(where string, texts ...Text) {
		for _, text := range texts {
			for _, lang := range []string{"vi", "en"} {
				if text != nil && strings.TrimSpace(text[lang]) == "" {
					t.Errorf("%s has no %q text", where, lang)
				}
			}
		}
	}
	for _, q := range s.Questionnaires {
		for _, k := range q.Kinds {
			check(k.Name, k.Label)
			for _, u := range k.Units {
				if u.Label == nil {
					t.Errorf("%s %s has no label", k.Name, u.Unit)
				}
				check(u.Unit, u.Label, u.Hint, u.Ask)
				for _, c := range u.Choices {
					check(u.Unit+" "+c.Value, c.Label)
				}
				for _, c := range u.Constraints {
					check(u.Unit+" "+c.Code, c.Message)
				}
			}
		}
		for code, m := range q.Messages {
			check(code, m.Text)
		}
	}
	for _, std := range s.Standards {
		for _, i := range std.Indicators {
			check(std.Name+" "+i.Code, i.Label, i.Sentence, i.Open, i.Note)
			for _, answer := range i.ByAnswer {
				check(std.Name+" "+i.Code+" "+answer.Value, answer.Sentence)
			}
		}
		for code, text := range std.Sentences {
			check(std.Name+" "+code, text)
		}
	}
	for _, saying := range catalogue {
		if saying.vi == "" || saying.viDo == "" || saying.en == "" || saying.enDo == "" {
			t.Errorf("a problem text is missing: %+v", saying)
		}
	}
}

func TestWhatTwoVisitsMayDifferInWithoutAConflict(t *testing.T) {
	q := Builtin().Questionnaires["household/2026.1"]
	for _, unit := range []string{"respondent", "signed", "interest", "gps", "visit/x", "notice", "note/x", "carried/roster"} {
		if u, _ := q.Question("interview", unit); u.Policy.Blocking {
			t.Errorf("%s must never block", unit)
		}
	}
	for _, unit := range []string{"address", "phone"} {
		if u, _ := q.Question("household", unit); u.Policy.Blocking {
			t.Errorf("household %s must never block", unit)
		}
	}
	outcome, _ := q.Question("interview", "outcome")
	status, _ := q.Question("interview", "status")
	date, _ := q.Question("interview", "review_date")
	for _, u := range []*Question{outcome, status, date} {
		if u.Policy.Merge != "max" {
			t.Errorf("%s merges by %q, want max", u.Unit, u.Policy.Merge)
		}
	}
	if status.Policy.Rank("complete") <= status.Policy.Rank("draft") {
		t.Error("complete must win over draft (as text it would lose)")
	}
	if got := strings.Join(outcome.Policy.Order, " "); got != "absent not_found refused moved dissolved interviewed" {
		t.Errorf("order of outcome is %q", got)
	}
	if water, _ := q.Question("interview", "water"); water.Policy.Merge != "conflict" || !water.Policy.Blocking {
		t.Error("water must be an ordinary conflict")
	}
}

func TestOnlyTheBoardWritesTheBoardsUnits(t *testing.T) {
	q := Builtin().Questionnaires["household/2026.1"]
	cases := []struct {
		kind, unit, role string
		may              bool
	}{
		{"interview", "water", "enumerator", true},
		{"interview", "note/x", "enumerator", true},
		{"interview", "review/state", "enumerator", false},
		{"interview", "review/note/x", "enumerator", false},
		{"interview", "review/state", "board", true},
		{"interview", "decision/recognised", "village_head", false},
		{"interview", "decision/meeting", "village_head", true},
		{"interview", "listed", "enumerator", false},
		{"interview", "listed", "server", true},
		{"interview", "prior_class", "board", false},
		{"interview", "prior_class", "server", true},
		{"round", "cut/01969", "chairman", false},
		{"complaint", "what", "enumerator", false},
	}
	for _, c := range cases {
		u, ok := q.Question(c.kind, c.unit)
		if !ok || u.MayWrite(c.role) != c.may {
			t.Errorf("%s %s by %s: got %v, want %v", c.kind, c.unit, c.role, !c.may, c.may)
		}
	}
	for _, kind := range []string{"complaint", "request"} {
		if q.Kinds[kind].Scope != "board" {
			t.Errorf("%s records must stay in the board's scope", kind)
		}
	}
}

func TestLegalFiguresAreThoseOfTheSources(t *testing.T) {
	s := Builtin()
	a, b := s.Standards["vn-2021"], s.Standards["vn-2027"]
	if a.Score.Rural != 140 || a.Score.Urban != 175 || a.Income.Rural != 1_500_000 || a.Income.Urban != 2_000_000 {
		t.Errorf("vn-2021 lines: %+v %+v", a.Score, a.Income)
	}
	if b.Score != nil || b.Income.Rural != 2_200_000 || b.Income.Urban != 2_800_000 || b.AverageLiving != nil {
		t.Errorf("vn-2027 lines: %+v %+v %+v", b.Score, b.Income, b.AverageLiving)
	}
	if a.Points != 10 || a.B2Poor != 30 || a.AverageLiving.UpTo.Rural != 2_250_000 || a.AverageLiving.UpTo.Urban != 3_000_000 {
		t.Errorf("vn-2021: points %d, poor from %d, average living %+v", a.Points, a.B2Poor, a.AverageLiving)
	}
	codes := func(std *Standard) (out []string) {
		for n, i := range std.Indicators {
			out = append(out, i.Code)
			if i.Number != n+1 {
				t.Errorf("%s %s has number %d, want %d", std.Name, i.Code, i.Number, n+1)
			}
		}
		return out
	}
	first := strings.Fields("employment dependents nutrition health_insurance adult_education child_schooling housing_quality housing_area water toilet telecom info_means")
	if got := codes(a); !slices.Equal(got, first) {
		t.Errorf("vn-2021 indicators: %v", got)
	}
	if got := codes(b); !slices.Equal(got, append(first[:11:11], "waste")) {
		t.Errorf("vn-2027 indicators: %v", got)
	}
	if !a.InForce("2026-12-31") || a.InForce("2027-01-01") || !b.InForce("2027-01-01") || b.InForce("2031-01-01") {
		t.Error("validity of the standards is wrong at its ends")
	}
	for _, c := range []struct{ year, men, women int }{{2020, 723, 664}, {2021, 723, 664}, {2026, 61*12 + 6, 57 * 12},
		{2027, 61*12 + 9, 57*12 + 4}, {2028, 744, 57*12 + 8}, {2035, 744, 720}, {2060, 744, 720}} {
		if m, w := a.Retirement.Men.Months(c.year), a.Retirement.Women.Months(c.year); m != c.men || w != c.women {
			t.Errorf("retirement in %d: men %d women %d months, want %d and %d", c.year, m, w, c.men, c.women)
		}
	}
}

// What the project does not know must be said wherever it is shown (design: rules.md).
func TestRulesFromMemoryAreMarked(t *testing.T) {
	s := Builtin()
	for _, c := range []struct{ standard, code string }{{"vn-2021", "telecom"}, {"vn-2021", "info_means"}, {"vn-2027", "waste"}, {"vn-2027", "water"}} {
		i, ok := s.Standards[c.standard].Indicator(c.code)
		if !ok || i.Confirmed || i.Confidence != Unconfirmed || i.Note == nil {
			t.Errorf("%s %s must be unconfirmed with a note, is %q", c.standard, c.code, i.Confidence)
		}
	}
	if s.Standards["vn-2021"].Retirement.Confirmed {
		t.Error("the retirement table is from memory")
	}
	if i, _ := s.Standards["vn-2021"].Indicator("health_insurance"); !i.Confirmed {
		t.Error("health_insurance of vn-2021 was read in its source")
	}
	report := Check(os.DirFS("."))
	if len(report.Problems) > 0 || len(report.Unconfirmed) < 20 || report.Set == nil {
		t.Fatalf("check: %d problems, %d unconfirmed", len(report.Problems), len(report.Unconfirmed))
	}
	for _, rule := range report.Unconfirmed {
		if rule.Source == "" || rule.File == "" || rule.Line == 0 || rule.Label.In("vi") == "" {
			t.Errorf("unconfirmed rule without its place: %+v", rule)
		}
	}
}

func TestTextFallsBackToVietnameseThenToAnything(t *testing.T) {
	text := Text{"vi": "Nước", "en": "Water"}
	if text.In("en") != "Water" || text.In("tyz") != "Nước" || (Text{"nut": "x", "hmn": "y"}).In("en") != "y" || Text(nil).In("vi") != "" {
		t.Error("Text.In falls back wrongly")
	}
}
