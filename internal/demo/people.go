package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/google/uuid"
)

// random is the only source of chance of the demo, so that one seed gives one district.
type random struct{ *rand.Rand }

func newRandom(seed uint64) *random { return &random{rand.New(rand.NewPCG(seed, 0x7a50a7))} }

func pickOne[T any](r *random, list []T) T { return list[r.IntN(len(list))] }

func (r *random) chance(percent int) bool { return r.IntN(100) < percent }

// id returns a UUIDv7-shaped id out of the seed.
func (r *random) id() string {
	var u uuid.UUID
	for i := range u {
		u[i] = byte(r.Uint32())
	}
	u[0], u[1], u[2] = 0x01, 0x92, 0x8f // some instant of October 2024: for index locality, never read as a date
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}

// Household is a made-up household with the answers its interview will give.
type Household struct {
	ID      string
	Code    string // official household code, an attribute
	Village Village
	Class   string // what the answers must come to: poor near_poor not_poor
	Listed  string // why it is reviewed: last_list request board; "" when the law would not review it
	Prior   string // class on the last recognised list
	Members []Person
	Answers map[string]any // units of the interview without the members'
}

// Person is a made-up member.
type Person struct {
	ID      string
	Answers map[string]any // member units
	age     int            // completed years on ReviewDate
}

// Head returns the head of household.
func (h *Household) Head() Person { return h.Members[0] }

// Population makes the whole district. The same seed gives the same people.
func Population(seed uint64) ([]Village, []Household) {
	r := newRandom(seed)
	var villages []Village
	var households []Household
	for _, c := range communes {
		own := c.villageList(r)
		villages = append(villages, own...)
		classes := make([]string, c.households)
		for i := range classes {
			switch {
			case i < c.poor:
				classes[i] = "poor"
			case i < c.poor+c.nearPoor:
				classes[i] = "near_poor"
			default:
				classes[i] = "not_poor"
			}
		}
		r.Shuffle(len(classes), func(i, j int) { classes[i], classes[j] = classes[j], classes[i] })
		for i, class := range classes {
			v := own[i*len(own)/len(classes)]
			households = append(households, r.household(c, v, i+1, class))
		}
	}
	return villages, households
}

func (r *random) household(c commune, v Village, number int, class string) Household {
	h := Household{
		ID: r.id(), Code: fmt.Sprintf("%s%05d", c.code, number), Village: v, Class: class,
		Answers: map[string]any{}, Prior: "not_poor",
	}
	h.Members = r.family(pickOne(r, ethnicMix))
	h.answerHouse(r)
	h.makeClass(r, c.code == Town)
	h.whyReviewed(r)
	return h
}

// whyReviewed puts every poor and near-poor household on the last list or among those who asked, and some others too.
func (h *Household) whyReviewed(r *random) {
	switch roll := r.IntN(100); {
	case h.Class == "poor" && roll < 90, h.Class == "near_poor" && roll < 80:
		h.Listed, h.Prior = "last_list", pickOne(r, []string{"poor", "poor", "near_poor"})
	case h.Class != "not_poor":
		h.Listed = "request"
	case roll < 5:
		h.Listed, h.Prior = "last_list", pickOne(r, []string{"poor", "near_poor"})
	case roll < 7:
		h.Listed = "request"
	}
}

// people of the district by ethnicity: code of the 1979 list, family names.
type people struct {
	code   string
	family []string
}

var ethnicMix = []people{
	{"02", []string{"Hoàng", "Nông", "Hà", "Lường", "Ma", "Lý", "Nguyễn"}}, // Tày
	{"02", []string{"Hoàng", "Nông", "Hà", "Đinh", "Ngôn", "Triệu"}},
	{"02", []string{"Hoàng", "Nông", "Lường", "Ma", "Lưu", "Dương"}},
	{"07", []string{"Nông", "Hoàng", "Lý", "Vi", "Mông", "Lương"}}, // Nùng
	{"09", []string{"Bàn", "Triệu", "Đặng", "Lý", "Phùng"}},        // Dao
	{"01", []string{"Nguyễn", "Trần", "Phạm", "Lê", "Vũ"}},         // Kinh
	{"08", []string{"Sùng", "Giàng", "Vàng", "Lầu"}},               // HMông
}

var (
	womenMiddle = []string{"Thị", "Thị", "Thị", "Thu", "Hồng", "Mùi", "Ngọc"}
	menMiddle   = []string{"Văn", "Văn", "Đình", "Xuân", "Quốc", "Đức", "Minh"}
	womenGiven  = []string{"Hường", "Huệ", "Lan", "Mai", "Nhung", "Thắm", "Hiền", "Bích", "Duyên", "Nga", "Ước", "Yến", "Quỳnh", "Liễu", "Thuỷ", "Hằng", "Tuyết", "Ngoan", "Xuyến", "Điệp"}
	menGiven    = []string{"Páo", "Dũng", "Hùng", "Thắng", "Cường", "Nghĩa", "Tuấn", "Phúc", "Lâm", "Sơn", "Đạt", "Thượng", "Hiếu", "Quân", "Chiến", "Tú", "Khôi", "Đồng", "Sáng", "Vượng"}
)

func (r *random) name(family, sex string) string {
	if sex == "female" {
		return family + " " + pickOne(r, womenMiddle) + " " + pickOne(r, womenGiven)
	}
	return family + " " + pickOne(r, menMiddle) + " " + pickOne(r, menGiven)
}

// family makes one of the usual households: a couple with children, three generations, an elder alone, a widow with children.
func (r *random) family(of people) []Person {
	name := pickOne(r, of.family)
	var list []Person
	add := func(relation, sex string, age int, family string) {
		list = append(list, r.person(of.code, r.name(family, sex), relation, sex, age))
	}
	headAge := 28 + r.IntN(38)
	switch roll := r.IntN(100); {
	case roll < 6:
		add("head", pickOne(r, []string{"male", "female", "female"}), 66+r.IntN(20), name)
		return list
	case roll < 14:
		add("head", "male", 62+r.IntN(16), name)
		add("spouse", "female", 61+r.IntN(14), pickOne(r, of.family))
	case roll < 20:
		headAge = 30 + r.IntN(20)
		add("head", "female", headAge, name)
	default:
		add("head", "male", headAge, name)
		add("spouse", "female", max(20, headAge-3+r.IntN(5)), pickOne(r, of.family))
		if r.chance(20) {
			add("parent", "female", headAge+22+r.IntN(8), pickOne(r, of.family))
		}
	}
	for range 1 + r.IntN(3) {
		if age := headAge - 22 - r.IntN(14); age >= 0 && age < 40 {
			add("child", pickOne(r, []string{"male", "female"}), age, name)
		}
	}
	return list
}

func (r *random) person(ethnicity, name, relation, sex string, age int) Person {
	year, month, day := 2024-age, 1+r.IntN(12), 1+r.IntN(28)
	if month > 10 || month == 10 && day > 15 {
		year-- // the birthday of this year is still to come on ReviewDate
	}
	p := Person{ID: r.id(), age: age, Answers: map[string]any{
		"name": name, "sex": sex, "relation": relation, "ethnicity": ethnicity,
		"birth":            fmt.Sprintf("%04d-%02d-%02d", year, month, day),
		"birth_source":     "id_card",
		"health_insurance": "yes", "social_assistance": "no", "disabled": "no",
		"merit": "no", "no_labour_capacity": "no",
	}}
	if age >= 75 && r.chance(60) { // many elders know no more than the year; it is stored as such
		p.Answers["birth"], p.Answers["birth_source"] = fmt.Sprintf("%04d", year), "stated"
	} else if age < 14 {
		p.Answers["birth_source"] = "birth_certificate"
	}
	p.identity(r, sex, year)
	p.school(r)
	p.work(r)
	if age < 16 {
		p.Answers["stunted"], p.Answers["underweight"], p.Answers["nutrition_source"] = "no", "no", "station"
	}
	if age >= 80 {
		p.Answers["social_assistance"] = "yes"
		p.Answers["no_labour_capacity"] = "yes"
	}
	return p
}

// identity gives a made-up personal number whose parts agree with birth and sex; the six last digits are random.
func (p *Person) identity(r *random, sex string, year int) {
	if p.age > 70 && r.chance(15) {
		p.Answers["id_status"] = "none"
		return
	}
	g := 0
	if year >= 2000 {
		g = 2
	}
	if sex == "female" {
		g++
	}
	p.Answers["id_status"] = "has"
	p.Answers["id_number"] = fmt.Sprintf("006%d%02d%06d", g, year%100, r.IntN(1_000_000))
}

func (p *Person) school(r *random) {
	switch age := p.age; {
	case age < 3:
		return
	case age < 6:
		p.Answers["attending"] = "preschool"
	case age < 12:
		p.Answers["attending"] = "primary"
	case age < 16:
		p.Answers["attending"] = "lower_secondary"
	case age < 18:
		p.Answers["attending"], p.Answers["degree"] = "upper_secondary", "lower_secondary"
	case age < 31:
		p.Answers["attending"], p.Answers["job_certified"] = "none", "no"
		p.Answers["degree"] = pickOne(r, []string{"upper_secondary", "upper_secondary", "vocational_elementary", "college", "university"})
	default:
		p.Answers["degree"] = pickOne(r, []string{"primary", "lower_secondary", "lower_secondary", "upper_secondary"})
	}
	if p.age == 15 {
		p.Answers["degree"] = "primary"
	}
}

func (p *Person) work(r *random) {
	switch age := p.age; {
	case age < 15:
	case age < 18:
		p.Answers["work"] = "studying"
	case age < 62:
		p.Answers["work"] = pickOne(r, []string{"self_employed", "self_employed", "self_employed", "wage_contract"})
	case age < 75:
		p.Answers["work"] = pickOne(r, []string{"self_employed", "retired"})
	default:
		p.Answers["work"] = "unable"
	}
}

// answerHouse gives the answers of a household that lacks nothing; makeClass takes away what its class needs.
func (h *Household) answerHouse(r *random) {
	a := h.Answers
	a["outcome"], a["review_date"], a["village"] = "interviewed", ReviewDate, h.Village.Code
	a["household_size"], a["head"], a["respondent"] = len(h.Members), h.Head().ID, h.Head().ID
	a["interest"], a["signed"] = "none", "screen"
	a["livelihood"] = pickOne(r, []string{"agriculture", "agriculture", "forestry", "other"})
	a["house_wall"], a["house_column"], a["house_roof"] = "durable", "durable", "durable"
	a["house_area"] = float64(len(h.Members)*(9+r.IntN(12))) + float64(r.IntN(10))/10
	a["water"] = pickOne(r, []string{"tap", "drilled_well", "protected_dug_well", "protected_spring"})
	a["toilet"] = pickOne(r, []string{"septic", "semi_septic", "pour_flush", "two_compartment"})
	a["internet_use"] = "yes"
	for _, m := range means {
		a["means/"+m] = yesNo(r.chance(30))
	}
	a["means/tv"], a["means/phone"] = "yes", "yes"
	a["waste"] = pickOne(r, []string{"collected", "treated_at_home", "burned", "dumped"})
	a["indigenous"] = yesNo(h.Head().Answers["ethnicity"] != "01")
	a["b1_source"], a["status"] = "sheet", "complete"
}

var means = []string{"tv", "radio", "desktop", "phone", "laptop", "tablet", "smartphone"}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// makeClass sets the score B1 and takes away as many indicators as the class needs.
func (h *Household) makeClass(r *random, urban bool) {
	line := 140
	if urban {
		line = 175
	}
	lacks := 0
	if h.dependentsOverHalf() {
		lacks = 1
	}
	want := 0
	switch h.Class {
	case "poor":
		h.Answers["b1_score"], want = line-r.IntN(60), 3+r.IntN(4)
	case "near_poor":
		h.Answers["b1_score"], want = line-r.IntN(35), r.IntN(3)
	default:
		h.Answers["b1_score"], want = line+1+r.IntN(160), r.IntN(4)
	}
	ways := lackWays()
	r.Shuffle(len(ways), func(i, j int) { ways[i], ways[j] = ways[j], ways[i] })
	for _, lack := range ways {
		if lacks >= want {
			break
		}
		if lack(h, r) {
			lacks++
		}
	}
	if h.Class != "not_poor" {
		for _, cause := range []string{"land", "capital", "labour", "tools", "knowledge", "skills", "illness", "other"} {
			h.Answers["causes/"+cause] = yesNo(r.chance(30))
		}
		for _, s := range []string{"health", "education", "production", "credit", "housing", "other"} {
			h.Answers["support_wanted/"+s] = yesNo(r.chance(35))
		}
	}
}

func (h *Household) dependentsOverHalf() bool {
	n := 0
	for _, m := range h.Members {
		if m.age < 16 || m.age >= 60 && m.Answers["social_assistance"] == "yes" {
			n++
		}
	}
	return 2*n > len(h.Members)
}

// lackWays are the indicators a household can be made to lack. Each tells whether this household can lack it at all: one
// without children cannot lack schooling. Dependents follow from who lives there and are not among them.
func lackWays() []func(*Household, *random) bool {
	member := func(from, to int, set func(Person, *random)) func(*Household, *random) bool {
		return func(h *Household, r *random) bool {
			for _, m := range h.Members {
				if m.age >= from && m.age <= to {
					set(m, r)
					return true
				}
			}
			return false
		}
	}
	house := func(set func(a map[string]any, h *Household, r *random)) func(*Household, *random) bool {
		return func(h *Household, r *random) bool { set(h.Answers, h, r); return true }
	}
	return []func(*Household, *random) bool{
		member(20, 54, func(m Person, r *random) {
			m.Answers["work"] = pickOne(r, []string{"wage_no_contract", "wage_no_contract", "unemployed"})
		}),
		member(0, 15, func(m Person, r *random) { m.Answers[pickOne(r, []string{"stunted", "underweight"})] = "yes" }),
		member(6, 120, func(m Person, _ *random) { m.Answers["health_insurance"] = "no" }),
		member(18, 30, func(m Person, _ *random) { m.Answers["degree"] = "lower_secondary" }),
		member(6, 15, func(m Person, _ *random) { m.Answers["attending"] = "none" }),
		house(func(a map[string]any, _ *Household, _ *random) {
			a["house_wall"], a["house_column"] = "non_durable", "non_durable"
		}),
		house(func(a map[string]any, h *Household, _ *random) { a["house_area"] = float64(len(h.Members)*8) - 0.1 }),
		house(func(a map[string]any, _ *Household, r *random) {
			a["water"] = pickOne(r, []string{"unprotected_spring", "unprotected_dug_well", "surface"})
		}),
		house(func(a map[string]any, _ *Household, r *random) { a["toilet"] = pickOne(r, []string{"other", "none"}) }),
		house(func(a map[string]any, _ *Household, _ *random) { a["internet_use"] = "no" }),
		house(func(a map[string]any, _ *Household, _ *random) {
			for _, m := range means {
				a["means/"+m] = "no"
			}
		}),
	}
}

// Units returns every answer of the interview under its unit's path, the members' included.
func (h *Household) Units() map[string]any {
	all := make(map[string]any, len(h.Answers)+16*len(h.Members))
	for unit, v := range h.Answers {
		all[unit] = v
	}
	for _, m := range h.Members {
		for unit, v := range m.Answers {
			all[strings.Join([]string{"m", m.ID, unit}, "/")] = v
		}
	}
	return all
}
