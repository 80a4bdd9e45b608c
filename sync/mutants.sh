#!/usr/bin/env bash
# Breaks the merge in known ways, one at a time, in a copy of this package, and demands that its tests notice each. A merge test
# that a broken merge passes is worth nothing. `make mutants` runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp go.mod go.sum "$work/"
mkdir "$work/sync"
# The merge and what its tests need of the rest; without the transport each mutant builds in a fraction of the time.
files=(doc change record seen state view scan json encode pull feed wire)
tests='^(TestStateIsAFunctionOfTheSetOfChangesOnEveryNode|TestEverySmallHistoryMergesAlikeInEveryOrderAndByEveryJoin|TestJoinIsCommutativeAssociativeAndIdempotent|TestAResolutionClosesExactlyWhatItShowed|TestClocksDecideNothing)$'
survivors=0

fresh() {
	for f in "${files[@]}"; do cp "sync/$f.go" "$work/sync/"; done
	cp sync/model_test.go sync/norace_test.go "$work/sync/"
}

run() { (cd "$work" && CGO_ENABLED=0 go test -tags ci -short -failfast -count 1 -run "$tests" ./sync -rapid.nofailfile -rapid.checks 200) >"$work/log" 2>&1; }

# mutant NAME FILE OLD NEW: OLD must stand in FILE exactly once, so that a mutant cannot quietly stop to be one.
mutant() {
	fresh
	if [ "$(OLD="$3" perl -0ne 'print scalar(() = /\Q$ENV{OLD}\E/g)' "sync/$2")" != 1 ]; then
		echo "mutant '$1': its code does not stand in sync/$2 exactly once; bring sync/mutants.sh up to date" >&2
		exit 2
	fi
	OLD="$3" NEW="$4" perl -0pi -e 's/\Q$ENV{OLD}\E/$ENV{NEW}/' "$work/sync/$2"
	if run; then
		echo "SURVIVED  $1"
		survivors=$((survivors + 1))
	elif ! grep -q -- '--- FAIL' "$work/log"; then
		echo "mutant '$1' does not build:" >&2
		cat "$work/log" >&2
		exit 2
	else
		echo "killed    $1"
	fi
}

fresh
if ! run; then
	echo "the merge tests fail before anything is broken:" >&2
	cat "$work/log" >&2
	exit 2
fi

mutant 'apply ignores over' record.go 'if lost[w.Unit] {' 'if false && lost[w.Unit] {'
mutant 'join ignores over' record.go ' || r.over[h.Dot][unit] || o.over[h.Dot][unit] {' ' {'
mutant 'join ignores seen' record.go '(!inBoth && other.Seen(h.Dot))' '(false && other.Seen(h.Dot))'
mutant 'join requires both' record.go '(!inBoth && other.Seen(h.Dot))' '!inBoth'
mutant 'the last writer wins' record.go 'if len(have) == 0 {' 'if true {'
mutant 'a change is applied twice' record.go 'if r.Seen(c.Dot) {' 'if false {'
mutant 'parents taken at save time' record.go 'c := NewRecord(r.ID, r.Kind)' 'c := r; return c'
# And more, beside the seven the design names.
mutant 'join forgets what is waited for' record.go 'r.lose(d, unit)
		}
	}
	for d := range r.over {' '_, _ = d, unit
		}
	}
	for d := range r.over {'
mutant 'join keeps waiting for what came' record.go 'if r.Seen(d) {
			delete(r.over, d)' 'if false {
			delete(r.over, d)'
mutant 'apply keeps waiting for what came' record.go '	delete(r.over, c.Dot)' ''
mutant 'a store forgets what is waited for' state.go 'binary.AppendUvarint(b, uint64(len(r.over)))
	for _, d := range r.Waiting() {' 'binary.AppendUvarint(b, 0)
	for _, d := range []Dot(nil) {'
mutant 'a store revives every unit' state.go 'if units != nil && !slices.Contains(units, w.Unit) {' 'if false {'
mutant 'a set of numbers joins over a gap' seen.go 'next.from <= out[k-1].to+1' 'next.from <= out[k-1].to+2'

[ "$survivors" = 0 ] && echo "mutants: all killed" || { echo "mutants: $survivors survived" >&2; exit 1; }
