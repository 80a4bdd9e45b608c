package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// BenchmarkServerMemory is a server process of its own that takes in 4 clients × 500 households; it reports the most memory
// the process had resident.
func BenchmarkServerMemory(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(pushToProcess(b), "push_rss_mib")
	}
}

func pushToProcess(b *testing.B) (mib float64) {
	d := newDesk(b)
	round := d.office()
	var codes []string
	for i := range 4 {
		account := fmt.Sprintf("tai%d", i)
		d.do("", "account", "add", account, "--role", "enumerator", "--area", "01969-01", "--name", "Tài khoản đo")
		codes = append(codes, firstLine(d.do("", "enrol", account)))
	}
	serve := exec.Command(os.Args[0], "serve", "--listen", "127.0.0.1:0", "--data", d.data)
	serve.Env = append(os.Environ(), asProgram+"=1")
	out, err := serve.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = serve.Process.Kill(); _ = serve.Wait() }()
	buf := make([]byte, 4096)
	n, err := out.Read(buf)
	if err != nil {
		b.Fatal(err)
	}
	go io.Copy(io.Discard, out)
	_, address, _ := strings.Cut(firstLine(string(buf[:n])), "http://")
	var all sync.WaitGroup
	for _, code := range codes {
		all.Add(1)
		go func() {
			defer all.Done()
			pushHouseholds(b, "http://"+address, code, round, 500)
		}()
	}
	all.Wait()
	return peakMemory(b, serve.Process.Pid)
}

func pushHouseholds(b *testing.B, base, code, round string, households int) {
	dev := newDevice(b, base)
	if _, err := dev.enrol(code); err != nil {
		b.Error(err)
		return
	}
	for range households / 100 {
		seg := &fieldsync.Segment{}
		for range 100 {
			household := newID(b)
			first := dev.save(household, "household", "01969-01", map[string]string{".": `"active"`, "village": `"01969-01"`})
			second := dev.save(fieldsync.InterviewID(round, household), "interview", "01969-01", filledInterview(b, household, round))
			if len(seg.Lines) == 0 {
				seg.PushHead = first.PushHead
			}
			seg.Lines = append(append(seg.Lines, first.Lines...), second.Lines...)
			seg.To, seg.H, seg.Sig = second.To, second.H, second.Sig
		}
		if answer, err := dev.client.Push(b.Context(), seg); err != nil || len(answer.Notes) > 0 {
			b.Errorf("push: %v, %+v", err, answer)
			return
		}
	}
}

// filledInterview has about 60 answers and four members of 12.
func filledInterview(b *testing.B, household, round string) map[string]string {
	w := map[string]string{".": `"active"`, "household": quoted(household), "round": quoted(round), "village": `"01969-01"`, "review_date": `"2024-10-15"`,
		"outcome": `"interviewed"`, "status": `"complete"`, "b1_score": "120", "household_size": "4", "house_area": "40.5", "water": `"tap"`, "toilet": `"septic"`,
		"house_wall": `"durable"`, "house_column": `"durable"`, "house_roof": `"durable"`, "internet_use": `"yes"`, "livelihood": `"agriculture"`}
	for _, list := range []struct{ prefix, units string }{
		{"means/", "tv radio desktop phone laptop tablet smartphone"}, {"causes/", "land capital labour tools knowledge skills illness other"},
		{"support_wanted/", "health education production credit housing other"}, {"support_received/", "health education production credit housing other"}} {
		for _, unit := range strings.Fields(list.units) {
			w[list.prefix+unit] = `"yes"`
		}
	}
	for i := range 4 {
		m := "m/" + newID(b) + "/"
		w[m+"."] = `"active"`
		answers := map[string]any{"name": fmt.Sprintf("Hoàng Thị %d", i), "birth": fmt.Sprintf("19%d0-05-01", 5+i), "sex": "female", "relation": "other_relative", "ethnicity": "02",
			"degree": "primary", "work": "self_employed", "health_insurance": "yes", "social_assistance": "no", "disabled": "no", "merit": "no"}
		for unit, v := range answers {
			raw, err := json.Marshal(v)
			if err != nil {
				b.Fatal(err)
			}
			w[m+unit] = string(raw)
		}
	}
	return w
}

// peakMemory reads the most a process had resident, in MiB.
func peakMemory(b *testing.B, pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skipf("the memory of a process is read from /proc, which is not here: %v", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib / 1024
		}
	}
	b.Fatal("no VmHWM in the process status")
	return 0
}
