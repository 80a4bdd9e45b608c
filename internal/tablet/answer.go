package tablet

import (
	"encoding/json"
	"time"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// Answer is what a form shows for one question.
type Answer struct {
	Value json.RawMessage // nil when unanswered; provisional while there is a conflict
	Draft bool            // typed here and not yet part of a change
	Said  []Said          // the snapshot's live values when they differ, the provisional one first; also beside a draft
	By    Said            // who gave the snapshot's value
}

// Said is one value and who gave it.
type Said struct {
	Value   json.RawMessage
	Account string
	Role    string
	At      time.Time // by the author's clock
	Why     string
	Own     bool // by this tablet's account
}

// Conflict tells whether people gave different values and nobody has decided, here or elsewhere.
func (a Answer) Conflict() bool { return len(a.Said) > 1 && !a.Draft }

// Text is the value as text: a text's content, else its JSON; "" when unanswered.
func (a Answer) Text() string {
	if text := asText(a.Value); text != "" || len(a.Value) == 0 || a.Value[0] == '"' {
		return text
	}
	return string(a.Value)
}

// Value is what the form shows for a question of the interview.
func (f *Form) Value(unit string) Answer {
	f.s.lock()
	defer f.s.unlock()
	return f.value(f.interview, unit)
}

// HouseholdValue is what the form shows for a question of the household's record.
func (f *Form) HouseholdValue(unit string) Answer {
	f.s.lock()
	defer f.s.unlock()
	a := f.value(f.household, unit)
	if unit == "village" && a.Value == nil && f.village != "" {
		a.Value = Text(f.village)
	}
	return a
}

func (f *Form) value(rec, unit string) Answer {
	var a Answer
	look := f.record(rec).Look(unit, f.pol)
	for i, h := range look.Values {
		said := f.s.said(f.record(rec), h)
		if i == 0 {
			a.By, a.Value = said, said.Value
		}
		if len(look.Values) > 1 {
			a.Said = append(a.Said, said)
		}
	}
	if row, ok := f.draft[rec][unit]; ok && !row.Aux {
		a.Value, a.Draft = row.Value, true
	}
	if string(a.Value) == "null" {
		a.Value = nil
	}
	return a
}

func (s *Store) said(rec *fieldsync.Record, h fieldsync.Head) Said {
	by := rec.Author(h.Dot)
	return Said{Value: h.Value, Account: by.Account, Role: by.Role, At: time.UnixMilli(by.At), Why: by.Why,
		Own: by.Account == s.me.Account && s.feedOf(h.Dot.Replica) != nil}
}

// LastYear is the answer of the last round's interview, nil when there was none. It is shown beside the question and never
// copied without being confirmed.
func (f *Form) LastYear(unit string) json.RawMessage {
	f.s.lock()
	defer f.s.unlock()
	return f.lastYear(unit)
}

func (f *Form) lastYear(unit string) json.RawMessage {
	if f.last == nil {
		return nil
	}
	look := f.last.Look(unit, f.pol)
	if len(look.Values) == 0 || string(look.Values[0].Value) == "null" {
		return nil
	}
	return look.Values[0].Value
}
