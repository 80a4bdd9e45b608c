package tablet

import (
	"context"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// CarryOffer is how many of the section's answers of the last round "unchanged, confirm" would write, of how many it has:
// what cannot be assumed a year later, and what was already answered this round, is left to be asked.
func (f *Form) CarryOffer(section string) (n, of int) {
	f.s.lock()
	defer f.s.unlock()
	answers, of := f.offer(section)
	return len(answers), of
}

// ConfirmSection writes the section's answers of the last round again, as this round's, by this person, today, and notes in
// carried/<section> how many, so that the board can tell a confirmed answer from a fresh one. It returns how many it wrote.
func (f *Form) ConfirmSection(ctx context.Context, section string) (int, error) {
	f.s.lock()
	defer f.s.unlock()
	answers, of := f.offer(section)
	if len(answers) == 0 {
		return 0, nil
	}
	carried := Object(map[string]any{"n": len(answers), "of": of, "at": f.s.now().UnixMilli()})
	all := append(answers, answer{unit: "carried/" + section, value: carried})
	if err := f.save(ctx, f.interview, all); err != nil {
		return 0, err
	}
	return len(answers), nil
}

// offer gathers a section's answers that may be confirmed, and counts all it has of the last round.
func (f *Form) offer(id string) (answers []answer, of int) {
	for _, section := range f.q.Sections {
		if section.ID != id || f.last == nil {
			continue
		}
		members := []string{""}
		if section.Roster {
			members = f.staying()
		}
		for _, member := range members {
			answers = append(answers, f.offered(section, member)...)
			for _, q := range leaves(section) {
				if f.lastYear(unitOf(q, member)) != nil {
					of++
				}
			}
		}
	}
	return answers, of
}

// staying are the members of the last round this round has settled as still here.
func (f *Form) staying() (ids []string) {
	for _, m := range f.roster() {
		if m.LastYear && m.Settled && m.Removed == "" {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// offered are the answers of one section (of one member in a roster) that one confirmation may write.
func (f *Form) offered(section *schema.Section, member string) (out []answer) {
	for _, q := range leaves(section) {
		unit := unitOf(q, member)
		if !q.Carry || !q.MayWrite(f.s.me.Role) || (member != "") != q.Member || f.value(f.interview, unit).Value != nil {
			continue
		}
		last := f.lastYear(unit)
		if last == nil || len(f.last.Look(unit, f.pol).Values) > 1 || f.outgrown(q, member) {
			continue
		}
		out = append(out, answer{unit: unit, value: last})
	}
	return out
}

// leaves are the section's units as they stand on the wire: of a heading its parts; append-only paths are nobody's to repeat.
func leaves(section *schema.Section) (out []*schema.Question) {
	for _, q := range section.Questions {
		parts := q.Parts
		if len(parts) == 0 {
			parts = []*schema.Question{q}
		}
		for _, p := range parts {
			if n := len(p.Unit); n > 0 && p.Unit[n-1] != '*' {
				out = append(out, p)
			}
		}
	}
	return out
}

func unitOf(q *schema.Question, member string) string {
	if member == "" {
		return q.Unit
	}
	return "m/" + member + "/" + q.Unit
}

// outgrown tells whether a birthday since the last round has moved the person into or out of those the question is asked of,
// or might have.
func (f *Form) outgrown(q *schema.Question, member string) bool {
	if member == "" || q.Asked == nil {
		return false
	}
	birth, ok := survey.ParseBirth(asText(f.lastYear("m/" + member + "/birth")))
	before, okBefore := survey.ParseDay(asText(f.lastYear("review_date")))
	today, okToday := survey.ParseDay(f.value(f.interview, "review_date").Text())
	if !okToday {
		today, okToday = survey.ParseDay(f.s.now().Format("2006-01-02"))
	}
	if !ok || !okBefore || !okToday {
		return true
	}
	then, okThen := birth.Age(before)
	now, okNow := birth.Age(today)
	return !okThen || !okNow || asked(q, then) != schema.Yes || asked(q, now) != schema.Yes
}

func asked(q *schema.Question, age survey.Months) schema.Truth {
	from, to := age.Years()
	below, above := to < q.Asked.Min, q.Asked.Max >= 0 && from > q.Asked.Max
	inside := from >= q.Asked.Min && (q.Asked.Max < 0 || to <= q.Asked.Max)
	switch {
	case inside:
		return schema.Yes
	case below || above:
		return schema.No
	}
	return schema.Unknown
}
