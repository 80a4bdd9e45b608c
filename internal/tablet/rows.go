package tablet

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// appendTo writes the row in the order readListed reads it; the list is read at every start, so it is not JSON.
func (d *listed) appendTo(b []byte) []byte {
	for _, text := range []string{d.Head, d.Code, d.Village, d.Removed, d.folded, string(d.key)} {
		b = appendText(b, text)
	}
	b = binary.AppendUvarint(b, uint64(d.conflicts))
	b = binary.AppendUvarint(b, uint64(len(d.Rounds)))
	for _, in := range d.Rounds {
		for _, text := range []string{in.Round, in.Interview, in.Day, in.Class, in.Official, in.Prior, in.Outcome} {
			b = appendText(b, text)
		}
		flags := uint64(0)
		for i, is := range []bool{in.Answered, in.Complete, in.Returned} {
			if is {
				flags |= 1 << i
			}
		}
		for _, n := range []uint64{uint64(in.Members), uint64(in.Conflicts), uint64(in.AskLater), flags} {
			b = binary.AppendUvarint(b, n)
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errListed = errors.New("a row of the list is cut short")

func readListed(id string, b []byte) (*listed, error) {
	in := reader{text: string(b)}
	d := &listed{ID: id, Head: in.string(), Code: in.string(), Village: in.string(), Removed: in.string(), folded: in.string(), key: []byte(in.string())}
	d.conflicts = in.number()
	for range in.number() {
		r := inRound{Round: in.string(), Interview: in.string(), Day: in.string(), Class: in.string(), Official: in.string(),
			Prior: in.string(), Outcome: in.string(), Members: in.number(), Conflicts: in.number(), AskLater: in.number()}
		flags := in.number()
		r.Answered, r.Complete, r.Returned = flags&1 != 0, flags&2 != 0, flags&4 != 0
		if in.cut {
			break
		}
		d.Rounds = append(d.Rounds, r)
	}
	if in.cut {
		return nil, errListed
	}
	return d, nil
}

// reader reads texts that share one piece of memory.
type reader struct {
	text string
	cut  bool
}

func (in *reader) number() int {
	var n uint64
	for i := 0; i < len(in.text) && i < binary.MaxVarintLen64; i++ {
		n |= uint64(in.text[i]&0x7f) << (7 * i)
		if in.text[i] < 0x80 {
			in.text = in.text[i+1:]
			return int(min(n, 1<<31))
		}
	}
	in.text, in.cut = "", true
	return 0
}

func (in *reader) string() string {
	n := in.number()
	if n > len(in.text) {
		in.text, in.cut = "", true
		return ""
	}
	s := in.text[:n]
	in.text = in.text[n:]
	return s
}

var collator = struct {
	sync.Mutex
	c   *collate.Collator
	buf collate.Buffer
}{c: collate.New(language.Vietnamese, collate.Numeric)}

// sortKey orders names of people as Vietnamese lists do: by the given name, which stands last, then by the rest.
func sortKey(name string) []byte {
	name = strings.TrimSpace(name)
	at := strings.LastIndexByte(name, ' ')
	if at < 0 {
		return placeKey(name)
	}
	return append(placeKey(name[at+1:]), placeKey(name[:at])...)
}

// placeKey orders names of places as they are read, numbers in them as numbers.
func placeKey(name string) []byte {
	collator.Lock()
	defer collator.Unlock()
	key := slices.Clone(collator.c.KeyFromString(&collator.buf, name))
	collator.buf.Reset()
	return key
}
