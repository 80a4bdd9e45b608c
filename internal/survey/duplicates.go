package survey

import (
	"slices"
	"strings"

	"github.com/rasoat/rasoat/schema"
)

// DuplicateKey is one sign under which two households may be one. Equal keys are a proposal for a person to look at; nothing
// is ever joined or deleted by them.
type DuplicateKey struct {
	Kind string // "code", "id", "phone", "name"
	Key  string
}

// DuplicateKeys are the keys of a household: its official code, the identity number of its head, its telephone, and for each
// member with a known birth year the folded name, the year and the village. household holds the household's own record.
func DuplicateKeys(iv *Interview, householdCode, phone, village string) []DuplicateKey {
	var keys []DuplicateKey
	add := func(kind, key string) {
		k := DuplicateKey{kind, key}
		if key != "" && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	add("code", strings.ToUpper(strings.Join(strings.Fields(householdCode), "")))
	add("phone", phoneKey(phone))
	for _, m := range iv.Members() {
		id := onlyDigits(iv.Text("m/" + m.ID + "/id_number"))
		if m.Head && len(id) >= 9 {
			add("id", id)
		}
		_, ok := ParseBirth(m.Birth)
		if name := FoldName(m.Name); ok && name != "" && village != "" {
			add("name", name+"|"+m.Birth[:4]+"|"+village)
		}
	}
	return keys
}

// PersonKeys are the keys under which one person may stand in two households.
func PersonKeys(iv *Interview, member, village string) []DuplicateKey {
	prefix := "m/" + member + "/"
	var keys []DuplicateKey
	if id := onlyDigits(iv.Text(prefix + "id_number")); len(id) >= 9 {
		keys = append(keys, DuplicateKey{"id", id})
	}
	birth := iv.Text(prefix + "birth")
	if name := FoldName(iv.Text(prefix + "name")); name != "" && village != "" {
		if _, ok := ParseBirth(birth); ok {
			keys = append(keys, DuplicateKey{"name", name + "|" + birth[:4] + "|" + village})
		}
	}
	return keys
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// phoneKey writes +84 912… and 0912… alike; fewer than nine digits are no number.
func phoneKey(s string) string {
	d := onlyDigits(s)
	if rest, ok := strings.CutPrefix(d, "84"); ok && len(rest) >= 9 {
		d = "0" + rest
	}
	if len(d) < 9 {
		return ""
	}
	return d
}

// IDNumber is what a 12-digit personal number says by itself: sex and birth year (NĐ 137/2015 Art. 13). There is no checksum.
type IDNumber struct {
	Province string // of birth registration, never of residence
	Year     int
	Sex      string // "male" or "female"
}

// ParseIDNumber reads a 12-digit number; ok is false for anything else (an old 9-digit number, none at all).
func ParseIDNumber(s string) (id IDNumber, ok bool) {
	if len(s) != 12 || onlyDigits(s) != s || s[0] != '0' {
		return IDNumber{}, false
	}
	g := int(s[3] - '0')
	yy, _ := digits(s[4:6])
	id = IDNumber{Province: s[:3], Year: 1900 + g/2*100 + yy, Sex: "male"}
	if g%2 == 1 {
		id.Sex = "female"
	}
	return id, true
}

// differs tells whether the number contradicts what is written. What is not written contradicts nothing.
func (id IDNumber) differs(birth, sex string) bool {
	if b, ok := ParseBirth(birth); ok && b.First.Year != id.Year {
		return true
	}
	return (sex == "male" || sex == "female") && sex != id.Sex
}

var sexText = map[string]schema.Text{"male": {"vi": "nam", "en": "male"}, "female": {"vi": "nữ", "en": "female"}}
