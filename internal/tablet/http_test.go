package tablet

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// web makes the small home a fieldsync.Home, so that whole sessions run over HTTP.
type web struct {
	*home
	scopes []string
}

func (w *web) Enrol(_ context.Context, req *fieldsync.EnrolRequest, _ string) (*fieldsync.EnrolAnswer, error) {
	if req.Code != "K7QM" {
		return nil, &fieldsync.Problem{Status: 404, Code: fieldsync.CodeEnrolUnknown, Title: "No such code."}
	}
	w.feeds[req.Replica] = newHomeFeed(req.Replica, ed25519.PublicKey(req.Pub))
	return &fieldsync.EnrolAnswer{Token: "tok", Account: "en01", Name: "Chị Lan", Role: "enumerator", Scopes: w.scopes, Areas: w.areas(),
		Server: w.id, ServerKey: fieldsync.B64(w.key.Public().(ed25519.PublicKey)), Now: time.Now().UnixMilli()}, nil
}

func (w *web) Device(_ context.Context, token string) (fieldsync.Device, error) {
	if token != "tok" {
		return fieldsync.Device{}, &fieldsync.Problem{Status: 401, Code: fieldsync.CodeToken, Title: "No such device."}
	}
	return fieldsync.Device{ID: 1, Account: "en01", Role: "enumerator"}, nil
}

func (w *web) ReplicaKey(_ context.Context, _ fieldsync.Device, replica string) (ed25519.PublicKey, error) {
	if f := w.feeds[replica]; f != nil {
		return f.pub, nil
	}
	return nil, &fieldsync.Problem{Status: 403, Code: fieldsync.CodeReplica, Title: "Unknown replica."}
}

func (w *web) Hello(_ context.Context, _ fieldsync.Device, req *fieldsync.HelloRequest) (*fieldsync.HelloAnswer, error) {
	have, fork := w.have(req)
	if fork {
		return nil, &fieldsync.Problem{Status: 409, Code: fieldsync.CodeFork, Title: "Another change has this number.", Have: &have}
	}
	return &fieldsync.HelloAnswer{Proto: 1, Server: w.id, Epoch: w.epoch, Have: have, Receipt: w.receipt(req.Replica, have), Scopes: w.scopes,
		Drop: []string{}, Areas: w.areas(), Limits: fieldsync.OwnLimits(), Now: time.Now().UnixMilli()}, nil
}

func (w *web) Push(_ context.Context, _ fieldsync.Device, seg *fieldsync.Segment) (*fieldsync.PushAnswer, error) {
	return w.push(seg)
}

func (w *web) Pull(_ context.Context, _ fieldsync.Device, req *fieldsync.PullRequest, emit func(*fieldsync.PullLine) error) error {
	end := &fieldsync.PullEnd{End: map[string]fieldsync.Cursor{}, FP: map[string]fieldsync.Print{}}
	for _, scope := range sortedKeys(req.Cursors) {
		for i := req.Cursors[scope].Pos; i < uint64(len(w.log[scope])); i++ {
			if err := emit(w.line(scope, i, req.Replica)); err != nil {
				return err
			}
		}
		end.End[scope], end.FP[scope] = w.head(scope), fieldsync.Print(w.fingerprint(scope))
	}
	return emit(&fieldsync.PullLine{End: end})
}

func (w *web) Snapshot(_ context.Context, _ fieldsync.Device, scope string, _ *fieldsync.Cursor) (*fieldsync.Snapshot, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	enc := json.NewEncoder(z)
	must(w.tb, enc.Encode(fieldsync.SnapshotHead{Scope: scope, At: w.head(scope), FP: fieldsync.Print(w.fingerprint(scope))}))
	for _, id := range sortedKeys(w.records) {
		if w.home.scopes[id] == scope {
			must(w.tb, enc.Encode(w.records[id].State(scope)))
		}
	}
	must(w.tb, z.Close())
	return &fieldsync.Snapshot{ETag: fmt.Sprintf(`"%s.%d"`, w.epoch, w.head(scope).Pos), Gzip: b.Bytes()}, nil
}

func (w *web) Definition(context.Context, fieldsync.Device, string) ([]byte, error) {
	return nil, &fieldsync.Problem{Status: 404, Code: fieldsync.CodeNotFound, Title: "None here."}
}

func serve(t *testing.T, h *home, scopes ...string) *httptest.Server {
	srv := httptest.NewServer(fieldsync.NewHandler(&web{h, scopes}, fieldsync.HandlerOptions{}))
	t.Cleanup(srv.Close)
	return srv
}

func TestATabletEnrolsAndSyncsOverHTTP(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	srv := serve(t, h, commune, village)
	s := openAt(t, filepath.Join(t.TempDir(), "a"))
	if _, err := s.Sync(bg, nil); err == nil {
		t.Error("a tablet that is not enrolled could sync")
	}
	if err := s.Enrol(bg, srv.URL, "wrong"); err == nil || codeOf(err) != fieldsync.CodeEnrolUnknown {
		t.Errorf("enrol with a wrong code: %v", err)
	}
	must(t, s.Enrol(bg, srv.URL+"/", "K7QM"))
	me := s.Identity()
	if !me.Enrolled || me.Account != "en01" || me.Base != srv.URL || me.Role != "enumerator" {
		t.Errorf("identity %+v", me)
	}
	var phases []string
	sum, err := s.Sync(bg, func(e fieldsync.Event) { phases = append(phases, e.Phase) })
	must(t, err)
	if sum.Snapshots != 2 || len(phases) == 0 {
		t.Errorf("first sync: %+v, phases %v, want two snapshots", sum, phases)
	}
	save(t, s, id, "water", "tap")
	sum, err = s.Sync(bg, nil)
	must(t, err)
	if sum.Sent != 1 || len(sum.Alarms) != 0 || s.Unsent().Changes != 0 {
		t.Errorf("second sync: %+v, unsent %+v", sum, s.Unsent())
	}
	srv.Close()
	ctx, cancel := context.WithTimeout(bg, 200*time.Millisecond)
	defer cancel()
	if _, err := s.Sync(ctx, nil); err == nil {
		t.Error("a sync without a server succeeded")
	}
	past, err := s.SyncHistory(bg, 10)
	must(t, err)
	if len(past) != 4 || past[0].Code == "" || past[1].Code != "" || past[1].Sent != 1 || past[3].Code != "not_enrolled" {
		t.Errorf("history %+v, want four syncs, the first and the last with a code", past)
	}
}

// cutting loses requests before they arrive and answers after the server has acted on them, in turn.
type cutting struct {
	next http.RoundTripper
	n    int
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n++
	switch c.n % 4 {
	case 1:
		return nil, errors.New("no network")
	case 3:
		res, err := c.next.RoundTrip(r)
		if err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		return nil, errors.New("the answer was lost")
	}
	return c.next.RoundTrip(r)
}

func TestLostRequestsAndAnswersLoseNothingAndDoubleNothing(t *testing.T) {
	h := newHome(t)
	id, _ := h.household(village, "Nông Thị Mây")
	srv := serve(t, h, commune, village)
	dir := filepath.Join(t.TempDir(), "a")
	s := openAt(t, dir)
	must(t, s.Enrol(bg, srv.URL, "K7QM"))
	if _, err := s.Sync(bg, nil); err != nil {
		t.Fatal(err)
	}
	bad := &http.Client{Transport: &cutting{next: http.DefaultTransport}}
	for i := range 5 {
		save(t, s, id, "water", []string{"tap", "rain"}[i%2])
		session := fieldsync.Session{Client: s.Client(), Local: s, Attempts: 1,
			Sleep: func(context.Context, time.Duration) error { return nil }}
		session.Client.HTTP = bad
		session.Run(bg) // how far it comes is chance; what it leaves must be whole
		s.kill(t)
		s = openAt(t, dir)
	}
	if _, err := s.Sync(bg, nil); err != nil {
		t.Fatal(err)
	}
	f := h.feeds[s.current().replica]
	if len(f.lines) != 5 || s.Unsent().Changes != 0 {
		t.Errorf("the home has %d changes and %d are unsent, want 5 and none", len(f.lines), s.Unsent().Changes)
	}
	if got := h.records[fieldsync.InterviewID(roundID, id)].Look("water", nil); len(got.Values) != 1 || asText(got.Values[0].Value) != "tap" {
		t.Errorf("water at home: %v, want tap alone", got.Values)
	}
}
