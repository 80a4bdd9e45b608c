package sim

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// changeLog is the server's log, read past its code and decoded by the standard decoder.
type changeLog struct {
	byDot   map[string]*logLine
	byRec   map[string][]*logLine
	byWrite map[string][]*logLine // record, blank, unit
}

// logLine is one change as the log has it.
type logLine struct {
	dot   string
	bytes string
	State string                     `json:"-"`
	R     string                     `json:"r"`
	K     string                     `json:"k"`
	U     string                     `json:"u"`
	As    string                     `json:"as"`
	Op    string                     `json:"op"`
	P     []string                   `json:"p"`
	W     map[string]json.RawMessage `json:"w"`
	Was   string                     `json:"was"`
}

func (c *logLine) replica() string { return c.dot[:11] }

// published tells whether the change counts as seen by whoever has the whole feed.
func (c *logLine) published() bool {
	return c.State == "published" || c.State == "flagged" || c.State == "refused"
}

// branch is the second branch of a feed.
type branch struct {
	of string
	at uint64
}

// learn reads the whole log, and checks I9: nothing is ever published under a dot that had other bytes before.
func (w *world) learn() *changeLog {
	branches := map[string]branch{}
	w.home.query("SELECT replica, fork_of, fork_at FROM replica WHERE state = 'fork'", func(rows *sql.Rows) error {
		var id string
		var b branch
		err := rows.Scan(&id, &b.of, &b.at)
		branches[id] = b
		return err
	})
	l := &changeLog{byDot: map[string]*logLine{}, byRec: map[string][]*logLine{}, byWrite: map[string][]*logLine{}}
	w.home.query("SELECT replica, seq, state, bytes FROM change ORDER BY replica, seq", func(rows *sql.Rows) error {
		var replica string
		var seq uint64
		c := &logLine{}
		if err := rows.Scan(&replica, &seq, &c.State, &c.bytes); err != nil {
			return err
		}
		c.dot = fmt.Sprint(replica, ":", seq)
		if c.State == "quarantine" {
			return fmt.Errorf("a tablet's own change %s is in quarantine: %s", c.dot, c.bytes)
		}
		if err := json.Unmarshal([]byte(c.bytes), c); err != nil {
			return err
		}
		if b, forked := branches[replica]; forked {
			c.rename(replica, b)
		}
		l.add(c)
		return nil
	})
	for dot, c := range l.byDot {
		if was, known := w.registry[dot]; known && was != c.bytes {
			w.fail("I9: %s was\n%s and is now\n%s", dot, was, c.bytes)
		}
		w.registry[dot] = c.bytes
	}
	w.count.changes = max(w.count.changes, len(l.byDot))
	return l
}

func (l *changeLog) add(c *logLine) {
	l.byDot[c.dot] = c
	l.byRec[c.R] = append(l.byRec[c.R], c)
	for unit := range c.W {
		l.byWrite[c.R+" "+unit] = append(l.byWrite[c.R+" "+unit], c)
	}
}

// rename: inside a second branch the feed's numbers from the fork on are the branch's own.
func (c *logLine) rename(id string, b branch) {
	for i, p := range c.P {
		replica, text, _ := strings.Cut(p, ":")
		if seq, err := strconv.ParseUint(text, 10, 64); err == nil && replica == b.of && seq >= b.at {
			c.P[i] = fmt.Sprint(id, ":", seq)
		}
	}
}

// fold is the merge as the design says it, and nothing cleverer: a write is live when no other seen change that writes the unit
// has named it as parent. What was refused is seen and says nothing.
func fold(changes []*logLine, seen func(*logLine) bool) map[string]map[string]string {
	lost := map[string]map[string]bool{} // unit → dot
	for _, c := range changes {
		if !seen(c) || c.State == "refused" {
			continue
		}
		for unit := range c.W {
			if lost[unit] == nil {
				lost[unit] = map[string]bool{}
			}
			for _, p := range c.P {
				lost[unit][p] = true
			}
		}
	}
	live := map[string]map[string]string{}
	for _, c := range changes {
		if !seen(c) || c.State == "refused" {
			continue
		}
		for unit, v := range c.W {
			if lost[unit][c.dot] {
				continue
			}
			if live[unit] == nil {
				live[unit] = map[string]string{}
			}
			live[unit][c.dot] = string(v)
		}
	}
	return live
}

// differs says in what a state is not the fold of what it has seen; "" when it is.
func differs(state *fieldsync.State, changes []*logLine) string {
	want := fold(changes, func(c *logLine) bool { return sees(state, c.dot) })
	for _, unit := range slices.Sorted(maps.Keys(want)) {
		for dot, v := range want[unit] {
			if got, ok := state.Heads[unit][dot]; !ok || string(got) != v {
				return fmt.Sprintf("%s: %s = %s is live, and the state has %q", unit, dot, v, state.Heads[unit])
			}
		}
	}
	for unit, heads := range state.Heads {
		for dot, v := range heads {
			if _, ok := want[unit][dot]; !ok {
				return fmt.Sprintf("%s: the state has %s = %s, which is not live (live: %q)", unit, dot, v, want[unit])
			}
		}
	}
	return ""
}

func sees(state *fieldsync.State, dot string) bool {
	replica, text, _ := strings.Cut(dot, ":")
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return false
	}
	for _, run := range state.Seen[replica] {
		if run[0] <= seq && seq <= run[1] {
			return true
		}
	}
	return false
}

// seenDots lists what a state has seen.
func seenDots(state *fieldsync.State) (dots []string) {
	for replica, runs := range state.Seen {
		for _, run := range runs {
			for seq := run[0]; seq <= run[1]; seq++ {
				dots = append(dots, fmt.Sprint(replica, ":", seq))
			}
		}
	}
	slices.Sort(dots)
	return dots
}
