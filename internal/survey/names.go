package survey

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// FoldName is the form of a name that search and the duplicate detector compare: without marks and letter case, đ as d,
// y and i alike at the end of a syllable ("Sỹ", "Sĩ"), single spaces, no punctuation. "Hoà", "Hòa" and "HOA" are one.
func FoldName(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range norm.NFD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r):
			continue
		case r == 'đ' || r == 'Đ' || r == 'ð' || r == 'Ð':
			r = 'd'
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			r = unicode.ToLower(r)
		case r == '\'' || r == '’' || r == 'ʼ' || r == '`':
			continue // M'Nông, H'…
		default:
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return foldY(b.String())
}

// foldY writes y as i where it is the syllable's only vowel: "sy" and "si", "ly" and "li" are one name in two spellings,
// "thuy" and "thui" are not.
func foldY(s string) string {
	if !strings.Contains(s, "y") {
		return s
	}
	words := strings.Split(s, " ")
	for i, w := range words {
		if stem, ok := strings.CutSuffix(w, "y"); ok && stem != "" && !strings.ContainsAny(stem, "aeiouy") {
			words[i] = stem + "i"
		}
	}
	return strings.Join(words, " ")
}

// GivenName is the last word of a Vietnamese name, by which people are called and lists are sorted.
func GivenName(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// givenFirst is the name in the order in which lists sort: given name, then family name, then what stands between.
func givenFirst(name string) string {
	words := strings.Fields(norm.NFC.String(name))
	n := len(words)
	if n < 2 {
		return strings.Join(words, " ")
	}
	return strings.Join(append([]string{words[n-1], words[0]}, words[1:n-1]...), "\x00")
}

// collators are not safe for concurrent use, and dear to make.
var collators = sync.Pool{New: func() any { return collate.New(language.Vietnamese) }}

// CompareNames orders names as a Vietnamese list does: by given name, then family name, then the middle, each in the order
// of the Vietnamese alphabet and its tones.
func CompareNames(a, b string) int {
	c := collators.Get().(*collate.Collator)
	defer collators.Put(c)
	return cmp.Or(compareParts(c, givenFirst(a), givenFirst(b)), strings.Compare(a, b))
}

func compareParts(c *collate.Collator, a, b string) int {
	return slices.CompareFunc(strings.Split(a, "\x00"), strings.Split(b, "\x00"), c.CompareString)
}

// NameKey is a sort key: keys compared as bytes give the order of CompareNames. For indexes of a store.
func NameKey(name string) []byte {
	c := collators.Get().(*collate.Collator)
	defer collators.Put(c)
	var buf collate.Buffer
	var key []byte
	for _, part := range strings.Split(givenFirst(name), "\x00") {
		key = append(key, c.KeyFromString(&buf, part)...)
		key = append(key, 0, 0, 0)
		buf.Reset()
	}
	return key
}

// SortNames sorts by the name that name gives for each item.
func SortNames[T any](items []T, name func(T) string) {
	slices.SortStableFunc(items, func(a, b T) int { return CompareNames(name(a), name(b)) })
}
