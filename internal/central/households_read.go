package central

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rasoat/rasoat/schema"
)

// householdHeadings are the columns of lists, under the names they are met with: reports 14 and 15, a provincial export of
// one row a household, and the names of this program.
var householdHeadings = map[string][]string{
	"village":     {"village", "village code", "thôn", "mã thôn", "tên thôn", "thôn, tổ", "thôn/tổ", "thôn bản", "tổ dân phố", "thôn, bản, tổ dân phố"},
	"commune":     {"commune", "commune code", "xã", "mã xã", "tên xã", "phường, xã", "xã, phường", "xã/phường"},
	"household":   {"household", "household no", "household number", "hộ", "hộ số", "số hộ", "số thứ tự hộ", "stt hộ", "tt hộ"},
	"code":        {"code", "household code", "mã hộ", "mã số hộ", "family.code"},
	"member":      {"member", "member no", "member number", "thành viên", "số thứ tự thành viên", "stt thành viên", "tt thành viên", "nhân khẩu số"},
	"name":        {"name", "full name", "họ và tên", "họ tên", "tên", "họ và tên thành viên"},
	"head":        {"head", "head name", "chủ hộ", "tên chủ hộ", "họ tên chủ hộ", "họ và tên chủ hộ", "family.hostName"},
	"male":        {"male", "=nam"},
	"female":      {"female", "=nữ"},
	"birth":       {"birth", "date of birth", "birth year", "year of birth", "ngày sinh", "năm sinh", "ngày tháng năm sinh", "ngày, tháng, năm sinh"},
	"sex":         {"sex", "gender", "giới tính", "family.hostGender"},
	"ethnicity":   {"ethnicity", "ethnic group", "dân tộc"},
	"relation":    {"relation", "relation to head", "quan hệ", "quan hệ với chủ hộ"},
	"id_number":   {"id number", "số định danh", "số định danh cá nhân", "cccd", "số cccd", "căn cước", "số căn cước", "cccd/cmnd"},
	"class":       {"class", "classify", "loại hộ", "phân loại", "xếp loại", "phân loại hộ"},
	"new":         {"new", "phát sinh", "phát sinh mới", "hộ mới", "mới"},
	"back":        {"fell back", "back", "tái nghèo", "tái cận nghèo"},
	"old":         {"old", "hộ cũ", "=cũ"},
	"merit":       {"merit", "cscc", "người có công", "chính sách có công"},
	"indigenous":  {"indigenous", "dttc", "dân tộc tại chỗ", "family.coDanTocTaiCho"},
	"no_labour":   {"no labour capacity", "no labour", "kcknlđ", "không có khả năng lao động"},
	"size":        {"household size", "size", "members", "number of members", "số nhân khẩu", "số khẩu", "nhân khẩu", "family.numberOfMembers"},
	"score":       {"b1 score", "score", "b1Point", "điểm b1"},
	"date":        {"date", "review date", "ngày rà soát"},
	"interviewer": {"reviewer", "interviewer", "người rà soát", "điều tra viên"},
	"address":     {"address", "địa chỉ"},
	"phone":       {"phone", "điện thoại", "số điện thoại"},
}

// listedHousehold is one household of a list, as the list has it.
type listedHousehold struct {
	lines        []int
	village, key string
	no, code     string
	class        string
	history      string // new, back, old
	indigenous   string
	score, size  int64 // -1: the list has none
	date         string
	interviewer  string
	address      string
	phone        string
	merit        bool // marked for the household; whose it is shows only when the household has one member
	noLabour     bool
	members      []*listedMember
	id           string
	broken       bool // one of its rows was rejected
	match        *knownHousehold
	doubt        *fault // why it is not clear who it is
	doubtLine    int
	added        bool // its interview was not here
	o            *HouseholdOptions
}

// head is who heads the household, else its first member.
func (h *listedHousehold) head() *listedMember {
	for _, m := range h.members {
		if m.relation == "head" {
			return m
		}
	}
	return h.members[0]
}

type listedMember struct {
	id, no, name, birth, sex, relation, ethnicity, number string

	line  int
	match *knownPerson
}

// list is a file being read.
type list struct {
	HouseholdImport
	s        *Store
	t        *table
	o        HouseholdOptions
	villages *villageNames
	order    []*listedHousehold
	byKey    map[string]*listedHousehold
	last     *listedHousehold
	torn     bool            // the row before could not be read: it may have been of this household
	seen     map[string]bool // exact rows
	proposed map[ProposedVillage]int
}

// maxListMembers is the questionnaire's limit of members.
const maxListMembers = 60

func (s *Store) readList(ctx context.Context, r io.Reader, o HouseholdOptions) (*list, error) {
	t, err := openTable(r, householdHeadings)
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) && refusal.Code == "header_missing" {
		return nil, householdColumns(refusal.Code, refusal.Text["vi"], refusal.Text["en"])
	}
	if err != nil {
		return nil, err
	}
	if !t.has("village") || (!t.has("name") && !t.has("head")) {
		return nil, householdColumns("columns", "Danh sách phải có cột thôn và cột họ tên.", "The list must have a column of villages and one of names.")
	}
	l := &list{s: s, t: t, o: o, byKey: map[string]*listedHousehold{}, seen: map[string]bool{}, proposed: map[ProposedVillage]int{}}
	if l.villages, err = s.villageNames(ctx); err != nil {
		return nil, err
	}
	if err := t.each(l.unreadable, l.row); err != nil {
		return nil, err
	}
	l.Ignored = t.unused()
	l.propose()
	return l, nil
}

// unreadable: nobody knows whose row it was. What goes on above or below it may lack a member.
func (l *list) unreadable(p RowProblem) {
	l.reject(p)
	l.torn = true
	if l.last != nil {
		l.last.broken = true
	}
}

func (l *list) reject(p RowProblem) { l.Rejected = append(l.Rejected, p) }

func (l *list) propose() {
	for v, n := range l.proposed {
		v.Rows = n
		l.Proposed = append(l.Proposed, v)
	}
	slices.SortFunc(l.Proposed, func(a, b ProposedVillage) int { return strings.Compare(a.Commune+a.Name, b.Commune+b.Name) })
}

// whole returns the households all of whose rows were taken; the other rows of a broken one are rejected with it.
func (l *list) whole() []*listedHousehold {
	var out []*listedHousehold
	for _, h := range l.order {
		if h.broken {
			for _, line := range h.lines {
				l.reject(incomplete(line))
			}
			continue
		}
		out = append(out, h)
	}
	return out
}

// count says how much is taken, and what of it is worth a look.
func (l *list) count(households []*listedHousehold) {
	for _, h := range households {
		l.Households++
		l.Members += len(h.members)
		if h.class == "" {
			l.NoClass++
		}
		if !slices.ContainsFunc(h.members, func(m *listedMember) bool { return m.relation == "head" }) {
			l.warn(h.lines[0], "head_missing", fmt.Sprintf("Hộ của %s không có ai là chủ hộ. Ghi \"Chủ hộ\" ở cột quan hệ của một người.", h.members[0].name),
				fmt.Sprintf("The household of %s has no head. Write \"head\" in the column relation of one member.", h.members[0].name))
		}
		for _, m := range h.members {
			if m.number != "" && !twelveDigits.MatchString(m.number) {
				l.warn(m.line, "id_number_form", fmt.Sprintf("Số định danh %q của %s không đủ 12 chữ số. Đã ghi như trong tệp; xem lại.", m.number, m.name),
					fmt.Sprintf("The identity number %q of %s does not have 12 digits. Written as it is; look at it.", m.number, m.name))
			}
		}
	}
	byLine := func(a, b RowProblem) int { return a.Line - b.Line }
	slices.SortStableFunc(l.Rejected, byLine)
	slices.SortStableFunc(l.Warnings, byLine)
}

var twelveDigits = regexp.MustCompile("^[0-9]{12}$")

func (l *list) warn(line int, code, vi, en string) {
	l.Warnings = append(l.Warnings, rowProblem(line, code, vi, en))
}

// fault is why a row is not taken.
type fault struct{ code, vi, en string }

func faultf(code, vi, en string, args ...any) *fault {
	return &fault{code, fmt.Sprintf(vi, args...), fmt.Sprintf(en, args...)}
}

func (l *list) row(x *line) error {
	l.Rows++
	exact := strings.Join(x.cells, "\x00")
	if l.seen[exact] {
		l.Duplicates++
		return nil
	}
	l.seen[exact] = true
	above := l.last
	h, f := l.household(x)
	if f == nil {
		h.broken = h.broken || l.torn && len(h.lines) == 0 && !l.begins(x) && (l.t.has("relation") || l.t.has("member"))
		h.lines = append(h.lines, x.number)
		f = l.fill(h, x)
		if f != nil {
			h.broken = true
			h.lines = h.lines[:len(h.lines)-1]
		}
	}
	if f != nil {
		l.reject(rowProblem(x.number, f.code, f.vi, f.en))
	}
	l.torn = false
	if h == nil {
		if f.code == "household_missing" && above != nil {
			above.broken = true // it may lack this member
		}
		l.last = nil // what follows without a number of its own must not fall to the household before
	}
	return nil
}

// household finds the household a row belongs to. A row without a household number goes on with the household above, as
// where cells of a list were merged; never when it begins another village or another head.
func (l *list) household(x *line) (*listedHousehold, *fault) {
	no, code, place := x.get("household"), x.get("code"), x.get("village")
	begins := l.begins(x)
	if no == "" && code == "" && place == "" || no == "" && code == "" && (l.t.has("relation") || l.t.has("member")) && !begins && l.sameVillage(place) {
		if l.last != nil && !begins && x.get("name") != "" {
			return l.last, nil
		}
	}
	if place == "" && l.last != nil && no == l.last.no && code == l.last.code && no+code != "" {
		return l.last, nil
	}
	village, f := l.village(place, x.get("commune"))
	if f != nil {
		return nil, f
	}
	key := no + "\x00" + code
	if no == "" && code == "" {
		if l.t.has("name") && (l.t.has("relation") || l.t.has("member")) && !begins {
			return nil, faultf("household_missing", "Không biết dòng này thuộc hộ nào. Ghi số hộ (cột hộ số) hoặc mã hộ (cột mã hộ).", "It does not show which household this row belongs to. Give the household's number (household) or code (household_code).")
		}
		key = "line " + strconv.Itoa(x.number)
	}
	key = village + "\x00" + key
	h := l.byKey[key]
	if h == nil {
		h = &listedHousehold{village: village, key: key, no: no, code: code, score: -1, size: -1, o: &l.o}
		l.byKey[key] = h
		l.order = append(l.order, h)
	}
	l.last = h
	return h, nil
}

// begins tells whether a row is the first of a household: its head, or member 1 where the list has no relations.
func (l *list) begins(x *line) bool {
	if l.t.has("relation") {
		relation, _ := readRelation(x.get("relation"))
		return relation == "head"
	}
	n, err := strconv.Atoi(x.get("member"))
	return err == nil && n <= 1
}

func (l *list) sameVillage(place string) bool {
	if place == "" || l.last == nil {
		return l.last != nil
	}
	code, ok := l.villages.find(place, "")
	return ok && code == l.last.village
}

func (l *list) village(place, commune string) (string, *fault) {
	if place == "" {
		return "", faultf("village_missing", "Thiếu thôn. Ghi mã hoặc tên thôn.", "The village is missing. Give its code or name.")
	}
	code, ok := l.villages.find(place, commune)
	if ok && l.o.May != nil && !l.o.May(code) {
		return "", faultf("village_not_yours", "Thôn %q không thuộc địa bàn của bạn. Bỏ dòng này, hoặc nhờ người quản trị nhập.", "The village %q is not in your area. Take the row out, or ask an administrator.", place)
	}
	if ok {
		return code, nil
	}
	if code != "" {
		return "", faultf("village_ambiguous", "Có nhiều thôn tên %q. Ghi mã thôn hoặc thêm cột xã.", "Several villages are called %q. Give the code, or a column of communes.", place)
	}
	l.proposed[ProposedVillage{Name: place, Commune: commune}]++
	return "", faultf("village_unknown", "Không có thôn %q. Nạp thôn trước (server area import), rồi nhập lại tệp này.", "There is no village %q. Import it first (server area import), then this file again.", place)
}

// fill takes a row's cells into its household, or says what is wrong with it.
func (l *list) fill(h *listedHousehold, x *line) *fault {
	if f := h.fillHousehold(x, l.o); f != nil {
		return f
	}
	m, f := l.member(x)
	if f != nil {
		return f
	}
	for _, other := range h.members {
		switch {
		case m.no != "" && other.no == m.no:
			return faultf("member_twice", "Thành viên số %s của hộ đã có ở dòng khác, nội dung khác.", "Member %s of this household stands in another row, with other content.", m.no)
		case other.relation == "head" && m.relation == "head":
			return faultf("head_twice", "Cột quan hệ: hộ đã có chủ hộ %s mà %s cũng ghi là chủ hộ. Sửa quan hệ của một người, hoặc ghi số hộ khác nếu là hai hộ.",
				"Column relation: the household has a head, %s, and %s is marked as head too. Correct one of them, or give another household number if they are two households.", other.name, m.name)
		case other.name == m.name && other.birth == m.birth && other.number == m.number && m.no == "":
			return faultf("member_twice", "%s đã có trong hộ này, nội dung khác.", "%s stands in this household already, with other content.", m.name)
		}
	}
	if len(h.members) == maxListMembers {
		return faultf("members_many", "Hộ có hơn %d người. Kiểm tra số hộ.", "The household has more than %d members. Check the household's number.", maxListMembers)
	}
	h.members = append(h.members, m)
	return nil
}

// fillHousehold takes what a row says of the household as a whole; rows of one household may not contradict each other.
func (h *listedHousehold) fillHousehold(x *line, o HouseholdOptions) *fault {
	class, ok := readClass(x.get("class"))
	if !ok {
		return faultf("class_unknown", "Không hiểu loại hộ %q. Ghi: Hộ nghèo, Hộ cận nghèo hoặc Hộ không nghèo.", "The class %q is not understood. Write poor, near_poor or not_poor.", x.get("class"))
	}
	if class == "" && h.class == "" {
		class = o.Class
	}
	if class != "" && h.class != "" && class != h.class {
		return &fault{"class_differs",
			fmt.Sprintf("Các dòng của một hộ ghi hai loại: %s và %s. Sửa cột loại hộ cho giống nhau.", ClassLabel(h.class, "vi"), ClassLabel(class, "vi")),
			fmt.Sprintf("The rows of one household have two classes: %s and %s. Make the column class agree.", ClassLabel(h.class, "en"), ClassLabel(class, "en"))}
	}
	if class != "" {
		h.class = class
	}
	for _, name := range []string{"new", "back", "old"} {
		if readMark(x.get(name)) == "yes" {
			if h.history != "" && h.history != name {
				return &fault{"history_differs",
					fmt.Sprintf("Hộ vừa ghi %s vừa ghi %s. Chỉ đánh dấu một cột.", historyLabels[h.history].In("vi"), historyLabels[name].In("vi")),
					fmt.Sprintf("The household is marked both %s and %s. Mark one column.", historyLabels[h.history].In("en"), historyLabels[name].In("en"))}
			}
			h.history = name
		}
	}
	if v := readMark(x.get("indigenous")); v != "" {
		h.indigenous = v
	}
	h.merit = h.merit || readMark(x.get("merit")) == "yes"
	h.noLabour = h.noLabour || readMark(x.get("no_labour")) == "yes"
	if f := readCount(x, "size", maxListMembers, &h.size); f != nil {
		return f
	}
	if f := readCount(x, "score", 5000, &h.score); f != nil {
		return f
	}
	if cell := x.get("date"); cell != "" {
		day, ok := readDay(cell)
		if !ok {
			return faultf("date", "Không hiểu ngày %q. Ghi như 2025-10-21 hoặc 21/10/2025.", "The date %q is not understood. Write it as 2025-10-21 or 21/10/2025.", cell)
		}
		h.date = day
	}
	for cell, to := range map[string]*string{"interviewer": &h.interviewer, "address": &h.address, "phone": &h.phone} {
		if v := x.get(cell); v != "" {
			*to = v
		}
	}
	return nil
}

var historyLabels = map[string]schema.Text{"new": {"vi": "phát sinh mới", "en": "new"}, "back": {"vi": "tái nghèo", "en": "fell back"}, "old": {"vi": "hộ cũ", "en": "old"}}

// member reads the person of a row: in a list of households the head.
func (l *list) member(x *line) (*listedMember, *fault) {
	m := &listedMember{line: x.number, name: x.get("name"), no: x.get("member"), number: strings.ReplaceAll(x.get("id_number"), " ", "")}
	perHousehold := m.name == "" && x.get("head") != ""
	if perHousehold {
		m.name = x.get("head")
	}
	if m.name == "" {
		return nil, faultf("name_missing", "Thiếu họ tên.", "The name is missing.")
	}
	relation, ok := readRelation(x.get("relation"))
	if !ok {
		return nil, faultf("relation_unknown", "Không hiểu quan hệ %q. Ghi như: Chủ hộ, Vợ/chồng, Con, Cháu, Bố/mẹ, Anh/chị/em, Khác.",
			"The relation %q is not understood. Write head, spouse, child, grandchild, parent, sibling or other.", x.get("relation"))
	}
	m.relation = relation
	if relation == "" && (perHousehold || !l.t.has("relation") && !l.t.has("member")) {
		m.relation = "head"
	}
	if m.ethnicity, ok = readEthnicity(l.s.set.Codes["ethnic-groups"], x.get("ethnicity")); !ok {
		return nil, faultf("ethnicity_unknown", "Cột dân tộc: không có %q trong danh mục. Ghi tên như Tày, Nùng, Dao, Mông, Kinh hoặc mã 01 … 54, hoặc để trống.",
			"Column ethnicity: there is no %q on the list. Write a name such as Tày, Nùng, Dao, Mông, Kinh, a code 01 … 54, or leave it empty.", x.get("ethnicity"))
	}
	return m, m.born(x, l.o.Year)
}

// born reads birth and sex: in reports 14 and 15 the year stands in the column "Nam" or "Nữ".
func (m *listedMember) born(x *line, year int) *fault {
	male, female, cell := x.get("male"), x.get("female"), x.get("birth")
	sex, ok := readSex(x.get("sex"))
	if !ok {
		return faultf("sex_unknown", "Không hiểu giới tính %q. Ghi Nam hoặc Nữ.", "The sex %q is not understood. Write male or female.", x.get("sex"))
	}
	if male != "" && female != "" {
		return faultf("sex_twice", "Năm sinh ghi ở cả cột Nam và cột Nữ. Chỉ ghi một cột.", "A birth year stands under both male and female. Keep one.")
	}
	for _, column := range [][2]string{{"male", male}, {"female", female}} {
		if column[1] == "" {
			continue
		}
		if sex != "" && sex != column[0] {
			return faultf("sex_twice", "Cột giới tính và cột năm sinh nói hai giới khác nhau.", "The column of sex and the column of the birth year disagree.")
		}
		sex = column[0]
		if cell == "" && readMark(column[1]) != "yes" {
			cell = column[1]
		}
	}
	m.sex = sex
	if cell == "" {
		return nil
	}
	if m.birth, ok = readBirth(cell); !ok || m.birth[:4] < "1900" || m.birth[:4] > strconv.Itoa(year+1) {
		return faultf("birth", "Năm sinh %q sai. Ghi đủ 4 số như 1962, hoặc 21/10/1962.", "The birth %q is wrong. Write four digits as 1962, or 1962-10-21.", cell)
	}
	return nil
}

// villageNames finds villages by code or by name.
type villageNames struct {
	codes  map[string]bool
	byName map[string][]schema.Area // folded
	places *places
}

func (s *Store) villageNames(ctx context.Context) (*villageNames, error) {
	all, err := s.importedAreas(ctx)
	v := &villageNames{codes: map[string]bool{}, byName: map[string][]schema.Area{}, places: s.places.Load()}
	for _, a := range all {
		v.codes[a.Code] = true
		name := foldVillage(a.Name)
		if !slices.ContainsFunc(v.byName[name], func(o schema.Area) bool { return o.Code == a.Code }) {
			v.byName[name] = append(v.byName[name], a)
		}
	}
	return v, err
}

// find returns the village of a cell. When several fit it returns one of them and false.
func (v *villageNames) find(place, commune string) (code string, ok bool) {
	if v.codes[place] {
		return place, true
	}
	var fit []string
	for _, a := range v.byName[foldVillage(place)] {
		if commune == "" || v.inCommune(a.Code, commune) {
			fit = append(fit, a.Code)
		}
	}
	if len(fit) == 0 {
		return "", false
	}
	return fit[0], len(fit) == 1
}

func (v *villageNames) inCommune(village, commune string) bool {
	want := foldVillage(commune)
	for _, code := range v.places.ancestors(village) {
		a, known := v.places.any(code)
		if code == commune || known && a.Level == schema.LevelCommune && foldVillage(a.Name) == want {
			return true
		}
	}
	return false
}
