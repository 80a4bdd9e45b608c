package tablet

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Member is one person of the roster as the form lists it: people of this round, and those of the last round who are still to
// be settled.
type Member struct {
	ID       string
	Name     string
	Birth    string
	Sex      string
	Relation string
	Removed  string // why the person left; "" while in the household
	LastYear bool   // was a member in the last round's interview
	Settled  bool   // this round says of the person whether they are here
}

// Removal says why a person is no longer a member.
type Removal struct {
	Why    string // died moved_out married_out split mistake
	To     string // household id or place
	On     string // YYYY-MM-DD
	Reason string // in the author's words; kept with the change
}

var removals = []string{"died", "moved_out", "married_out", "split", "mistake"}

// Roster lists the people of this round in the order they were added, those of the last round first.
func (f *Form) Roster() []Member {
	f.s.lock()
	defer f.s.unlock()
	return f.roster()
}

func (f *Form) roster() []Member {
	lastYear := f.lastMembers()
	now := map[string]bool{}
	f.iv.EachUnit(func(unit string, _ []fieldsync.Head) { noteMember(now, unit) })
	for unit := range f.draft[f.interview] {
		noteMember(now, unit)
	}
	ids := slices.Clone(lastYear)
	for _, id := range sortedKeys(now) {
		if !slices.Contains(lastYear, id) {
			ids = append(ids, id)
		}
	}
	var out []Member
	for _, id := range ids {
		if m, ok := f.member(id, slices.Contains(lastYear, id)); ok {
			out = append(out, m)
		}
	}
	return out
}

func noteMember(ids map[string]bool, unit string) {
	if id, _, ok := schema.MemberUnit(unit); ok {
		ids[id] = true
	}
}

// lastMembers are the members of the last round's interview, by id: ids carry the time they were made, so that is the order
// they were added in.
func (f *Form) lastMembers() []string {
	if f.last == nil {
		return nil
	}
	ids := map[string]bool{}
	f.last.EachUnit(func(unit string, _ []fieldsync.Head) { noteMember(ids, unit) })
	var out []string
	for _, id := range sortedKeys(ids) {
		if removedWhy(f.lastYear("m/"+id+"/.")) == "" && f.lastHas(id) {
			out = append(out, id)
		}
	}
	return out
}

func (f *Form) lastHas(id string) bool {
	has := false
	f.last.EachUnit(func(unit string, _ []fieldsync.Head) {
		has = has || strings.HasPrefix(unit, "m/"+id+"/") && f.lastYear(unit) != nil
	})
	return has
}

// member gathers what is shown of a person; a name nobody confirmed this round is the last round's. A member exists when any
// unit has a value (questionnaire.md section 4).
func (f *Form) member(id string, lastYear bool) (Member, bool) {
	get := func(unit string) string {
		if a := f.value(f.interview, "m/"+id+"/"+unit); a.Value != nil {
			return a.Text()
		}
		return asText(f.lastYear("m/" + id + "/" + unit))
	}
	m := Member{ID: id, Name: get("name"), Birth: get("birth"), Sex: get("sex"), Relation: get("relation"), LastYear: lastYear}
	m.Settled = f.memberWritten(id)
	m.Removed = removedWhy(f.status(id))
	return m, lastYear || m.Settled
}

// status is the member's "." as the form shows it, with what would be written along with drafts.
func (f *Form) status(id string) json.RawMessage {
	if row, ok := f.draft[f.interview]["m/"+id+"/."]; ok {
		return row.Value
	}
	return f.value(f.interview, "m/"+id+"/.").Value
}

// memberWritten tells whether this round says anything of the person.
func (f *Form) memberWritten(id string) bool {
	prefix, has := "m/"+id+"/", false
	for unit, row := range f.draft[f.interview] {
		has = has || strings.HasPrefix(unit, prefix) && string(row.Value) != "null"
	}
	f.iv.EachUnit(func(unit string, heads []fieldsync.Head) {
		if strings.HasPrefix(unit, prefix) {
			for _, h := range heads {
				has = has || string(h.Value) != "null"
			}
		}
	})
	return has
}

// removedWhy is the reason inside {"s":"removed","why":…} or {"s":"deleted",…}; "" for active.
func removedWhy(v json.RawMessage) string {
	var status struct {
		S   string `json:"s"`
		Why string `json:"why"`
	}
	if len(v) == 0 || v[0] != '{' || json.Unmarshal(v, &status) != nil || (status.S != "removed" && status.S != "deleted") {
		return ""
	}
	if status.Why == "" {
		return status.S
	}
	return status.Why
}

// AddMember adds a person and returns the id, which is theirs for ever. At the limit of members it is refused.
func (f *Form) AddMember(ctx context.Context) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	f.s.lock()
	defer f.s.unlock()
	return id.String(), f.adopt(ctx, id.String(), nil)
}

// room refuses answers that would make more members than a household may have.
func (f *Form) room(rec string, answers []answer) error {
	if rec != f.interview || f.q.Limits.Members == 0 {
		return nil
	}
	comes := map[string]bool{}
	for _, a := range answers {
		id, rest, ok := schema.MemberUnit(a.unit)
		switch {
		case !ok:
		case rest == "." && removedWhy(a.value) != "":
			comes[id] = false
		case !f.memberWritten(id) || (rest == "." && removedWhy(f.status(id)) != ""):
			if _, leaves := comes[id]; !leaves {
				comes[id] = true
			}
		}
	}
	n := 0
	for _, is := range comes {
		if is {
			n++
		}
	}
	if limit := f.q.Limits.Members; n > 0 && f.active()+n > limit {
		return problem("members_limit", "", "limit", fmt.Sprint(limit))
	}
	return nil
}

// adopt writes a person as a member, with answers known of them.
func (f *Form) adopt(ctx context.Context, id string, known []answer) error {
	return f.save(ctx, f.interview, append([]answer{{unit: "m/" + id + "/.", value: Text("active")}}, known...))
}

// active counts the members of this round.
func (f *Form) active() (n int) {
	for _, m := range f.roster() {
		if m.Settled && m.Removed == "" {
			n++
		}
	}
	return n
}

// ConfirmMember settles that a person of the last round is still here: the answers that may be carried are written again as
// this round's, by this person, today.
func (f *Form) ConfirmMember(ctx context.Context, id string) error {
	f.s.lock()
	defer f.s.unlock()
	if !slices.Contains(f.lastMembers(), id) && !f.memberWritten(id) {
		return problem("no_member", "")
	}
	var answers []answer
	for _, section := range f.q.Sections {
		if section.Roster && section.Carry {
			answers = append(answers, f.offered(section, id)...)
		}
	}
	return f.adoptKnown(ctx, id, answers)
}

// adoptKnown is adopt for a person who may already count as a member.
func (f *Form) adoptKnown(ctx context.Context, id string, answers []answer) error {
	if f.memberWritten(id) && removedWhy(f.status(id)) == "" {
		return f.save(ctx, f.interview, answers)
	}
	return f.adopt(ctx, id, answers)
}

// RemoveMember settles that a person is no longer a member, and why.
func (f *Form) RemoveMember(ctx context.Context, id string, r Removal) error {
	f.s.lock()
	defer f.s.unlock()
	return f.remove(ctx, id, r)
}

func (f *Form) remove(ctx context.Context, id string, r Removal) error {
	if !slices.Contains(removals, r.Why) {
		return problem("removal_reason", "m/"+id+"/.")
	}
	if !slices.Contains(f.lastMembers(), id) && !f.memberWritten(id) {
		return problem("no_member", "m/"+id+"/.")
	}
	value := map[string]any{"s": "removed", "why": r.Why}
	if r.To != "" {
		value["to"] = r.To
	}
	if r.On != "" {
		value["on"] = r.On
	}
	return f.save(ctx, f.interview, []answer{{unit: "m/" + id + "/.", value: Object(value), why: clip(cmp.Or(r.Reason, r.Why), 200)}})
}

var endings = []string{"dissolved", "merged", "moved_out", "duplicate", "mistake"}

// EndHousehold says that the household is no more, and why: dissolved, merged (nhập hộ) or moved_out with where to, duplicate,
// mistake. It stays readable everywhere; against an edit the author had not seen it is a conflict that the board decides.
func (f *Form) EndHousehold(ctx context.Context, r Removal) error {
	if !slices.Contains(endings, r.Why) {
		return problem("ending_reason", ".")
	}
	f.s.lock()
	defer f.s.unlock()
	value := map[string]any{"s": "deleted", "why": r.Why}
	if r.To != "" {
		value["to"] = r.To
	}
	return f.save(ctx, f.household, []answer{{unit: ".", value: Object(value), why: clip(cmp.Or(r.Reason, r.Why), 200)}})
}

// Split is "tách hộ": the given people leave and become a new household in the village, with their ids and the answers that
// may be carried; each household says where the other is. The new household's form is returned.
func (f *Form) Split(ctx context.Context, members []string, village string) (*Form, error) {
	known, err := f.leaving(members)
	if err != nil {
		return nil, err
	}
	to, err := f.s.NewHousehold(ctx, f.round.ID, village)
	if err != nil {
		return nil, err
	}
	f.s.lock()
	defer f.s.unlock()
	origin := Object(map[string]any{"how": "split", "from": f.household})
	if err := to.save(ctx, to.household, []answer{{unit: "origin", value: origin}}); err != nil {
		return nil, err
	}
	for _, id := range members {
		if err := to.adopt(ctx, id, known[id]); err != nil {
			return nil, err
		}
		if err := f.remove(ctx, id, Removal{Why: "split", To: to.household}); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// leaving gathers what this form says of people who are about to leave.
func (f *Form) leaving(members []string) (map[string][]answer, error) {
	f.s.lock()
	defer f.s.unlock()
	known := map[string][]answer{}
	for _, id := range members {
		if !slices.Contains(f.lastMembers(), id) && !f.memberWritten(id) {
			return nil, problem("no_member", "")
		}
		known[id] = []answer{}
		for _, section := range f.q.Sections {
			for _, q := range section.Questions {
				if q.Member && q.Carry && q.Unit != "relation" && !strings.Contains(q.Unit, "*") {
					known[id] = append(known[id], f.memberAnswer(q, id)...)
				}
			}
		}
	}
	return known, nil
}

func (f *Form) memberAnswer(q *schema.Question, id string) []answer {
	unit := "m/" + id + "/" + q.Unit
	v := f.value(f.interview, unit).Value
	if v == nil {
		v = f.lastYear(unit)
	}
	if v == nil {
		return nil
	}
	return []answer{{unit: unit, value: v}}
}
