package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"sort"
	"strings"
)

// sumFile holds one line a published file, as sha256sum prints it: 64 hex digits, two spaces, the path.
//
// A published file is never edited: answers given under it must stay readable as they were asked. To add a version:
// write the new file, run `server check DIR`, let it print the new list (`server check --publish DIR`, which is Sum), and
// store that as published.sum in the same commit. Lines that already stood there must come out unchanged.
const sumFile = "published.sum"

// Sum returns the text of published.sum for a folder: every definition file with its SHA-256, sorted by path. It
// refuses a folder in which a file already published was changed or is missing.
func Sum(fsys fs.FS) ([]byte, error) {
	l := &loader{set: &Set{}}
	l.readFiles(fsys)
	checkSums(l.set, &l.problems)
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	return []byte(sums(l.set.files)), nil
}

func sums(files map[string][]byte) string {
	var lines []string
	for p, data := range files {
		if p != sumFile {
			lines = append(lines, hexSum(data)+"  "+p+"\n")
		}
	}
	sort.Slice(lines, func(i, j int) bool { return lines[i][64:] < lines[j][64:] })
	return strings.Join(lines, "")
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// published reads published.sum; a folder without one has published nothing yet.
func published(data []byte, to *Problems) map[string]string {
	known := map[string]string{}
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		if line == "" {
			continue
		}
		sum, p, ok := strings.Cut(strings.TrimSuffix(line, "\r"), "  ")
		if _, err := hex.DecodeString(sum); !ok || len(sum) != 64 || err != nil || p == "" {
			to.add(sumFile, i+1, "sum_line", line)
			continue
		}
		known[p] = sum
	}
	return known
}

// checkSums compares each file with its published sum and names the state of the whole folder.
func checkSums(s *Set, to *Problems) {
	for p, want := range published(s.files[sumFile], to) {
		data, ok := s.files[p]
		if !ok {
			to.add(p, 0, "published_missing")
			continue
		}
		if got := hexSum(data); got != want {
			to.add(p, 0, "published_changed", got, want)
		}
	}
	s.Sum = hexSum([]byte(sums(s.files)))
}

// Drafts lists the files that are not in published.sum yet: they may be tried, and must not be used for a real round.
func (s *Set) Drafts() []string {
	var ignored Problems
	known := published(s.files[sumFile], &ignored)
	var out []string
	for p := range s.files {
		if _, ok := known[p]; !ok && p != sumFile {
			out = append(out, p)
		}
	}
	sort.Strings(out)
	return out
}
