package sim

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stepsPerSeed is the length of a run.
const stepsPerSeed = 120

// fixedSeeds always run: 1, 2, 3 and so on.
const fixedSeeds = 6

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(prepared())
	os.Exit(code)
}

// TestSim is the simulator. SEED replays one seed, RASOAT_SIM_SECONDS goes on with random seeds for so long.
func TestSim(t *testing.T) {
	var sum counts
	seeds, begun := 0, time.Now()
	try := func(seed uint64) {
		count, bad := run(seed, allSteps())
		if bad != nil {
			report(t, seed, bad)
		}
		seeds++
		sum.add(count)
	}
	defer func() {
		t.Logf("sim: %d seeds, %d steps, %d syncs, %d changes, %d saves witnessed, %d faults, %d given up with old copies, %d lost",
			seeds, sum.steps, sum.syncs, sum.changes, sum.saves, sum.faults, sum.givenUp, sum.lost)
	}()
	if text := os.Getenv("SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SEED is a number, not %q", text)
		}
		try(seed)
		return
	}
	fixed := fixedSeeds
	if testing.Short() {
		fixed = 2
	}
	if text := os.Getenv("RASOAT_SIM_SEEDS"); text != "" { // scripts/sim-mutants: no random ones
		fixed, _ = strconv.Atoi(text)
	}
	for seed := range fixed {
		try(uint64(seed + 1))
	}
	if os.Getenv("RASOAT_SIM_SEEDS") != "" {
		return
	}
	seconds, _ := strconv.Atoi(os.Getenv("RASOAT_SIM_SECONDS"))
	for more := true; more; more = time.Since(begun) < time.Duration(seconds)*time.Second {
		try(rand.Uint64N(1 << 32))
	}
}

func allSteps() []int {
	n := stepsPerSeed
	if text := os.Getenv("RASOAT_SIM_STEPS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	steps := make([]int, n)
	for i := range steps {
		steps[i] = i
	}
	return steps
}

// report shrinks a failing run and prints what is left of it.
func report(t *testing.T, seed uint64, bad *failure) {
	t.Helper()
	steps := allSteps()
	if os.Getenv("RASOAT_SIM_SHRINK") != "0" {
		steps, bad = shrink(seed, steps, bad)
	}
	t.Fatalf("seed %d: %s\n\ntrace (%d of %d steps):\n%s\n\nreplay: SEED=%d go test ./internal/sim -run TestSim",
		seed, bad.text, len(steps), stepsPerSeed, strings.Join(bad.trace, "\n"), seed)
}

// shrinkFor bounds the time spent on leaving steps out.
const shrinkFor = 60 * time.Second

// shrink leaves out steps, in pieces that become smaller, as long as what is left still fails in the same way.
func shrink(seed uint64, steps []int, bad *failure) ([]int, *failure) {
	begun, kind := time.Now(), kindOf(bad)
	for size := (len(steps) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(steps) && time.Since(begun) < shrinkFor; {
			end := min(at+size, len(steps))
			less := append(append([]int{}, steps[:at]...), steps[end:]...)
			if _, again := run(seed, less); again != nil && kindOf(again) == kind {
				steps, bad = less, again
			} else {
				at = end
			}
		}
	}
	return steps, bad
}

// kindOf is the first words of a failure: the invariant.
func kindOf(f *failure) string {
	kind, _, _ := strings.Cut(f.text, ":")
	return kind
}

// TestAFailingSeedFailsAgainInTheSameWay guards the replay: two runs of one seed take the same steps and meet the same faults.
func TestAFailingSeedFailsAgainInTheSameWay(t *testing.T) {
	steps := allSteps()[:40]
	a, bad := run(3, steps)
	if bad != nil {
		report(t, 3, bad)
	}
	b, bad := run(3, steps)
	if bad != nil || a != b {
		t.Errorf("seed 3 did %+v and then %+v (%v)", a, b, fmt.Sprint(bad))
	}
}
