package central

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rasoat/rasoat/internal/central/centraltest"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// The load of the benchmarks: clients that each bring households × (household + interview), in requests of at most 256 changes.
const (
	benchClients    = 4
	benchHouseholds = 500
)

var benchVillages = []string{villageA, villageB, "01975-03", "01975-04"}

// benchInterview is an interview of four people with every question of the paper sheet answered: about 3 KB.
func benchInterview(r *rand.Rand) []any {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	yesno := func() string { return pick("yes", "no") }
	a := []any{"review_date", fmt.Sprintf("2024-11-%02d", 1+r.IntN(28)), "outcome", "interviewed", "status", "complete", "interest", "none", "household_size", 4,
		"b1_score", 80 + r.IntN(150), "livelihood", pick("agriculture", "forestry", "other"), "income_per_capita", 500_000 + 10_000*r.IntN(300),
		"house_wall", pick("durable", "non_durable"), "house_column", pick("durable", "non_durable"), "house_roof", pick("durable", "non_durable"),
		"house_area", float64(200+r.IntN(800)) / 10, "water", pick("tap", "drilled_well", "unprotected_spring", "surface"), "toilet", pick("septic", "vip", "none", "other"),
		"internet_use", yesno(), "waste", pick("collected", "burned"), "gps", map[string]any{"lat": 22.1 + r.Float64()/10, "lon": 105.8 + r.Float64()/10, "accuracy_m": 5}}
	for _, m := range []string{"tv", "radio", "desktop", "phone", "laptop", "tablet", "smartphone"} {
		a = append(a, "means/"+m, yesno())
	}
	for _, c := range []string{"land", "capital", "labour", "tools", "knowledge", "skills", "illness", "other"} {
		a = append(a, "causes/"+c, yesno())
	}
	for i := range 4 {
		id := newID()
		if i == 0 {
			a = append(a, "head", id)
		}
		m := "m/" + id + "/"
		a = append(a, m+"name", pick("Nông", "Hoàng", "Triệu", "Lý")+" "+pick("Thị", "Văn")+" "+pick("Hường", "Páo", "Mẩy", "Slam")+fmt.Sprint(r.IntN(100)),
			m+"birth", fmt.Sprintf("%d-%02d-%02d", 1950+r.IntN(70), 1+r.IntN(12), 1+r.IntN(28)), m+"sex", pick("male", "female"),
			m+"relation", []string{"head", "spouse", "child", "child"}[i], m+"ethnicity", "02", m+"id_number", fmt.Sprintf("0%011d", r.Int64N(1e11)),
			m+"attending", pick("none", "primary", "lower_secondary"), m+"degree", pick("none", "primary", "upper_secondary"), m+"job_certified", yesno(),
			m+"work", pick("self_employed", "wage_contract", "wage_no_contract", "studying"), m+"health_insurance", pick("yes", "yes", "yes", "no"),
			m+"social_assistance", "no", m+"disabled", "no", m+"stunted", "no", m+"underweight", "no", m+"merit", "no", m+".", "active")
	}
	return a
}

// load is what the clients of one round of a benchmark send.
type load struct {
	clients []client
	changes int
}

// client is one device with its requests, compressed as they come off the wire.
type client struct {
	token    string
	segments []*fieldsync.Segment
	bodies   [][]byte
}

func benchLoad(b *testing.B, s *Store, round string, seed uint64) *load {
	r := rand.New(rand.NewPCG(seed, 1))
	l := &load{}
	for c := range benchClients {
		x := newTab(b, s, fmt.Sprintf("en%d-%d", c, seed), "enumerator", benchVillages[c])
		for range benchHouseholds {
			x.household(benchVillages[c], round, benchInterview(r)...)
		}
		one := client{token: fmt.Sprintf("bench-%d-%d", c, seed)}
		hash := sha256.Sum256([]byte(one.token))
		must(b, s.Update(context.Background(), func(tx *sql.Tx) error {
			_, err := tx.Exec("INSERT INTO device (account, token_hash, created_at) VALUES ($1, $2, 1)", x.dev.Account, hash[:])
			return err
		}))
		for from := 1; from <= len(x.log); from += 256 {
			seg := x.segment(from, min(from+255, len(x.log)))
			one.segments = append(one.segments, seg)
			one.bodies = append(one.bodies, gzipped(b, seg))
			l.changes += len(seg.Lines)
		}
		l.clients = append(l.clients, one)
	}
	return l
}

func gzipped(b *testing.B, seg *fieldsync.Segment) []byte {
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	must(b, fieldsync.EncodeSegment(z, seg))
	must(b, z.Close())
	return body.Bytes()
}

// pushAll sends a load from all clients at once over HTTP and returns how long it took: token, decompression, decoding, chain
// and signature, permissions, merge, judgement, counters, the durable commit, the receipt.
func pushAll(b *testing.B, s *Store, l *load) time.Duration {
	server := httptest.NewServer(fieldsync.NewHandler(s, fieldsync.HandlerOptions{Log: quiet}))
	defer server.Close()
	start := time.Now()
	var all sync.WaitGroup
	for _, c := range l.clients {
		all.Add(1)
		go func() {
			defer all.Done()
			for _, body := range c.bodies {
				c.send(b, server.URL, body)
			}
		}()
	}
	all.Wait()
	return time.Since(start)
}

func (c client) send(b *testing.B, base string, body []byte) {
	req, err := http.NewRequest(http.MethodPost, base+fieldsync.PathPush, bytes.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", fieldsync.MediaType)
	req.Header.Set("Content-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	defer resp.Body.Close()
	var answer fieldsync.PushAnswer
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK || len(answer.Notes) > 0 {
		b.Errorf("push: status %d, %v, notes %v", resp.StatusCode, err, answer.Notes)
	}
}

// rawSQLite writes the same bodies without any of it: one log row and one state row a change, two secondary indexes each,
// synchronous=FULL, one transaction per 500.
func rawSQLite(b *testing.B, dir string, l *load) time.Duration {
	// The settings of a store, but the page size everybody has.
	dsn := strings.Replace(sqliteDSN(filepath.Join(dir, fmt.Sprintf("raw%d.db", time.Now().UnixNano())), "immediate"), "page_size%288192%29", "page_size%284096%29", 1)
	db, err := sql.Open("sqlite", dsn)
	must(b, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{
		"CREATE TABLE log (id INTEGER PRIMARY KEY, rec TEXT NOT NULL, village TEXT NOT NULL, replica TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, body BLOB NOT NULL)",
		"CREATE INDEX log_rec ON log (rec)", "CREATE INDEX log_dot ON log (replica, seq)",
		"CREATE TABLE state (rec TEXT PRIMARY KEY, village TEXT NOT NULL, at BIGINT NOT NULL, body BLOB NOT NULL)",
		"CREATE INDEX state_village ON state (village)", "CREATE INDEX state_at ON state (at)",
	} {
		_, err := db.Exec(q)
		must(b, err)
	}
	lines := l.lines()
	conn, err := db.Conn(context.Background())
	must(b, err)
	defer conn.Close()
	start := time.Now()
	ctx := context.Background()
	insert, err := conn.PrepareContext(ctx, "INSERT INTO log (rec, village, replica, seq, at, body) VALUES (?,?,?,?,?,?)")
	must(b, err)
	upsert, err := conn.PrepareContext(ctx, "INSERT INTO state (rec, village, at, body) VALUES (?,?,?,?) ON CONFLICT (rec) DO UPDATE SET village = excluded.village, at = excluded.at, body = excluded.body")
	must(b, err)
	for piece := range slices.Chunk(lines, 500) {
		tx, err := conn.BeginTx(ctx, nil)
		must(b, err)
		for _, x := range piece {
			_, err := insert.ExecContext(ctx, x.rec, x.village, x.replica, x.seq, start.UnixMilli(), x.body)
			must(b, err)
			_, err = upsert.ExecContext(ctx, x.rec, x.village, start.UnixMilli(), x.body)
			must(b, err)
		}
		must(b, tx.Commit())
	}
	return time.Since(start)
}

type rawLine struct {
	rec, village, replica string
	seq                   int64
	body                  []byte
}

func (l *load) lines() (lines []rawLine) {
	for c := range l.clients {
		for _, seg := range l.clients[c].segments {
			for _, x := range seg.Lines {
				lines = append(lines, rawLine{x.Change.Record, benchVillages[c], seg.Replica, int64(x.Seq), x.Bytes})
			}
		}
	}
	return lines
}

// rawPostgres writes the same bodies by unnest, log and state in one statement, one transaction per 250, four writers.
func rawPostgres(b *testing.B, url string, l *load) time.Duration {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, url)
	must(b, err)
	defer pool.Close()
	_, err = pool.Exec(ctx, `DROP TABLE IF EXISTS rawlog; DROP TABLE IF EXISTS rawstate;
		CREATE TABLE rawlog (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, rec TEXT NOT NULL, village TEXT NOT NULL, replica TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, body BYTEA NOT NULL);
		CREATE INDEX ON rawlog (rec); CREATE INDEX ON rawlog (replica, seq);
		CREATE TABLE rawstate (rec TEXT PRIMARY KEY, village TEXT NOT NULL, at BIGINT NOT NULL, body BYTEA NOT NULL);
		CREATE INDEX ON rawstate (village); CREATE INDEX ON rawstate (at)`)
	must(b, err)
	lines := l.lines()
	start := time.Now()
	var all sync.WaitGroup
	for part := range slices.Chunk(lines, (len(lines)+benchClients-1)/benchClients) {
		all.Add(1)
		go func() {
			defer all.Done()
			for piece := range slices.Chunk(part, 250) {
				rec, village, replica := make([]string, len(piece)), make([]string, len(piece)), make([]string, len(piece))
				seq, body := make([]int64, len(piece)), make([][]byte, len(piece))
				for i, x := range piece {
					rec[i], village[i], replica[i], seq[i], body[i] = x.rec, x.village, x.replica, x.seq, x.body
				}
				err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
					_, err := tx.Exec(ctx, `WITH x AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[]) AS x(rec, village, replica, seq, body)),
						l AS (INSERT INTO rawlog (rec, village, replica, seq, at, body) SELECT rec, village, replica, seq, 1, body FROM x)
						INSERT INTO rawstate (rec, village, at, body) SELECT rec, village, 1, body FROM x
						ON CONFLICT (rec) DO UPDATE SET village = excluded.village, at = excluded.at, body = excluded.body`, rec, village, replica, seq, body)
					return err
				})
				if err != nil {
					b.Error(err)
				}
			}
		}()
	}
	all.Wait()
	return time.Since(start)
}

// benchPush interleaves the whole way of a push with the raw writing of the same bodies, round by round, and reports the
// median of their ratios: how much of what the machine can write at all is left after deciding, merging, judging, counting.
func benchPush(b *testing.B, metric string, open func() *Store, raw func(*load) time.Duration) {
	var ratios, pushed, rawed []float64
	for i := range b.N {
		b.StopTimer()
		s := open()
		round := addRound(b, s, newID())
		l := benchLoad(b, s, round, uint64(i))
		b.StartTimer()
		var p, r time.Duration
		if i%2 == 0 {
			r, p = raw(l), pushAll(b, s, l)
		} else {
			p, r = pushAll(b, s, l), raw(l)
		}
		b.StopTimer()
		n := float64(l.changes)
		ratios, pushed, rawed = append(ratios, r.Seconds()/p.Seconds()), append(pushed, n/p.Seconds()), append(rawed, n/r.Seconds())
		if c := countersOf(b, s)[counterKey{province, round, "vn-2021"}]; c == nil || c[tInterviews] != benchClients*benchHouseholds {
			b.Errorf("counters of the province: %v", c)
		}
		b.StartTimer()
	}
	b.ReportMetric(median(ratios), metric)
	b.ReportMetric(median(pushed), "changes/s")
	b.ReportMetric(median(rawed), "raw_changes/s")
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

func BenchmarkPushSQLite(b *testing.B) {
	dir := b.TempDir()
	benchPush(b, "push_sqlite_ratio", func() *Store { return openAt(b, sqliteURL(b)) }, func(l *load) time.Duration { return rawSQLite(b, dir, l) })
}

func BenchmarkPushPostgres(b *testing.B) {
	raw := centraltest.PostgresURL(b)
	benchPush(b, "push_postgres_ratio", func() *Store { return openAt(b, centraltest.PostgresURL(b)) }, func(l *load) time.Duration { return rawPostgres(b, raw, l) })
}
