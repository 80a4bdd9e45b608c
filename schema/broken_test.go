package schema

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
)

// A small folder without a fault; each case below breaks one thing in it.
const (
	smallQuestionnaire = `name: household/t
title: {vi: "Phiếu", en: "Form"}
writers:
  board_only: [board]
sections:
  - id: house
    title: {vi: "Nhà", en: "House"}
    questions:
      - unit: water
        type: select
        label: {vi: "Nước", en: "Water"}
        choices:
          tap: {vi: "Máy", en: "Tap"}
          other: {vi: "Khác", en: "Other"}
      - unit: income_per_capita
        type: money
        label: {vi: "Thu nhập", en: "Income"}
        show_if: 'water == "tap"'
        constraints:
          - {code: low, broken_when: 'income_per_capita < 5', message: {vi: "Thấp. Xem lại.", en: "Low. Check."}}
      - unit: outcome
        type: select
        merge: max
        order: [no, yes]
        label: {vi: "Kết quả", en: "Outcome"}
        choices: {yes: {vi: "Có", en: "Yes"}, no: {vi: "Không", en: "No"}}
  - id: people
    title: {vi: "Người", en: "People"}
    roster: true
    questions:
      - {unit: school, type: yes_no, asked: 3-30, label: {vi: "Học", en: "School"}}
kinds:
  interview:
    label: {vi: "Phiếu", en: "Interview"}
    units:
      - {unit: review/state, type: text, writers: board_only, label: {vi: "Xem", en: "State"}}
`
	smallStandard = `name: t
title: {vi: "Chuẩn", en: "Standard"}
from: 2022-01-01
to: 2026-12-31
questionnaire: household/t
source: "Luật thử"
confirmed: true
dimensions:
  water: {vi: "Nước", en: "Water"}
lines:
  income: {unit: income_per_capita, rural: 1, urban: 2, source: "Luật thử", confirmed: true}
b2: {points: 10, poor_from: 30, source: "Luật thử", confirmed: true}
retirement:
  men: {first_year: 2021, start: 723, step: 3, end: 744}
  women: {first_year: 2021, start: 664, step: 4, end: 720}
  source: "Luật thử"
  confirmed: false
indicators:
  - code: water
    number: 1
    dimension: water
    label: {vi: "Nước", en: "Water"}
    aggregate: household
    when: 'water == "other"'
    sentence: {vi: "Nước bẩn.", en: "Dirty water."}
    open: {vi: "Chưa rõ.", en: "Not known."}
    source: "Luật thử"
    confirmed: true
`
	smallAreas = "code,level,name,unit_type,parent_code,valid_from,valid_to\n01,province,A,Tỉnh,,,\n00001,commune,B,Xã,01,,2025-07-01\n00001,commune,C,Xã,01,2025-07-01,\n"
	smallCodes = "code,vi,en,list,valid_from,valid_to\na,A,A,x,,\nb,B,B,x,,\n"
)

const (
	fileQ = "questionnaires/household/t.yaml"
	fileS = "standards/t.yaml"
	fileA = "codes/areas.csv"
	fileC = "codes/list.csv"
)

func small() map[string]string {
	return map[string]string{fileQ: smallQuestionnaire, fileS: smallStandard, fileA: smallAreas, fileC: smallCodes}
}

func problemsOf(err error) Problems {
	var problems Problems
	errors.As(err, &problems)
	return problems
}

func folder(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestTheSmallFolderIsWithoutFault(t *testing.T) {
	if _, err := Load(folder(small())); err != nil {
		t.Fatal(err)
	}
}

func TestEachFaultIsToldWithFileAndLine(t *testing.T) {
	for _, c := range []struct {
		code, file, from, to string
		atLine               string // a piece of the line that must be named
	}{
		{"syntax", fileQ, `title: {vi: "Phiếu", en: "Form"}`, `title: {vi: "Phiếu", en: "Form"`, ""},
		{"key_unknown", fileQ, "        type: money", "        type: money\n        colour: red", "colour: red"},
		{"key_unknown", fileQ, `en: "Tap"}`, `en: "Tap", Colour: "red"}`, "tap:"},
		{"key_unknown", fileS, "    number: 1", "    number: 1\n    weight: 2", "weight: 2"},
		{"key_twice", fileQ, "        type: money", "        type: money\n        type: text", "type: text"},
		{"key_missing", fileQ, "      - unit: water\n        type: select", "      - type: select", "- type: select"},
		{"key_missing", fileQ, "kinds:\n  interview:", "kinds:\n  visit:", ""},
		{"key_missing", fileS, "b2: {points: 10, poor_from: 30, source: \"Luật thử\", confirmed: true}\n", "", ""},
		{"shape", fileQ, "          tap: {vi: \"Máy\", en: \"Tap\"}\n          other: {vi: \"Khác\", en: \"Other\"}", "          - tap", "- tap"},
		{"shape", fileQ, "asked: 3-30", "asked: some", "asked: some"},
		{"shape", fileS, "rural: 1,", "rural: many,", "rural: many"},
		{"label_missing", fileQ, `label: {vi: "Nước", en: "Water"}`, `label: {vi: "Nước"}`, `label: {vi: "Nước"}`},
		{"label_missing", fileQ, `other: {vi: "Khác", en: "Other"}`, `other: {en: "Other"}`, "other: {"},
		{"label_missing", fileQ, "        label: {vi: \"Thu nhập\", en: \"Income\"}\n", "", "unit: income_per_capita"},
		{"label_missing", fileS, `open: {vi: "Chưa rõ.", en: "Not known."}`, `open: {vi: "Chưa rõ.", en: ""}`, "open: {"},
		{"label_missing", fileC, "b,B,B,x,,", "b,B,,x,,", "b,B,,x,,"},
		{"value_unknown", fileQ, "type: money", "type: coins", "type: coins"},
		{"value_unknown", fileQ, "board_only: [board]", "board_only: [boss]", "boss"},
		{"value_unknown", fileQ, "writers: board_only,", "writers: anybody,", "writers: anybody"},
		{"value_unknown", fileA, "01,province", "01,county", "01,county"},
		{"name_mismatch", fileQ, "name: household/t", "name: household/u", "name: household/u"},
		{"name_mismatch", fileS, "name: t", "name: u", "name: u"},
		{"unit_twice", fileQ, "unit: outcome", "unit: water", "merge"},
		{"unit_twice", fileQ, "{unit: school,", "{unit: water,", "{unit: water,"},
		{"unit_form", fileQ, "unit: outcome", "unit: Kết quả", "unit: Kết quả"},
		{"expression", fileQ, `'water == "tap"'`, `'water == '`, "show_if"},
		{"expression", fileQ, `'water == "tap"'`, `'water > 3'`, "show_if"},
		{"expression_unit", fileQ, `'water == "tap"'`, `'watr == "tap"'`, "show_if"},
		{"expression_unit", fileQ, `'water == "tap"'`, `'school == "yes"'`, "show_if"},
		{"expression_unit", fileS, `'water == "other"'`, `'watr == "other"'`, "when:"},
		{"expression_unit", fileS, "unit: income_per_capita,", "unit: money,", "unit: money"},
		{"expression_type", fileQ, `'water == "tap"'`, `'water'`, "show_if"},
		{"expression_code", fileQ, `'water == "tap"'`, `'water == "tab"'`, "show_if"},
		{"expression_code", fileS, `'water == "other"'`, `'water in ["tap", "othr"]'`, "when:"},
		{"expression_cost", fileQ, `'water == "tap"'`, `'water == "tap"` + strings.Repeat(` && water == "tap"`, 200) + `'`, "show_if"},
		{"cycle", fileQ, "      - unit: water\n        type: select", "      - unit: water\n        show_if: 'income_per_capita > 5'\n        type: select", "unit: water"},
		{"cycle", fileQ, `'water == "tap"'`, `'income_per_capita > 5'`, "unit: income_per_capita"},
		{"cycle", fileQ, "      - unit: water\n        type: select", "      - unit: water\n        show_if: may_be_poor\n        type: select", "unit: water"},
		{"constraint_message", fileQ, `, message: {vi: "Thấp. Xem lại.", en: "Low. Check."}`, "", "code: low"},
		{"choices_missing", fileQ, "        choices:\n          tap: {vi: \"Máy\", en: \"Tap\"}\n          other: {vi: \"Khác\", en: \"Other\"}\n", "", "unit: water"},
		{"code_list_unknown", fileQ, "unit: outcome\n", "unit: outcome\n        code_list: colours\n", "unit: outcome"},
		{"order", fileQ, "order: [no, yes]", "order: [no]", "unit: outcome"},
		{"order", fileQ, "order: [no, yes]", "order: [no, yes, maybe]", "unit: outcome"},
		{"dimension_unknown", fileS, "dimension: water", "dimension: fire", "- code: water"},
		{"aggregate", fileS, "aggregate: household", "aggregate: most", "aggregate: most"},
		{"aggregate", fileS, "aggregate: household", "aggregate: share > 3/2", "aggregate: share"},
		{"aggregate", fileS, "aggregate: household", "aggregate: share", "aggregate: share"},
		{"sentence_mark", fileS, `vi: "Nước bẩn."`, `vi: "Nước {colour}."`, "sentence:"},
		{"sentence_mark", fileS, "    open:", "    by_answer:\n      water: {other: {vi: \"{colour}\", en: \"{count}\"}}\n    open:", "water: {other"},
		{"expression_unit", fileS, "    open:", "    by_answer:\n      toilet: {none: {vi: \"x\", en: \"x\"}}\n    open:", "toilet: {none"},
		{"expression_code", fileS, "    open:", "    by_answer:\n      water: {fountain: {vi: \"x\", en: \"x\"}}\n    open:", "water: {fountain"},
		{"source_missing", fileS, "source: \"Luật thử\"\n    confirmed: true\n", "source: \"Luật thử\"\n", "- code: water"},
		{"source_missing", fileQ, "        type: money", "        type: money\n        confirmed: false", "unit: income_per_capita"},
		{"validity", fileS, "to: 2026-12-31", "to: 2021-12-31", "name: t"},
		{"validity", fileA, "C,Xã,01,2025-07-01,", "C,Xã,01,2025-07-32,", "2025-07-32"},
		{"questionnaire_unknown", fileS, "questionnaire: household/t", "questionnaire: household/u", "name: t"},
		{"csv", fileA, "01,province,A,Tỉnh,,,", "01,province,A", "01,province,A"},
		{"csv", fileA, "parent_code", "parent", "code,level"},
		{"code_twice", fileA, "00001,commune,C,Xã,01,2025-07-01,", "00001,commune,C,Xã,01,2025-06-30,", "2025-06-30,"},
		{"code_twice", fileC, "b,B,B,x,,", "a,B,B,x,,", "a,B,B"},
		{"parent_unknown", fileA, "00001,commune,B,Xã,01", "00001,commune,B,Xã,02", "B,Xã,02"},
	} {
		files := small()
		if !strings.Contains(files[c.file], c.from) {
			t.Fatalf("%s: the fixture has no %q", c.code, c.from)
		}
		files[c.file] = strings.Replace(files[c.file], c.from, c.to, 1)
		line := 0
		for n, text := range strings.Split(files[c.file], "\n") {
			if c.atLine != "" && line == 0 && strings.Contains(text, c.atLine) {
				line = n + 1
			}
		}
		if c.atLine == "merge" { // the second of two questions with one name
			line = strings.Count(files[c.file][:strings.LastIndex(files[c.file], "unit: water")], "\n") + 1
		}
		_, err := Load(folder(files))
		problems := problemsOf(err)
		found := false
		for _, p := range problems {
			if p.Code == c.code && p.File == c.file && (line == 0 || p.Line == line) && p.What.In("vi") != "" && p.Do.In("en") != "" &&
				!strings.Contains(p.In("en")+p.In("vi"), "%!") {
				found = true
			}
		}
		if !found {
			t.Errorf("%q → %q: want %s at %s:%d, got:\n%v", c.from, c.to, c.code, c.file, line, err)
		}
	}
}

func TestAllFaultsAreToldNotOnlyTheFirst(t *testing.T) {
	files := small()
	files[fileQ] = strings.NewReplacer("type: money", "type: coins", `en: "Tap"`, `en: ""`, `"Outcome"`, `""`).Replace(files[fileQ])
	files[fileS] = strings.Replace(files[fileS], "aggregate: household", "aggregate: most", 1)
	files[fileC] = "code,vi,en,list,valid_from,valid_to\na,A,A,x,,\na,A,A,x,,\n"
	_, err := Load(folder(files))
	problems := problemsOf(err)
	codes := map[string]int{}
	for _, p := range problems {
		codes[p.Code]++
	}
	if codes["value_unknown"] == 0 || codes["label_missing"] != 2 || codes["aggregate"] != 1 || codes["code_twice"] != 1 {
		t.Errorf("got %v:\n%v", codes, err)
	}
}

func TestACircleOfConditionsNamesItsQuestions(t *testing.T) {
	files := small()
	files[fileQ] = strings.Replace(files[fileQ], "      - unit: water\n", "      - unit: water\n        show_if: 'outcome == \"yes\"'\n", 1)
	files[fileQ] = strings.Replace(files[fileQ], "      - unit: outcome\n", "      - unit: outcome\n        show_if: 'income_per_capita > 5'\n", 1)
	_, err := Load(folder(files))
	if err == nil || !strings.Contains(err.Error(), "water → outcome → income_per_capita → water") {
		t.Errorf("got %v", err)
	}
	if n := strings.Count(fmt.Sprint(err), "circle:"); n != 1 {
		t.Errorf("one circle told %d times: %v", n, err)
	}
}

func TestAQuestionMayDependOnALaterOrHiddenOne(t *testing.T) {
	files := small()
	files[fileQ] = strings.Replace(files[fileQ], "      - unit: water\n", "      - unit: water\n        show_if: 'outcome == \"yes\"'\n", 1)
	if _, err := Load(folder(files)); err != nil {
		t.Error(err)
	}
}

func TestAPublishedFileIsNeverEditedOrDeleted(t *testing.T) {
	files := small()
	sum, err := Sum(folder(files))
	if err != nil {
		t.Fatal(err)
	}
	files[sumFile] = string(sum)
	if _, err := Load(folder(files)); err != nil {
		t.Fatal(err)
	}
	expect := func(what, code, file string) {
		t.Helper()
		_, loadErr := Load(folder(files))
		problems := problemsOf(loadErr)
		if len(problems) != 1 || problems[0].Code != code || problems[0].File != file {
			t.Errorf("%s: got %v, want %s in %s", what, loadErr, code, file)
		}
		if _, err := Sum(folder(files)); err == nil {
			t.Errorf("%s: Sum published it all the same", what)
		}
	}
	files[fileS] = strings.Replace(files[fileS], "rural: 1,", "rural: 9,", 1)
	expect("edited", "published_changed", fileS)
	delete(files, fileS)
	expect("deleted", "published_missing", fileS)
	files[fileS] = smallStandard
	files[sumFile] += "nonsense\n"
	expect("malformed list", "sum_line", sumFile)

	files[sumFile] = string(sum)
	files["codes/more.csv"] = smallCodes
	s, err := Load(folder(files))
	if err != nil || len(s.Drafts()) != 1 || s.Drafts()[0] != "codes/more.csv" {
		t.Fatalf("a new file must load as a draft: %v", err)
	}
	next, err := Sum(folder(files))
	if err != nil || !strings.Contains(string(next), "codes/more.csv") || len(next) <= len(sum) {
		t.Errorf("publishing the new file: %v\n%s", err, next)
	}
}

func TestAnEmptyFolderSaysWhatIsMissing(t *testing.T) {
	report := Check(fstest.MapFS{})
	if report.Set != nil || len(report.Problems) != 1 || report.Problems[0].Code != "empty" {
		t.Errorf("got %v", report.Problems)
	}
}

func TestAFileOverTheLimitIsNotRead(t *testing.T) {
	for size, refused := range map[int]bool{maxYAML: false, maxYAML + 1: true} {
		files := small()
		files[fileQ] = smallQuestionnaire + strings.Repeat("#", size-len(smallQuestionnaire))
		if _, err := Load(folder(files)); (err != nil) != refused {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// A unit keeps its type for ever, over all versions of the questionnaire.
func TestAUnitIsNeverRetypedInALaterVersion(t *testing.T) {
	files := small()
	next := strings.Replace(smallQuestionnaire, "name: household/t", "name: household/u", 1)
	files["questionnaires/household/u.yaml"] = strings.Replace(next, "          other: {vi", "          well: {vi: \"Giếng\", en: \"Well\"}\n          other: {vi", 1)
	s, err := Load(folder(files))
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := s.Vars.Lookup("water"); len(v.Domain) != 3 {
		t.Errorf("a new code of a later version must widen the domain, got %v", v.Domain)
	}
	files["questionnaires/household/u.yaml"] = strings.Replace(next, "type: money", "type: text", 1)
	_, err = Load(folder(files))
	if err == nil || !strings.Contains(err.Error(), "never retyped") {
		t.Errorf("got %v", err)
	}
}

// Whatever an editor does to a file, the loader answers with problems, never with a panic.
func TestDamagedFilesNeverPanic(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 2))
	for range 400 {
		files := small()
		name := []string{fileQ, fileS, fileA, fileC}[r.IntN(4)]
		lines := strings.Split(files[name], "\n")
		for range 1 + r.IntN(3) {
			i, j := r.IntN(len(lines)), r.IntN(len(lines))
			switch r.IntN(5) {
			case 0:
				lines[i] = ""
			case 1:
				lines[i], lines[j] = lines[j], lines[i]
			case 2:
				lines[i] = lines[i][:r.IntN(len(lines[i])+1)]
			case 3:
				lines[i] = "  " + lines[i]
			case 4:
				lines[i] += []string{" *x", " &x", ": :", " - ", "\x00", " {", " null"}[r.IntN(7)]
			}
		}
		files[name] = strings.Join(lines, "\n")
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Fatalf("seed %d: %v on %s:\n%s", seed, p, name, files[name])
				}
			}()
			Check(folder(files))
		}()
	}
}
