package demo

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/rasoat/rasoat/internal/account"
	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// office is what the commune and the district do before the tablets go out: villages, accounts, the round, last year's list.
type office struct {
	store      *central.Store
	villages   []Village
	households []Household
	round      string // the review of autumn 2024
	lastRound  string // the closed round that stands for the list of the end of 2023
	people     []SignIn
}

// SignIn is an account of the demo, printed so that a newcomer can look around in every role.
type SignIn struct {
	Account, Password, Role, Name string
	Areas                         []string
}

// Password is the password of every console account of the demo: it only opens made-up data on this machine.
const Password = "xem-thu-ra-soat-2024"

// keep leaves out the communes that are not named; no names keep all.
func (o *office) keep(communes []string) {
	if communes == nil {
		return
	}
	o.villages = slices.DeleteFunc(o.villages, func(v Village) bool { return !slices.Contains(communes, v.Commune) })
	o.households = slices.DeleteFunc(o.households, func(h Household) bool { return !slices.Contains(communes, h.Village.Commune) })
}

// prepare fills an empty store.
func (o *office) prepare(ctx context.Context) error {
	for _, step := range []func(context.Context) error{o.addVillages, o.addRounds, o.addAccounts, o.addResidents, o.addHouseholds} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("prepare the demo: %w", err)
		}
	}
	return nil
}

// addVillages imports the villages the way a clerk does, as a CSV.
func (o *office) addVillages(ctx context.Context) error {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	rows := [][]string{{"code", "name", "parent_code", "valid_from", "valid_to"}}
	for _, v := range o.villages {
		rows = append(rows, []string{v.Code, v.Name, v.Commune, "2000-01-01", AfterMerger}, []string{v.Code, v.Name, v.After, AfterMerger, ""})
	}
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	done, err := o.store.ImportAreas(ctx, "", &file)
	if err != nil {
		return err
	}
	if len(done.Rejected) > 0 {
		return fmt.Errorf("%d villages were rejected, the first: %s", len(done.Rejected), done.Rejected[0].Text.In("en"))
	}
	return nil
}

func (o *office) addRounds(ctx context.Context) (err error) {
	last := central.NewRound{Name: "Danh sách cuối năm 2023 (giả lập)", Area: District + "@" + BeforeMerger, Standard: Standard,
		Questionnaire: Questionnaire, From: "2023-09-01", To: "2023-12-14"}
	if o.lastRound, _, err = o.store.AddRound(ctx, "", last); err != nil {
		return err
	}
	now := central.NewRound{Name: "Rà soát định kỳ năm 2024, Bạch Thông (giả lập)", Area: District + "@" + BeforeMerger, Standard: Standard,
		Questionnaire: Questionnaire, From: "2024-09-01", To: "2024-12-14"}
	o.round, _, err = o.store.AddRound(ctx, "", now)
	return err
}

func (o *office) addAccounts(ctx context.Context) error {
	village := o.boardsVillage()
	commune := village.Commune + "@" + BeforeMerger
	o.people = []SignIn{
		{"quantri", Password, "admin", "Quản trị viên", []string{Province + "@" + BeforeMerger}},
		{"huyen", Password, "district", "Cán bộ cấp trên", []string{District + "@" + BeforeMerger}},
		{"chutich", Password, "chairman", "Chủ tịch xã", []string{commune}},
		{"banchidao", Password, "board", "Ban chỉ đạo xã", []string{commune}},
		{"truongthon", Password, "village_head", "Trưởng thôn " + village.Name, []string{village.Code}},
		{"dieutravien", Password, "enumerator", "Điều tra viên " + village.Name, []string{village.Code}},
	}
	hash, err := account.Hash(Password)
	if err != nil {
		return err
	}
	for _, p := range o.people {
		err := o.store.AddAccount(ctx, "", central.NewAccount{Account: p.Account, Name: p.Name, Role: p.Role, Areas: p.Areas, PasswordHash: hash})
		if err != nil {
			return fmt.Errorf("account %s: %w", p.Account, err)
		}
	}
	return nil
}

// boardsVillage is a village of the commune whose board signs in: Vi Hương, where it is part of the run.
func (o *office) boardsVillage() Village {
	at := slices.IndexFunc(o.villages, func(v Village) bool { return v.Commune == ByLaw })
	return o.villages[max(at, 0)]
}

// addResidents enters the denominators: resident households and persons of each village.
func (o *office) addResidents(ctx context.Context) error {
	count := map[string]*central.Residents{}
	for i := range o.households {
		h := &o.households[i]
		n := count[h.Village.Code]
		if n == nil {
			n = &central.Residents{AsOf: "2024-09-01", Source: "Sổ hộ khẩu thôn (giả lập)"}
			count[h.Village.Code] = n
		}
		n.Households++
		n.Persons += int64(len(h.Members))
	}
	var writes []fieldsync.Write
	for _, v := range o.villages {
		writes = append(writes, write("residents/"+v.Code, count[v.Code]))
	}
	return o.act(ctx, central.ActChange{Record: o.round, Kind: "round", Op: fieldsync.OpEdit, Writes: writes})
}

// addHouseholds writes the 8,680 households, who of them is to be reviewed and why, and the members of those on last year's
// list. What a list does not say stays unanswered.
func (o *office) addHouseholds(ctx context.Context) error {
	var changes []central.ActChange
	for i := range o.households {
		h := &o.households[i]
		changes = append(changes, central.ActChange{Record: h.ID, Kind: "household", Op: fieldsync.OpCreate, Scope: h.Village.Code, Writes: []fieldsync.Write{
			write("village", h.Village.Code), write("household_code", h.Code), write("address", "Thôn "+h.Village.Name)}})
		if h.Listed == "last_list" {
			changes = append(changes, o.lastYear(h))
		}
		if why := h.reviewedBecause(); why != "" {
			changes = append(changes, o.toReview(h, why))
		}
	}
	return o.act(ctx, changes...)
}

// reviewedBecause: Vi Hương reviews whom the law names; the other communes take everybody, as a census and a load test.
func (h *Household) reviewedBecause() string {
	if h.Listed == "" && h.Village.Commune != ByLaw {
		return "board"
	}
	return h.Listed
}

func (o *office) toReview(h *Household, why string) central.ActChange {
	writes := []fieldsync.Write{write("household", h.ID), write("round", o.round), write("village", h.Village.Code),
		write("listed", map[string]string{"why": why, "on": "2024-09-01"})}
	if why == "last_list" {
		writes = append(writes, write("prior_class", map[string]string{"class": h.Prior, "number": "00/QĐ-GL", "date": "2023-12-15",
			"ever_poor": yesNo(h.Prior == "poor"), "ever_near_poor": "unknown", "since": "2023"}))
	}
	return central.ActChange{Record: fieldsync.InterviewID(o.round, h.ID), Kind: "interview", Op: fieldsync.OpCreate, Scope: h.Village.Code, Writes: writes}
}

func (o *office) lastYear(h *Household) central.ActChange {
	writes := []fieldsync.Write{write("household", h.ID), write("round", o.lastRound), write("village", h.Village.Code), write("entered_from", "list"),
		write("decision/recognised", map[string]string{"class": h.Prior, "number": "00/QĐ-GL", "date": "2023-12-15"})}
	for _, m := range h.Members {
		for _, unit := range []string{"name", "birth", "sex", "relation", "ethnicity"} {
			writes = append(writes, write("m/"+m.ID+"/"+unit, m.Answers[unit]))
		}
	}
	return central.ActChange{Record: fieldsync.InterviewID(o.lastRound, h.ID), Kind: "interview", Op: fieldsync.OpCreate, Scope: h.Village.Code, Writes: writes}
}

func (o *office) act(ctx context.Context, changes ...central.ActChange) error {
	_, err := o.store.Author(ctx, central.Act{Account: "quantri", Role: string(survey.Server), Form: Questionnaire, Tag: uuid.NewString()[:8], Changes: changes})
	return err
}

func write(unit string, value any) fieldsync.Write {
	b, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("demo: answer of %s: %v", unit, err)) // only texts and numbers are written
	}
	return fieldsync.Write{Unit: unit, Value: b}
}
