package tablet

import (
	"github.com/rasoat/rasoat/internal/survey"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// judge is a compiled standard, or the reason it cannot be had on this tablet.
type judge struct {
	*survey.Judge
	err error
}

// judgeOf compiles a round's standard once.
func (s *Store) judgeOf(r Round) (*survey.Judge, error) {
	key := r.Standard + " " + r.Questionnaire
	j := s.judges[key]
	if j == nil {
		j = &judge{}
		std, q := s.set.Standards[r.Standard], s.set.Questionnaires[r.Questionnaire]
		if std == nil || q == nil {
			j.err = problem("unknown_unit", r.Standard)
		} else {
			j.Judge, j.err = survey.NewJudge(std, q)
		}
		s.judges[key] = j
	}
	return j.Judge, j.err
}

// Interviewed is the interview as the form shows it, drafts included, for survey.Check and survey.Visible.
func (f *Form) Interviewed() *survey.Interview {
	f.s.lock()
	defer f.s.unlock()
	return f.interviewed()
}

func (f *Form) interviewed() *survey.Interview {
	rec := f.iv
	if rows := f.draft[f.interview]; len(rows) > 0 {
		rec = f.iv.Clone()
		c := &fieldsync.Change{Record: rec.ID, Kind: rec.Kind, Dot: fieldsync.Dot{Replica: "draft", Seq: 1}}
		for unit, row := range rows {
			c.Writes = append(c.Writes, fieldsync.Write{Unit: unit, Value: row.Value})
			c.Parents = append(c.Parents, parse(row.Base)...)
		}
		rec.Apply(c)
	}
	return survey.ReadRecord(rec, f.q)
}

// AreaType is the legal type of the commune the interview is reviewed in, on the day of review.
func (f *Form) AreaType() survey.AreaType {
	f.s.lock()
	defer f.s.unlock()
	return f.areaType()
}

func (f *Form) areaType() survey.AreaType {
	village := f.value(f.interview, "village").Text()
	if village == "" {
		village = f.villageNow()
	}
	day := f.value(f.interview, "review_date").Text()
	if day == "" {
		day = f.round.From
	}
	return f.s.areaType(village, day)
}

func (s *Store) areaType(village, day string) survey.AreaType {
	if s.areas == nil || village == "" {
		return survey.AreaUnknown
	}
	return survey.AreaType(s.areas.AreaType(village, day))
}

// Judgement is the running class under the round's standard, with its reasons in the given language.
func (f *Form) Judgement(lang string) (*survey.Judgement, error) {
	f.s.lock()
	j, err := f.s.judgeOf(f.round)
	iv, area := f.interviewed(), f.areaType()
	f.s.unlock()
	if err != nil {
		return nil, err
	}
	return j.Judge(iv, area, survey.Options{Reasons: true, Lang: lang}), nil
}

// classOf judges a record for the list.
func (s *Store) classOf(rec *fieldsync.Record, iv *survey.Interview, r Round) survey.Class {
	j, err := s.judgeOf(r)
	if err != nil {
		return survey.Undetermined
	}
	day := iv.Text("review_date")
	if day == "" {
		day = r.From
	}
	return j.Judge(iv, s.areaType(textOf(rec, "village"), day), survey.Options{ClassOnly: true}).Class
}
