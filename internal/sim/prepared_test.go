package sim

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// The villages: two of Vi Hương, one of Phủ Thông, as of 2024.
const (
	villageA  = "01975-01"
	villageB  = "01975-02"
	villageC  = "01969-01"
	district  = "063@2024-12-31"
	formName  = "household/2026.1"
	thisRound = "0199c0de-0000-7000-8000-000000000002"
	lastRound = "0199c0de-0000-7000-8000-000000000001"
)

var villages = []string{villageA, villageB, villageC}

// accounts are the enumerators with their villages: en0 and en1 share one, en1 and en2 another.
var accounts = map[string][]string{"en0": {villageA}, "en1": {villageA, villageB}, "en2": {villageB}, "en3": {villageC, villageA}, "canh": {villageC}}

type preparedHouse struct{ id, village string }

// preparedHouses are on last year's list, two people in each.
var preparedHouses = func() (list []preparedHouse) {
	for i := range 9 {
		list = append(list, preparedHouse{fmt.Sprintf("0199c0de-0000-7000-8000-%012x", 0x100+i), villages[i%3]})
	}
	return list
}()

func memberID(house, n int) string {
	return fmt.Sprintf("0199c0de-0000-7000-8001-%012x", 0x1000+16*house+n)
}

// prepared is the folder of a store with villages, accounts, two rounds and households, made once in a process.
var prepared = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp(scratch(), "rasoat-sim-prepared-")
	if err == nil {
		err = prepare(dir)
	}
	if err != nil {
		panic(fmt.Sprintf("prepare the simulated store: %v", err))
	}
	return dir
})

func prepare(dir string) error {
	now := func() time.Time { return time.UnixMilli(epochStart) }
	s, err := central.Open(bg, "sqlite:"+filepath.Join(dir, homeFile), central.Options{Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	var file strings.Builder
	file.WriteString("code,name,parent_code,valid_from,valid_to\n")
	for _, v := range villages {
		fmt.Fprintf(&file, "%s,Thôn %s,%s,2000-01-01,2025-07-01\n", v, v, v[:5])
	}
	if done, err := s.ImportAreas(bg, "", strings.NewReader(file.String())); err != nil || len(done.Rejected) > 0 {
		return fmt.Errorf("villages: %w (%+v)", err, done)
	}
	for i, id := range []string{lastRound, thisRound} {
		year := 2023 + i
		r := central.NewRound{ID: id, Name: fmt.Sprint("Rà soát ", year), Area: district, Standard: "vn-2021", Questionnaire: formName,
			From: fmt.Sprint(year, "-09-01"), To: fmt.Sprint(year, "-12-14")}
		if _, _, err := s.AddRound(bg, "", r); err != nil {
			return err
		}
	}
	for account, areas := range accounts {
		if err := s.AddAccount(bg, "", central.NewAccount{Account: account, Name: account, Role: "enumerator", Areas: areas}); err != nil {
			return err
		}
	}
	if err := s.AddAccount(bg, "", central.NewAccount{Account: "ban", Name: "Ban", Role: "board", Areas: []string{"01975@2024-12-31"}}); err != nil {
		return err
	}
	var changes []central.ActChange
	for i, h := range preparedHouses {
		changes = append(changes, houseChanges(i, h)...)
	}
	if _, err := s.Author(bg, central.Act{Account: "ban", Role: string(survey.Server), Form: formName, Tag: "list", Changes: changes}); err != nil {
		return err
	}
	s.WaitRejudged()
	return s.Close()
}

func houseChanges(i int, h preparedHouse) []central.ActChange {
	last := []fieldsync.Write{write("household", h.id), write("round", lastRound), write("village", h.village), write("house_area", 40+i)}
	for n := range 2 {
		m := memberID(i, n)
		last = append(last, write("m/"+m+"/name", fmt.Sprintf("Người %d.%d", i, n)), write("m/"+m+"/birth", "1980"),
			write("m/"+m+"/relation", []string{"head", "child"}[n]))
	}
	return []central.ActChange{
		{Record: h.id, Kind: "household", Op: fieldsync.OpCreate, Scope: h.village, Writes: []fieldsync.Write{
			write("village", h.village), write("household_code", fmt.Sprint("H", i)), write("address", "Thôn "+h.village)}},
		{Record: fieldsync.InterviewID(lastRound, h.id), Kind: "interview", Op: fieldsync.OpCreate, Scope: h.village, Writes: last},
	}
}

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only texts, numbers and small maps are written
	}
	return b
}

func write(unit string, v any) fieldsync.Write { return fieldsync.Write{Unit: unit, Value: encode(v)} }
