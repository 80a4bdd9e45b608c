package central

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/survey"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// matcher says which households and persons of a list are here already. A household is known by its official code, else by
// its number on the list of that year together with its head, else by the head alone; a person by identity number, name and
// birth, number in the household, name. Whoever could be two is nobody: the household waits.
type matcher struct {
	l         *list
	known     map[string][]*knownHousehold // by village
	byID      map[string]*knownHousehold
	used      map[string]bool                       // ids given in this list
	codes     map[string]int                        // households of the list by village and code
	heads     map[*listedHousehold]int              // the how manieth of its village with this head and nothing else to tell them apart
	interview func(*listedHousehold, string) string // the interview of a household in the round of this list
}

// identify gives the households of the list the ids they keep and returns those that are to be written.
func (l *list) identify(ctx context.Context, households []*listedHousehold, interview func(h *listedHousehold, id string) string) ([]*listedHousehold, error) {
	known, err := l.s.knownHouseholds(ctx, households)
	if err != nil {
		return nil, err
	}
	m := &matcher{l: l, known: map[string][]*knownHousehold{}, byID: map[string]*knownHousehold{}, used: map[string]bool{}, codes: map[string]int{},
		heads: map[*listedHousehold]int{}, interview: interview}
	for _, k := range known {
		m.known[k.village] = append(m.known[k.village], k)
		m.byID[k.id] = k
	}
	same := map[string]int{}
	for _, h := range households {
		m.codes[h.village+"\x00"+h.code]++
		name := h.village + "\x00" + headName(h.head())
		same[name]++
		m.heads[h] = same[name]
	}
	m.households(households)
	var out []*listedHousehold
	for _, h := range households {
		if h.doubt == nil {
			m.name(h)
			m.people(h)
		}
		if h.doubt != nil {
			l.refuseWhole(h)
			continue
		}
		out = append(out, h)
	}
	l.warnOfNumbers(out, known)
	return out, nil
}

func headName(m *listedMember) string { return survey.FoldName(m.name) + "\x00" + birthYear(m.birth) }

// households goes from the surest sign to the weakest, so that no household takes what is surely another's.
func (m *matcher) households(all []*listedHousehold) {
	for _, find := range []func(*listedHousehold) []*knownHousehold{m.byCode, m.byNumber, m.byIdentity, m.byHead, m.byHeadAndOthers} {
		for _, h := range all {
			if h.match != nil || h.doubt != nil {
				continue
			}
			switch fit := find(h); len(fit) {
			case 0:
			case 1:
				h.match, fit[0].taken = fit[0], true
			default:
				h.doubt = householdDoubt(h, fit)
			}
		}
	}
}

func householdDoubt(h *listedHousehold, fit []*knownHousehold) *fault {
	var names []string
	for _, k := range fit {
		names = append(names, k.String())
	}
	said := strings.Join(names, ", ")
	return faultf("household_doubtful", "Hộ của %s có thể là một trong các hộ đã có: %s. Chưa nhận hộ này. Ghi mã hộ (cột mã hộ) hoặc số định danh của chủ hộ.",
		"The household of %s may be one of those here: %s. It is not taken. Give its code (household_code) or the head's identity number (id_number).", h.head().name, said)
}

// choose returns the households of the village nobody has taken yet that fit.
func (m *matcher) choose(h *listedHousehold, fits func(*knownHousehold) bool) (out []*knownHousehold) {
	for _, k := range m.known[h.village] {
		if !k.taken && fits(k) {
			out = append(out, k)
		}
	}
	return out
}

// codesAgree: one of the two has no code, or they have the same.
func (h *listedHousehold) codesAgree(k *knownHousehold) bool {
	return h.code == "" || len(k.codes) == 0 || slices.Contains(k.codes, h.code)
}

func (m *matcher) byCode(h *listedHousehold) []*knownHousehold {
	if h.code == "" {
		return nil
	}
	fit := m.choose(h, func(k *knownHousehold) bool { return slices.Contains(k.codes, h.code) })
	if len(fit) == 1 && m.codes[h.village+"\x00"+h.code] == 1 {
		return fit
	}
	var agree []*knownHousehold // real codes are doubled
	for _, k := range fit {
		if p := k.head(); p.sameNumber(h.head()) || p.sameName(h.head()) {
			agree = append(agree, k)
		}
	}
	if len(agree) > 1 {
		for _, k := range agree {
			if k.head().sameYear(h.head()) {
				return []*knownHousehold{k}
			}
		}
	}
	return agree
}

// byNumber: the number on the list of the same year is in the id of the household, see freshIDs. The poor and the near-poor
// are numbered apart, so a number alone says nothing.
func (m *matcher) byNumber(h *listedHousehold) []*knownHousehold {
	if h.no == "" {
		return nil
	}
	for n := 1; ; n++ {
		k := m.byID[h.freshID(n)]
		if k == nil {
			return nil
		}
		if p := k.head(); !k.taken && h.codesAgree(k) && (p.sameNumber(h.head()) || p.sameName(h.head()) || p.sameYear(h.head()) && p.alike(h.head())) {
			return []*knownHousehold{k}
		}
	}
}

func (m *matcher) byIdentity(h *listedHousehold) []*knownHousehold {
	return m.choose(h, func(k *knownHousehold) bool { return h.codesAgree(k) && k.head().sameNumber(h.head()) })
}

func (m *matcher) byHead(h *listedHousehold) []*knownHousehold {
	fit := m.choose(h, func(k *knownHousehold) bool {
		p := k.head()
		return h.codesAgree(k) && p.sameName(h.head()) && !p.otherNumber(h.head()) && (p.sameYear(h.head()) || h.head().birth == "" && len(p.births) == 0)
	})
	if len(fit) > 1 && h.no == "" && h.code == "" {
		for _, k := range fit {
			if k.id == h.freshID(m.heads[h]) {
				return []*knownHousehold{k}
			}
		}
	}
	return fit
}

// byHeadAndOthers: the head's name alone with another birth is a corrected birth only where others of the family are the
// same. In a village several heads have one name.
func (m *matcher) byHeadAndOthers(h *listedHousehold) []*knownHousehold {
	alone := func(k *knownHousehold) bool {
		p := k.head()
		return h.codesAgree(k) && p.sameName(h.head()) && !p.otherNumber(h.head())
	}
	fit := m.choose(h, func(k *knownHousehold) bool { return alone(k) && (k.others(h) > 0 || !k.head().otherYear(h.head())) })
	if len(fit) > 0 {
		return fit
	}
	for _, k := range m.choose(h, alone) {
		m.l.warn(h.lines[0], "head_same_name", fmt.Sprintf("Trong thôn đã có hộ của %s. Dòng này được ghi thành hộ khác; nếu là một hộ, ghi số hộ như lần trước, mã hộ hoặc số định danh rồi báo cán bộ gộp.", k),
			fmt.Sprintf("The village has a household of %s already. This one is written as another; if they are one, give the same household number, the code or the identity number, and have them joined.", k))
	}
	return nil
}

// others counts the members besides the head who are in both.
func (k *knownHousehold) others(h *listedHousehold) (n int) {
	for _, m := range h.members {
		if m == h.head() {
			continue
		}
		if slices.ContainsFunc(k.people, func(p *knownPerson) bool { return p.sameNumber(m) || p.sameName(m) && p.sameYear(m) }) {
			n++
		}
	}
	return n
}

// freshID is the id a household gets that nobody has met: the same list gives the same ids on every server. n counts those
// that cannot be told apart.
func (h *listedHousehold) freshID(n int) string {
	name := "code\x00" + h.code
	switch {
	case h.code != "":
	case h.no != "":
		name = fmt.Sprintf("no\x00%d\x00%s", h.o.Year, h.no)
	default:
		name = "head\x00" + headName(h.head())
	}
	return importID("household", h.village+"\x00"+name, nth(n))
}

// name gives a household its id.
func (m *matcher) name(h *listedHousehold) {
	if h.match != nil {
		h.id = h.match.id
		m.used[h.id] = true
		return
	}
	for n := 1; h.id == "" || m.used[h.id] || m.byID[h.id] != nil; n++ {
		h.id = h.freshID(n)
	}
	m.used[h.id] = true
}

func nth(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprint(n)
}

// people gives the members of a household their ids.
func (m *matcher) people(h *listedHousehold) {
	k := h.match
	if k == nil {
		k = &knownHousehold{}
	}
	h.meet(k, func(x *listedMember, p *knownPerson) bool { return p.sameNumber(x) })
	h.meet(k, func(x *listedMember, p *knownPerson) bool {
		return p.sameName(x) && p.sameYear(x) && p.id == h.memberID(x, 1)
	})
	h.meet(k, func(x *listedMember, p *knownPerson) bool { return p.sameName(x) && p.sameYear(x) && !p.otherNumber(x) })
	h.meet(k, func(x *listedMember, p *knownPerson) bool {
		return x.no != "" && p.id == h.memberID(x, 1) && (p.sameName(x) || p.sameYear(x) && p.alike(x))
	})
	h.meetByName(k)
	h.meetRest(k, m.interview(h, h.id))
	taken := map[string]bool{}
	for _, p := range k.people {
		taken[p.id] = true
	}
	for _, x := range h.members {
		for n := 1; x.id == "" || x.match == nil && taken[x.id]; n++ {
			x.id = h.memberID(x, n)
		}
		taken[x.id] = true
	}
}

// memberID is the id a member gets that nobody has met: by the number on the list of that year, else by name and birth.
func (h *listedHousehold) memberID(x *listedMember, n int) string {
	if x.no != "" {
		return importID("member", h.id, "no", fmt.Sprint(h.o.Year), x.no, nth(n))
	}
	return importID("member", h.id, headName(x), nth(n))
}

func (m *listedMember) is(p *knownPerson) { m.match, m.id, p.taken = p, p.id, true }

// meet takes the first of each that fit.
func (h *listedHousehold) meet(k *knownHousehold, same func(*listedMember, *knownPerson) bool) {
	for _, x := range h.members {
		for _, p := range k.people {
			if x.match == nil && !p.taken && same(x, p) {
				x.is(p)
			}
		}
	}
}

// meetByName: the name alone, where it stands for one person here and in the list. Nobody is of the same name, another birth
// and another relation by mistake.
func (h *listedHousehold) meetByName(k *knownHousehold) {
	fits := func(x *listedMember, p *knownPerson) bool {
		return x.match == nil && !p.taken && p.sameName(x) && !p.otherNumber(x) && (!p.otherYear(x) || !p.otherRelation(x))
	}
	type pair struct {
		x *listedMember
		p *knownPerson
	}
	var pairs []pair
	for _, x := range h.members {
		var fit []*knownPerson
		for _, p := range k.people {
			if fits(x, p) {
				fit = append(fit, p)
			}
		}
		if len(fit) > 1 {
			h.doubtful(x, fit)
		}
		if len(fit) == 1 {
			pairs = append(pairs, pair{x, fit[0]})
		}
	}
	for i, a := range pairs {
		for j, b := range pairs {
			if i != j && a.p == b.p {
				h.doubtful(a.x, []*knownPerson{a.p})
			}
		}
	}
	if h.doubt == nil {
		for _, a := range pairs {
			a.x.is(a.p)
		}
	}
}

// meetRest: a spelling is corrected where one person is left over on each side of the same birth, relation and most of the
// name. Somebody else under the number of a person, or at the head of the same round's household, is a doubt.
func (h *listedHousehold) meetRest(k *knownHousehold, interview string) {
	for _, x := range h.members {
		if x.match != nil || h.doubt != nil {
			continue
		}
		var fit []*knownPerson
		for _, p := range k.people {
			if p.taken || p.otherNumber(x) {
				continue
			}
			inRound := slices.Contains(p.interviews, interview)
			switch {
			case p.sameYear(x) && !p.otherRelation(x) && p.alike(x):
				fit = append(fit, p)
			case inRound && x.no != "" && p.id == h.memberID(x, 1), inRound && x.relation == "head" && slices.Contains(p.relations, "head"):
				h.doubtful(x, []*knownPerson{p})
			}
		}
		if len(fit) > 1 {
			h.doubtful(x, fit)
		}
		if len(fit) == 1 && h.doubt == nil {
			x.is(fit[0])
		}
	}
}

func (h *listedHousehold) doubtful(x *listedMember, fit []*knownPerson) {
	var names []string
	for _, p := range fit {
		names = append(names, p.String())
	}
	said := strings.Join(names, ", ")
	h.doubt, h.doubtLine = faultf("member_doubtful", "Không rõ %s có phải là người đã có trong hộ: %s. Chưa nhận hộ này. Nếu là một người, ghi số định danh hoặc sửa từng ô một; nếu là người khác, ghi cả hai người, mỗi người một số thành viên.",
		"It is not clear whether %s is who is in the household already: %s. The household is not taken. If it is one person, give the identity number or correct one cell at a time; if not, list both, each under a member number.", x.name, said), x.line
}

// refuseWhole rejects a household that is not clear.
func (l *list) refuseWhole(h *listedHousehold) {
	at := h.doubtLine
	if at == 0 {
		at = h.lines[0]
	}
	l.reject(rowProblem(at, h.doubt.code, h.doubt.vi, h.doubt.en))
	for _, line := range h.lines {
		if line != at {
			l.reject(incomplete(line))
		}
	}
}

func incomplete(line int) RowProblem {
	return rowProblem(line, "household_incomplete", "Hộ này có dòng khác bị loại nên chưa nhận dòng nào. Sửa dòng đó rồi nhập lại cả tệp.",
		"Another row of this household was rejected, so none is taken. Correct it and import the file again.")
}

// sameNumber: the identity number is the same, and not by somebody's slip: of the name and the birth one agrees.
func (k *knownPerson) sameNumber(m *listedMember) bool {
	return m.number != "" && slices.Contains(k.numbers, m.number) && (k.sameName(m) || k.alike(m) || !k.otherYear(m))
}

func (k *knownPerson) otherNumber(m *listedMember) bool {
	return m.number != "" && len(k.numbers) > 0 && !slices.Contains(k.numbers, m.number)
}

func (k *knownPerson) sameName(m *listedMember) bool {
	return slices.Contains(k.folded, survey.FoldName(m.name))
}

func (k *knownPerson) sameYear(m *listedMember) bool {
	return m.birth != "" && slices.ContainsFunc(k.births, func(b string) bool { return birthYear(b) == birthYear(m.birth) })
}

func (k *knownPerson) otherYear(m *listedMember) bool {
	return m.birth != "" && len(k.births) > 0 && !k.sameYear(m)
}

func (k *knownPerson) otherRelation(m *listedMember) bool {
	return m.relation != "" && len(k.relations) > 0 && !slices.Contains(k.relations, m.relation)
}

// alike: the family name and at least half of the words are the same.
func (k *knownPerson) alike(m *listedMember) bool {
	words := strings.Fields(survey.FoldName(m.name))
	return slices.ContainsFunc(k.folded, func(name string) bool {
		have, same := strings.Fields(name), 0
		for _, w := range words {
			if slices.Contains(have, w) {
				same++
			}
		}
		return len(have) > 0 && len(words) > 0 && have[0] == words[0] && 2*same >= max(len(have), len(words))
	})
}

// warnOfNumbers names identity numbers that stand in two households. Somebody may have moved, or have been written down
// twice: a person looks at it, the list is taken.
func (l *list) warnOfNumbers(households []*listedHousehold, known []*knownHousehold) {
	type holder struct{ id, name string }
	held := map[string][]holder{}
	for _, k := range known {
		for _, p := range k.people {
			for _, n := range p.numbers {
				held[n] = append(held[n], holder{k.id, k.String()})
			}
		}
	}
	for _, h := range households {
		for i, x := range h.members {
			if x.number == "" {
				continue
			}
			for _, other := range held[x.number] {
				if other.id != h.id {
					l.warn(x.line, "id_number_twice", fmt.Sprintf("Số định danh của %s (hộ %s) cũng có trong hộ %s. Xem lại: chuyển hộ, hay ghi trùng?", x.name, h.head().name, other.name),
						fmt.Sprintf("The identity number of %s (household of %s) is also in the household of %s. Look: moved, or written twice?", x.name, h.head().name, other.name))
				}
			}
			for _, other := range h.members[:i] {
				if other.number == x.number {
					l.warn(x.line, "id_number_twice", fmt.Sprintf("%s và %s cùng hộ có một số định danh. Xem lại.", other.name, x.name), fmt.Sprintf("%s and %s of one household have the same identity number. Look at it.", other.name, x.name))
				}
			}
		}
		for _, x := range h.members {
			if x.number != "" && !slices.ContainsFunc(held[x.number], func(o holder) bool { return o.id == h.id }) {
				held[x.number] = append(held[x.number], holder{h.id, h.head().name})
			}
		}
	}
}

// interviewIn gives the interview of a household in the round of the list.
func (w *listWriter) interviewIn(h *listedHousehold, id string) string {
	round, _ := w.roundOf(h)
	return fieldsync.InterviewID(round, id)
}
