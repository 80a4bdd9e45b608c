package central

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// membersPerChange keeps a change within fieldsync.MaxUnits: a member has at most nine units here.
const membersPerChange = 30

// changes are the household and its interview in the round of the list, as the list has them.
func (h *listedHousehold) changes(round string) []ActChange {
	interview := fieldsync.InterviewID(round, h.id)
	home := units{"village": h.village}
	home.text("household_code", h.code)
	home.text("address", h.address)
	home.text("phone", h.phone)
	out := []ActChange{h.change(h.id, schema.KindHousehold, home)}
	own := h.answers(round)
	for i, piece := 0, h.members; i == 0 || len(piece) > 0; i++ {
		if i > 0 {
			own = units{}
		}
		n := min(len(piece), membersPerChange)
		for _, m := range piece[:n] {
			h.person(own, m)
		}
		piece = piece[n:]
		out = append(out, h.change(interview, schema.KindInterview, own))
	}
	return out
}

func (h *listedHousehold) change(record, kind string, u units) ActChange {
	c := ActChange{Record: record, Kind: kind, Op: fieldsync.OpCreate, Scope: h.village}
	for _, unit := range sortedKeys(u) {
		value, err := json.Marshal(u[unit])
		if err != nil {
			panic("central: a value of a list cannot be JSON: " + err.Error()) // texts, numbers and maps of them
		}
		c.Writes = append(c.Writes, fieldsync.Write{Unit: unit, Value: value})
	}
	return c
}

// units are values by unit.
type units map[string]any

func (u units) text(unit, value string) {
	if value != "" {
		u[unit] = value
	}
}

// answers are the interview's units of the household as a whole. What the list lacks is not written: it is unanswered.
func (h *listedHousehold) answers(round string) units {
	u := units{"household": h.id, "round": round, "village": h.village, "entered_from": "list"}
	u.text("review_date", h.date)
	u.text("interviewer", h.interviewer)
	u.text("indigenous", h.indigenous)
	if h.score >= 0 {
		u["b1_score"] = h.score
	}
	if h.size > 0 {
		u["household_size"] = h.size
	}
	for _, m := range h.members {
		if m.relation == "head" {
			u["head"] = m.id
		}
	}
	if h.class != "" {
		u["decision/recognised"] = object("class", h.class, "number", h.o.Number, "date", h.o.Date)
	}
	if prior := h.prior(); prior != nil {
		u["prior_class"] = prior
	}
	return u
}

// prior is what the list says of the time before it: an "old" household was on the list before, one that "fell back" had
// been and was not the last time, a "new" one was not. Whether a new one ever was before that, the list does not know.
func (h *listedHousehold) prior() map[string]string {
	class, ever := "", "unknown"
	switch h.history {
	case "old":
		class, ever = h.class, "yes"
	case "back":
		class, ever = string(survey.NotPoor), "yes"
	case "new":
		class = string(survey.NotPoor)
	}
	if class == "" {
		return nil
	}
	poor, near := "unknown", "unknown"
	switch h.class {
	case string(survey.Poor):
		poor = ever
	case string(survey.NearPoor):
		near = ever
	}
	return object("class", class, "ever_poor", poor, "ever_near_poor", near, "since", fmt.Sprint(h.o.Year))
}

// object is a unit of several fields without the empty ones.
func object(fields ...string) map[string]string {
	o := map[string]string{}
	for pair := range slices.Chunk(fields, 2) {
		if pair[1] != "" {
			o[pair[0]] = pair[1]
		}
	}
	return o
}

func (h *listedHousehold) person(u units, m *listedMember) {
	at := "m/" + m.id + "/"
	u.text(at+"name", m.name)
	u.text(at+"birth", m.birth)
	u.text(at+"sex", m.sex)
	u.text(at+"relation", m.relation)
	u.text(at+"ethnicity", m.ethnicity)
	u.text(at+"id_number", strings.TrimSpace(m.number))
	if len(h.members) == 1 { // marked for the household; with several members the list does not say whose it is
		if h.merit {
			u[at+"merit"] = "yes"
		}
		if h.noLabour {
			u[at+"no_labour_capacity"] = "yes"
		}
	}
}
