package sync

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/uuid"
)

// testKey is the fixed key of the golden files; it has never been used for anything else.
var testKey = ed25519.NewKeyFromSeed([]byte("rasoat golden wire files, seed 1"))

// testReplica is the replica of the golden files.
const testReplica = "kJ3-x_0aQeM"

// author makes the changes of one replica with their chain, as a tablet does.
type author struct {
	replica string
	key     ed25519.PrivateKey
	account string
	lines   []Line
	rnd     *rand.Rand
	clock   int64 // Unix milliseconds; moves on with the work, as a day in the field does
}

func newAuthor(seed uint64) *author {
	var s [32]byte
	rnd := rand.New(rand.NewPCG(seed, 7))
	for i := range s {
		s[i] = byte(rnd.Uint32())
	}
	id := B64(s[:8]).String()
	return &author{replica: id, key: ed25519.NewKeyFromSeed(s[:]), account: fmt.Sprintf("en%04d", seed), rnd: rnd, clock: 1790000000000}
}

func (a *author) public() ed25519.PublicKey { return a.key.Public().(ed25519.PublicKey) }

func (a *author) head() Have {
	if len(a.lines) == 0 {
		return Have{0, ChainStart(a.replica, a.public())}
	}
	last := a.lines[len(a.lines)-1]
	return Have{last.Seq, last.H}
}

// write encodes a change as the next of the feed; fields that are empty get the usual value.
func (a *author) write(t testing.TB, c *Change) *Change {
	t.Helper()
	head := a.head()
	c.Dot = Dot{a.replica, head.Seq + 1}
	c.Account, c.Role = a.account, "enumerator"
	if c.Form == "" {
		c.Form = "household/2026.1"
	}
	if c.At == 0 {
		c.At = a.later(90_000)
	}
	c.N = c.Dot.Seq + 3
	if err := c.Encode(); err != nil {
		t.Fatal(err)
	}
	a.raw(c.Bytes)
	return c
}

// raw appends any bytes as the next line of the feed.
func (a *author) raw(line []byte) {
	head := a.head()
	l := Line{Seq: head.Seq + 1, Bytes: line, H: ChainNext(head.H, line)}
	l.Change, l.Fault = DecodeChange(a.replica, line)
	a.lines = append(a.lines, l)
}

// segment cuts from..to out of the feed and signs it.
func (a *author) segment(from, to uint64) *Segment {
	prev := ChainStart(a.replica, a.public())
	if from > 1 {
		prev = a.lines[from-2].H
	}
	h := a.lines[to-1].H
	return &Segment{
		PushHead: PushHead{a.replica, from, to, prev, h, SignHead(a.key, a.replica, to, h)},
		Lines:    a.lines[from-1 : to],
	}
}

// later moves the author's clock on by up to so many milliseconds.
func (a *author) later(upTo int) int64 {
	a.clock += int64(a.rnd.IntN(upTo))
	return a.clock
}

// id7 is a UUIDv7 of the author's clock and random source.
func (a *author) id7() string {
	var id uuid.UUID
	ms := uint64(a.later(60_000))
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	for i := 6; i < 16; i++ {
		id[i] = byte(a.rnd.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id.String()
}

var (
	surnames = []string{"Nguyễn", "Trần", "Hoàng", "Triệu", "Nông", "Lý", "Đặng", "Bàn", "Hà", "Phùng", "Lường", "Vi"}
	middles  = []string{"Văn", "Thị", "Đức", "Thu", "Minh", "Hữu", "Thanh", "Ngọc", "Kim", "Quang"}
	givens   = []string{"An", "Bình", "Chung", "Dung", "Giang", "Hằng", "Hương", "Khánh", "Liên", "Mai", "Nghĩa", "Oanh", "Phúc", "Quý", "Sơn", "Thảo", "Tuyết", "Uyên", "Vân", "Yến"}
	hamlets  = []string{"Nà Cà", "Khuổi Lặng", "Nà Lồm", "Bản Luông", "Phiêng An", "Cốc Xả", "Nà Thinh"}
)

func choose[T any](a *author, of ...T) T { return of[a.rnd.IntN(len(of))] }

// household writes the two changes of a new household: the household itself, and its interview with 59 answers and four
// members of 12 answers each; what most families share is as common here as there. All people are made up.
func (a *author) household(t testing.TB, round, scope string) (household, interview string) {
	a.later(1_200_000) // the walk to the next house
	household = a.id7()
	interview = InterviewID(round, household)
	q := func(s string) []byte { return appendText(nil, s) }
	name := func() string {
		return choose(a, surnames...) + " " + choose(a, middles...) + " " + choose(a, givens...)
	}
	a.write(t, &Change{Record: household, Kind: "household", Op: OpCreate, Scope: scope, Writes: []Write{
		{".", q("active")}, {"village", q(scope)}, {"household_code", q(fmt.Sprintf("%s-%04d", scope, a.rnd.IntN(2000)))},
		{"address", q("Thôn " + choose(a, hamlets...) + ", số " + strconv.Itoa(1+a.rnd.IntN(120)))},
		{"phone", q(fmt.Sprintf("09%08d", a.rnd.IntN(100_000_000)))},
	}})
	members := []string{a.id7(), a.id7(), a.id7(), a.id7()}
	w := []Write{{".", q("active")}, {"household", q(household)}, {"round", q(round)}, {"village", q(scope)}, {"outcome", q("interviewed")},
		{"interest", q("none")}, {"respondent", q(members[0])}, {"signed", q("yes")}, {"review_date", q(fmt.Sprintf("2026-10-%02d", 1+a.rnd.IntN(30)))},
		{"head", q(members[0])}, {"b1_score", strconv.AppendInt(nil, int64(40+a.rnd.IntN(160)), 10)},
		{"income_per_capita", strconv.AppendInt(nil, int64(600+a.rnd.IntN(2400))*1000, 10)},
		{"livelihood", q(choose(a, "agriculture", "forestry", "other"))},
		{"house_wall", q(choose(a, "durable", "durable", "durable", "non_durable"))}, {"house_column", q(choose(a, "durable", "durable", "durable", "non_durable"))},
		{"house_roof", q(choose(a, "durable", "durable", "durable", "non_durable"))}, {"house_area", []byte(fmt.Sprintf("%d.%d", 18+a.rnd.IntN(90), a.rnd.IntN(10)))},
		{"water", q(choose(a, "tap", "drilled_well", "protected_spring", "rain", "surface"))}, {"toilet", q(choose(a, "septic", "pour_flush", "other", "none"))},
		{"waste", q(choose(a, "collected", "burned", "dumped"))}, {"internet_use", q(choose(a, "yes", "yes", "yes", "no"))}, {"status", q("complete")},
		{"gps", []byte(fmt.Sprintf(`{"lat":%.5f,"lon":%.5f,"accuracy_m":%d}`, 22.0+a.rnd.Float64()/3, 105.7+a.rnd.Float64()/3, 3+a.rnd.IntN(20)))}}
	for _, u := range []string{"means/tv", "means/radio", "means/desktop", "means/phone", "means/laptop", "means/tablet", "means/smartphone",
		"causes/land", "causes/capital", "causes/labour", "causes/tools", "causes/knowledge", "causes/skills", "causes/illness", "causes/other",
		"support_wanted/health", "support_wanted/education", "support_wanted/production", "support_wanted/credit", "support_wanted/housing", "support_wanted/other"} {
		w = append(w, Write{u, q(choose(a, "yes", "no", "no"))})
	}
	for i := 1; len(w) < 59; i++ {
		w = append(w, Write{fmt.Sprintf("b1/item%02d", i), strconv.AppendInt(nil, int64(a.rnd.IntN(12)*5), 10)})
	}
	ethnicity := choose(a, "01", "02", "02", "02", "07", "09", "18") // of one family
	for i, m := range members {
		p := "m/" + m + "/"
		w = append(w, Write{p + ".", q("active")}, Write{p + "name", q(name())},
			Write{p + "birth", q(fmt.Sprintf("%d-%02d-%02d", 1950+a.rnd.IntN(70), 1+a.rnd.IntN(12), 1+a.rnd.IntN(28)))},
			Write{p + "sex", q(choose(a, "male", "female"))}, Write{p + "relation", q([]string{"head", "spouse", "child", "child"}[i])},
			Write{p + "ethnicity", q(ethnicity)}, Write{p + "attending", q(choose(a, "none", "primary", "lower_secondary"))},
			Write{p + "degree", q(choose(a, "none", "primary", "lower_secondary", "upper_secondary"))},
			Write{p + "work", q(choose(a, "self_employed", "wage_no_contract", "unable"))}, Write{p + "health_insurance", q(choose(a, "yes", "yes", "yes", "yes", "yes", "no"))},
			Write{p + "social_assistance", q(choose(a, "yes", "no", "no", "no", "no", "no", "no"))}, Write{p + "disabled", q(choose(a, "no", "no", "no", "no", "no", "no", "no", "no", "no", "no", "no", "yes"))})
	}
	a.write(t, &Change{Record: interview, Kind: "interview", Op: OpCreate, Scope: scope, Writes: w})
	return household, interview
}

const testRound = "0199c0de-0000-7000-8000-000000000001"
