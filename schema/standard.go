package schema

// Standard is a poverty standard (chuẩn nghèo đa chiều) as data: lines, indicators and the sentences that explain
// them to a household. It decides nothing by itself; package survey does, with these rules.
type Standard struct {
	Name       string
	Title      Text
	From, To   string // first and last day of the lists it is in force for, both included
	Source     string
	Dimensions []Dimension
	Indicators []*Indicator

	Score  *Line // B1 score line; nil: the standard has no score table
	Income *Line // stated income, đồng per person per month

	Points int // B2 points of one deprived indicator
	B2Poor int // B2 at or over it, on the income side: poor

	AverageLiving *AverageLiving // nil: the standard has no such rule that we know of
	Retirement    Retirement
	Groups        []*Group
	Sentences     map[string]Text // "class.poor", "income.score.yes", "unknown", "undecided" …: templates for people
	Rules         []Rule          // every rule with its confidence, in file order
}

// Dimension is a "chiều" of the standard.
type Dimension struct {
	Code  string
	Label Text
}

// Line is an income line: a value at or under it is on the income side.
type Line struct {
	Unit         string // "b1_score" or "income_per_capita"
	Rural, Urban int64
	Source       string
	Article      string
	Confirmed    bool
	Confidence   Confidence
}

// For returns the line of an area type, "rural" or "urban"; ok is false for any other.
func (l *Line) For(areaType string) (line int64, ok bool) {
	switch areaType {
	case AreaRural:
		return l.Rural, true
	case AreaUrban:
		return l.Urban, true
	}
	return 0, false
}

// Aggregate says how the verdicts of members become the household's.
type Aggregate string

const (
	AggregateAny       Aggregate = "any"       // one member for whom `when` holds
	AggregateShare     Aggregate = "share"     // more than Over of those it applies to
	AggregateHousehold Aggregate = "household" // the expressions are over the household itself
	AggregateNone      Aggregate = "none"      // no member for whom `when` holds (groups only)
	AggregateHead      Aggregate = "head"      // the head of the household (groups only)
)

// Share is an exact fraction; deprived means strictly more than it.
type Share struct{ Num, Den int64 }

// Indicator is one "chỉ số thiếu hụt".
type Indicator struct {
	Code       string
	Dimension  string
	Number     int // place in the official tables, 1 to 12
	Label      Text
	Source     string
	Article    string
	Confirmed  bool
	Confidence Confidence
	Note       Text // what exactly is not confirmed
	Aggregate  Aggregate
	Over       Share       // for AggregateShare
	Applies    *Expression // nil: applies to everybody
	When       *Expression
	Units      []string // units both expressions refer to, sorted; a member's without "m/<id>/"
	Sentence   Text     // "{member} ({age} tuổi) chưa có thẻ bảo hiểm y tế."
	Open       Text     // the sentence while it is unknown
	ByAnswer   []Answered
}

// Answered is the sentence of an indicator when one of its answers is known: without a job, or hired without a contract.
type Answered struct {
	Var      *Variable
	Value    string
	Sentence Text
}

// OverMember reports whether the expressions are over one member.
func (i *Indicator) OverMember() bool { return i.Aggregate != AggregateHousehold }

// AverageLiving is "hộ làm nông, lâm, ngư, diêm nghiệp có mức sống trung bình", decided apart from the class.
type AverageLiving struct {
	Livelihoods []string
	UpTo        Line // above Income and at or under this
	Source      string
	Confirmed   bool
	Confidence  Confidence
}

// Retirement is the age of the Labour Code by the year of review: Start months in FirstYear, Step more each year, up to End.
type Retirement struct {
	Men, Women RetirementRule
	Source     string
	Article    string
	Confirmed  bool
	Confidence Confidence
}

// RetirementRule is in whole months.
type RetirementRule struct{ FirstYear, Start, Step, End int }

// Months is the retirement age in months in a year.
func (r RetirementRule) Months(year int) int {
	return min(r.Start+max(0, year-r.FirstYear)*r.Step, r.End)
}

// Group is a household group of the reports (dân tộc thiểu số, người có công, …).
type Group struct {
	Code       string
	Label      Text
	Aggregate  Aggregate
	Applies    *Expression
	When       *Expression
	Units      []string
	Source     string
	Confirmed  bool
	Confidence Confidence
}

// Rule is one legal rule with what is known of its source, for the list of what is not confirmed.
type Rule struct {
	Name       string // "indicators.telecom", "lines.income"
	Label      Text
	Source     string
	Article    string
	Confidence Confidence
	Note       Text // what exactly is not confirmed; may be nil
	File       string
	Line       int
}

// Indicator finds an indicator by its code.
func (s *Standard) Indicator(code string) (*Indicator, bool) {
	for _, i := range s.Indicators {
		if i.Code == code {
			return i, true
		}
	}
	return nil, false
}

// InForce reports whether lists of this day (YYYY-MM-DD) are made by the standard.
func (s *Standard) InForce(date string) bool { return s.From <= date && date <= s.To }
