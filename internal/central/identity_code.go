package central

import (
	"crypto/rand"
	"strings"
)

// An enrolment code is nine random characters (45 bits, valid a day, guesses are throttled) and a check character,
// written "K7QM-2XRT-9C". The alphabet leaves out I, L, O and U: what is typed for 1 and 0 is read as such.
const codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const codeLength = 10 // with the check character

// newCode returns a fresh code as it is shown.
func newCode() string {
	b := make([]byte, codeLength)
	rand.Read(b[:codeLength-1]) // never fails
	for i := range b[:codeLength-1] {
		b[i] = codeAlphabet[b[i]&31]
	}
	b[codeLength-1] = checkCharacter(string(b[:codeLength-1]))
	return string(b[:4]) + "-" + string(b[4:8]) + "-" + string(b[8:])
}

// readCode turns what a person typed (small letters, O for 0, with or without dashes) into the code without dashes.
// It is false when the check character says that it was mistyped.
func readCode(typed string) (string, bool) {
	var b strings.Builder
	for _, r := range strings.ToUpper(typed) {
		switch r {
		case '-', ' ', '\t', '–', '—', '.':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if !strings.ContainsRune(codeAlphabet, r) || b.Len() >= codeLength {
			return "", false
		}
		b.WriteRune(r)
	}
	code := b.String()
	return code, len(code) == codeLength && checkCharacter(code[:codeLength-1]) == code[codeLength-1]
}

// checkCharacter is the sum of α^i·c_i over the field of 32 elements (x^5 + x^2 + 1): it finds every single wrong
// character and every two that changed places.
func checkCharacter(code string) byte {
	sum := 0
	for i := len(code) - 1; i >= 0; i-- {
		sum = timesAlpha(sum ^ strings.IndexByte(codeAlphabet, code[i]))
	}
	return codeAlphabet[sum]
}

func timesAlpha(v int) int {
	v <<= 1
	if v > 31 {
		v ^= 0b100101
	}
	return v
}
