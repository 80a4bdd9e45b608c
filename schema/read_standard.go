package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	standardKeys = []string{"name", "title", "from", "to", "questionnaire", "source", "confirmed", "dimensions", "lines", "b2",
		"average_living", "retirement", "indicators", "groups", "sentences"}
	ruleKeys      = []string{"source", "article", "confirmed", "note"}
	lineKeys      = append([]string{"unit", "rural", "urban"}, ruleKeys...)
	indicatorKeys = append([]string{"code", "number", "dimension", "label", "aggregate", "applies", "when", "sentence", "open", "by_answer"}, ruleKeys...)
	groupKeys     = append([]string{"code", "label", "aggregate", "applies", "when"}, ruleKeys...)

	// marks are what package survey fills into a sentence.
	marks = []string{"member", "age", "aged", "members", "people", "count", "area", "score", "income", "line", "b2", "lacks", "questions", "standard"}

	markForm  = regexp.MustCompile(`\{([^}]*)\}`)
	shareForm = regexp.MustCompile(`^share > ([0-9]+)/([0-9]+)$`)
)

// standardReader reads one standard against the variables of all questionnaires.
type standardReader struct {
	compiler *compiler
	std      *Standard
	file     string
	to       *Problems
}

func readStandard(name string, n node, c *compiler, questionnaires map[string]*Questionnaire) *Standard {
	m := n.mapping("standard", standardKeys)
	s := &Standard{Name: m.text("name"), Title: m.wording("title", true), From: m.text("from"), To: m.text("to"), Source: m.text("source")}
	r := &standardReader{compiler: c, std: s, file: n.file, to: n.to}
	if s.Name != name {
		m.problem("name_mismatch", s.Name, name)
	}
	if !validDate(s.From) || !validDate(s.To) || s.From > s.To {
		m.problem("validity", s.From, s.To)
	}
	if q := m.text("questionnaire"); questionnaires[q] == nil {
		m.problem("questionnaire_unknown", q)
	}
	r.rule("standard", s.Title, m)
	r.dimensions(m)
	r.lines(m)
	r.averageLiving(m)
	r.retirement(m)
	r.indicators(m)
	r.groups(m)
	if list, ok := m.get("sentences"); ok {
		s.Sentences = map[string]Text{}
		for _, f := range list.mapping("sentences", nil).fields {
			s.Sentences[f.key] = r.sentence(f.node, f.key)
		}
	}
	return s
}

// sourced is where a rule comes from.
type sourced struct {
	source, article string
	confidence      Confidence
	note            Text
}

// rule reads the source of a rule and enters it in the standard's list.
func (r *standardReader) rule(name string, label Text, m mapping) sourced {
	s := sourced{source: m.text("source"), article: m.text("article"), confidence: Confidence(m.oneOf("confirmed", "true", "partly", "false"))}
	if s.source == "" || s.confidence == "" {
		m.problem("source_missing", name)
	}
	if _, ok := m.get("note"); ok {
		s.note = m.wording("note", true)
	}
	r.std.Rules = append(r.std.Rules, Rule{Name: name, Label: label, Source: s.source, Article: s.article,
		Confidence: s.confidence, Note: s.note, File: r.file, Line: m.line()})
	return s
}

func (r *standardReader) dimensions(m mapping) {
	list, ok := m.need("dimensions")
	if !ok {
		return
	}
	for _, f := range list.mapping("dimensions", nil).fields {
		r.std.Dimensions = append(r.std.Dimensions, Dimension{f.key, f.node.wording(f.key)})
	}
}

var ruleLabels = map[string]Text{
	"lines.score":    {"vi": "Đường chuẩn theo điểm B1", "en": "Line by score B1"},
	"lines.income":   {"vi": "Đường chuẩn theo thu nhập", "en": "Line by income"},
	"b2":             {"vi": "Điểm B2 và số chỉ số thiếu hụt", "en": "B2 points and number of indicators"},
	"average_living": {"vi": "Mức sống trung bình", "en": "Average living standard"},
	"retirement":     {"vi": "Tuổi nghỉ hưu", "en": "Retirement age"},
}

func (r *standardReader) lines(m mapping) {
	if lines, ok := m.need("lines"); ok {
		lm := lines.mapping("lines", []string{"score", "income"})
		r.std.Score, r.std.Income = r.line("score", lm), r.line("income", lm)
		if r.std.Score == nil && r.std.Income == nil {
			lm.problem("key_missing", "income")
		}
	}
	if b2, ok := m.need("b2"); ok {
		bm := b2.mapping("b2", append([]string{"points", "poor_from"}, ruleKeys...))
		r.std.Points, r.std.B2Poor = int(bm.whole("points")), int(bm.whole("poor_from"))
		if r.std.Points <= 0 || r.std.B2Poor <= 0 {
			bm.problem("key_missing", "points, poor_from")
		}
		r.rule("b2", ruleLabels["b2"], bm)
	}
}

func (r *standardReader) line(key string, in mapping) *Line {
	n, ok := in.get(key)
	if !ok {
		return nil
	}
	m := n.mapping(key, lineKeys)
	l := &Line{Unit: m.text("unit"), Rural: m.whole("rural"), Urban: m.whole("urban")}
	if _, known := r.compiler.vars.Of(l.Unit, ""); !known {
		m.problem("expression_unit", l.Unit)
	}
	if l.Rural <= 0 || l.Urban <= 0 {
		m.problem("key_missing", "rural, urban")
	}
	s := r.rule("lines."+key, ruleLabels["lines."+key], m)
	l.Source, l.Article, l.Confidence, l.Confirmed = s.source, s.article, s.confidence, s.confidence == Confirmed
	return l
}

func (r *standardReader) averageLiving(m mapping) {
	n, ok := m.get("average_living")
	if !ok {
		return
	}
	am := n.mapping("average_living", append([]string{"livelihoods", "up_to"}, ruleKeys...))
	a := &AverageLiving{Livelihoods: am.texts("livelihoods")}
	if livelihood, ok := r.compiler.vars.Of("livelihood", ""); ok {
		for _, code := range a.Livelihoods {
			if !slices.Contains(livelihood.Domain, StringValue(code)) {
				am.problem("expression_code", code, "livelihood")
			}
		}
	}
	if up, ok := am.need("up_to"); ok {
		um := up.mapping("up_to", []string{"rural", "urban"})
		a.UpTo = Line{Unit: "income_per_capita", Rural: um.whole("rural"), Urban: um.whole("urban")}
	}
	s := r.rule("average_living", ruleLabels["average_living"], am)
	a.Source, a.Confidence, a.Confirmed = s.source, s.confidence, s.confidence == Confirmed
	a.UpTo.Source, a.UpTo.Article, a.UpTo.Confidence, a.UpTo.Confirmed = s.source, s.article, s.confidence, a.Confirmed
	r.std.AverageLiving = a
}

func (r *standardReader) retirement(m mapping) {
	n, ok := m.need("retirement")
	if !ok {
		return
	}
	rm := n.mapping("retirement", append([]string{"men", "women"}, ruleKeys...))
	read := func(key string) RetirementRule {
		n, ok := rm.need(key)
		if !ok {
			return RetirementRule{}
		}
		km := n.mapping(key, []string{"first_year", "start", "step", "end"})
		return RetirementRule{int(km.whole("first_year")), int(km.whole("start")), int(km.whole("step")), int(km.whole("end"))}
	}
	t := Retirement{Men: read("men"), Women: read("women")}
	s := r.rule("retirement", ruleLabels["retirement"], rm)
	t.Source, t.Article, t.Confidence, t.Confirmed = s.source, s.article, s.confidence, s.confidence == Confirmed
	r.std.Retirement = t
}

func (r *standardReader) indicators(m mapping) {
	list, ok := m.need("indicators")
	if !ok {
		return
	}
	lines := map[string]int{}
	for _, n := range list.list("indicators") {
		i := r.indicator(n.mapping("indicator", indicatorKeys))
		if had, twice := lines[i.Code]; twice {
			n.problem("indicator_twice", i.Code, had)
			continue
		}
		lines[i.Code] = n.line()
		r.std.Indicators = append(r.std.Indicators, i)
	}
}

func (r *standardReader) indicator(m mapping) *Indicator {
	i := &Indicator{Code: m.text("code"), Number: int(m.whole("number")), Dimension: m.text("dimension"), Label: m.wording("label", true)}
	if !idForm.MatchString(i.Code) {
		m.problem("unit_form", i.Code)
	}
	if !slices.ContainsFunc(r.std.Dimensions, func(d Dimension) bool { return d.Code == i.Dimension }) {
		m.problem("dimension_unknown", i.Dimension)
	}
	i.Aggregate, i.Over = r.aggregate(m, AggregateAny, AggregateShare, AggregateHousehold)
	i.Applies, i.When = r.expressions(m, i.OverMember())
	i.Units = unitsOf(i.Applies, i.When)
	if n, ok := m.need("sentence"); ok {
		i.Sentence = r.sentence(n, "sentence")
	}
	if n, ok := m.need("open"); ok {
		i.Open = r.sentence(n, "open")
	}
	if n, ok := m.get("by_answer"); ok {
		i.ByAnswer = r.byAnswer(n, i)
	}
	s := r.rule("indicators."+i.Code, i.Label, m)
	i.Source, i.Article, i.Confidence, i.Confirmed, i.Note = s.source, s.article, s.confidence, s.confidence == Confirmed, s.note
	return i
}

// byAnswer reads {unit: {code: sentence}}: units the indicator looks at, and codes they have.
func (r *standardReader) byAnswer(n node, i *Indicator) []Answered {
	var list []Answered
	for _, unit := range n.mapping("by_answer", nil).fields {
		v, ok := r.compiler.vars.Of(unit.key, "")
		if !ok || !slices.Contains(i.Units, unit.key) {
			unit.node.problem("expression_unit", unit.key)
			continue
		}
		for _, answer := range unit.node.mapping(unit.key, nil).fields {
			if !slices.Contains(v.Domain, StringValue(answer.key)) {
				answer.node.problem("expression_code", answer.key, unit.key)
				continue
			}
			list = append(list, Answered{v, answer.key, r.sentence(answer.node, answer.key)})
		}
	}
	return list
}

// aggregate reads "any", "share > 1/2", "household", and for groups "none", "head".
func (r *standardReader) aggregate(m mapping, allowed ...Aggregate) (Aggregate, Share) {
	n, ok := m.need("aggregate")
	if !ok {
		return AggregateAny, Share{}
	}
	word := n.text("aggregate")
	var share Share
	if parts := shareForm.FindStringSubmatch(word); parts != nil {
		if _, err := fmt.Sscanf(parts[1]+" "+parts[2], "%d %d", &share.Num, &share.Den); err == nil && share.Den > 0 && share.Num < share.Den {
			word = string(AggregateShare)
		}
	} else if word == string(AggregateShare) {
		word = ""
	}
	if !slices.Contains(allowed, Aggregate(word)) {
		n.problem("aggregate", n.text("aggregate"))
		return AggregateAny, Share{}
	}
	return Aggregate(word), share
}

func (r *standardReader) expressions(m mapping, member bool) (applies, when *Expression) {
	if n, ok := m.get("applies"); ok {
		applies = r.compiler.compile(n, n.text("applies"), member)
	}
	if n, ok := m.need("when"); ok {
		when = r.compiler.compile(n, n.text("when"), member)
	}
	return applies, when
}

func (r *standardReader) groups(m mapping) {
	list, ok := m.get("groups")
	if !ok {
		return
	}
	for _, n := range list.list("groups") {
		gm := n.mapping("group", groupKeys)
		g := &Group{Code: gm.text("code"), Label: gm.wording("label", true)}
		g.Aggregate, _ = r.aggregate(gm, AggregateAny, AggregateNone, AggregateHead, AggregateHousehold)
		g.Applies, g.When = r.expressions(gm, g.Aggregate != AggregateHousehold)
		g.Units = unitsOf(g.Applies, g.When)
		s := r.rule("groups."+g.Code, g.Label, gm)
		g.Source, g.Confidence, g.Confirmed = s.source, s.confidence, s.confidence == Confirmed
		r.std.Groups = append(r.std.Groups, g)
	}
}

func (r *standardReader) sentence(n node, what string) Text {
	t := n.wording(what)
	for _, text := range t {
		for _, mark := range markForm.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(marks, mark[1]) {
				n.problem("sentence_mark", mark[1], strings.Join(marks, ", "))
			}
		}
	}
	return t
}
