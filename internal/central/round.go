package central

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// roundInfo is what judging an interview needs of its round.
type roundInfo struct {
	id            string
	standard      string
	questionnaire string
	area, date    string // of "063@2024-12-31"; the date areas are taken on
	from, to      string
	name, kind    string
	basis         string // names standard and dates; with the areas it is what views rest on
}

// readRound reads a round's provisional values.
func readRound(rec *fieldsync.Record, policies fieldsync.Policies) *roundInfo {
	text := func(unit string) string { return textOf(provisional(rec, unit, policies)) }
	r := &roundInfo{id: rec.ID, standard: text("standard"), questionnaire: text("questionnaire"),
		from: text("from"), to: text("to"), name: text("name"), kind: text("kind")}
	r.area, r.date = schema.ParseRef(text("area"))
	if r.date == "" {
		r.date = r.from
	}
	r.basis = r.standard + "@" + r.date
	return r
}

func provisional(rec *fieldsync.Record, unit string, policies fieldsync.Policies) []byte {
	if look := rec.Look(unit, policies); len(look.Values) > 0 {
		return look.Values[0].Value
	}
	return nil
}

// textOf is a JSON string's text, or "".
func textOf(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	if plain := value[1 : len(value)-1]; !strings.ContainsRune(string(plain), '\\') {
		return string(plain)
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// rulesCache keeps what rarely changes: rounds by version, compiled judges by standard and questionnaire.
type rulesCache struct {
	mu     sync.Mutex
	rounds map[string]cachedRound
	judges map[[2]string]*survey.Judge
}

type cachedRound struct {
	ver  int64
	info *roundInfo
}

func (c *rulesCache) round(id string, ver int64) *roundInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have, ok := c.rounds[id]; ok && have.ver == ver {
		return have.info
	}
	return nil
}

func (c *rulesCache) keep(ver int64, info *roundInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rounds == nil || len(c.rounds) > maxCachedRounds {
		c.rounds = map[string]cachedRound{}
	}
	c.rounds[info.id] = cachedRound{ver, info}
}

const maxCachedRounds = 10_000

// judge returns the compiled judge of a standard for a questionnaire; nil when either is unknown.
func (s *Store) judge(standard, questionnaire string) (*survey.Judge, error) {
	std, q := s.set.Standards[standard], s.set.Questionnaires[questionnaire]
	if std == nil || q == nil {
		return nil, nil
	}
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	key := [2]string{standard, questionnaire}
	if j := s.rules.judges[key]; j != nil {
		return j, nil
	}
	j, err := survey.NewJudge(std, q)
	if err != nil {
		return nil, fmt.Errorf("compile %s for %s: %w", standard, questionnaire, err)
	}
	if s.rules.judges == nil {
		s.rules.judges = map[[2]string]*survey.Judge{}
	}
	s.rules.judges[key] = j
	return j, nil
}

// round returns what is known of a round; nil while it has not arrived.
func (r *reader) round(id string) (*roundInfo, error) {
	if id == "" {
		return nil, nil
	}
	if err := r.load(id); err != nil {
		return nil, err
	}
	x := r.rows[id]
	if x == nil || x.kind != "round" {
		return nil, nil
	}
	if info := r.s.rules.round(id, x.ver); info != nil {
		return info, nil
	}
	records, err := r.restore([]*row{x})
	if err != nil {
		return nil, err
	}
	info := readRound(records[id], r.s.policiesOf(records[id]))
	r.s.rules.keep(x.ver, info)
	return info, nil
}

// questionnaireOf is the questionnaire a record was last written under, of those known here; the newest by name wins.
func (s *Store) questionnaireOf(rec *fieldsync.Record) *schema.Questionnaire {
	form := ""
	for _, d := range rec.LiveDots() {
		if f := rec.Author(d).Form; f > form && s.set.Questionnaires[f] != nil {
			form = f
		}
	}
	if form == "" {
		for f := range s.set.Questionnaires {
			form = max(form, f)
		}
	}
	return s.set.Questionnaires[form]
}

func (s *Store) policiesOf(rec *fieldsync.Record) fieldsync.Policies {
	return survey.Policies(s.questionnaireOf(rec))
}
