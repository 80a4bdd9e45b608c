package web

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/rasoat/rasoat/internal/account"
	"github.com/rasoat/rasoat/internal/central"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// Options of a Server.
type Options struct {
	Log          *slog.Logger // nil: the default logger
	MetricsToken string       // lets a monitor off this machine read /metrics; "": only this machine may
	Version      string
	Secure       bool   // people reach the console over TLS: cookies are sent over TLS only
	CertFile     string // with KeyFile: the server speaks TLS itself
	KeyFile      string
}

// Server is the HTTP face of one store.
type Server struct {
	Store   *central.Store
	Account *account.Service
	Log     *slog.Logger

	options Options
	echo    *echo.Echo
	metrics *metrics
	bodies  map[string]int64 // route pattern → body limit where it is not MaxBody
	views   *views           // the console's pages
}

// Limits of requests and of the time they take. Downloads are slow on purpose: a snapshot over 2G takes minutes.
const (
	MaxBody        = 2 << 20 // bytes of a page's or the API's request; the sync endpoints have their own limit
	maxHeaderBytes = 32 << 10
	headerTimeout  = 10 * time.Second
	readTimeout    = 5 * time.Minute
	writeTimeout   = 20 * time.Minute
	idleTimeout    = 2 * time.Minute
	pageTimeout    = 60 * time.Second
	stopTimeout    = 4 * time.Second // SIGTERM ends within 5 s
	readyTimeout   = 2 * time.Second
)

// New wires a server over a store.
func New(store *central.Store, o Options) *Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Server{Store: store, Log: o.Log, options: o, echo: echo.New(), metrics: newMetrics(o.Version), bodies: map[string]int64{},
		Account: account.New(store, account.Options{Secure: o.Secure, Log: o.Log})}
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = s.failed
	s.echo.IPExtractor = echo.ExtractIPFromXFFHeader(echo.TrustLoopback(true), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false))
	s.useMiddleware()
	s.mountSync()
	s.mountHealth()
	s.routes(s.echo)
	return s
}

// Handler is everything the server answers.
func (s *Server) Handler() http.Handler { return s.echo }

// LargeBody raises the body limit of one route pattern, such as an import page's.
func (s *Server) LargeBody(pattern string, bytes int64) { s.bodies[pattern] = bytes }

// mountSync gives /sync/v1 to the sync package's handler, with the caller's real address for the throttle of enrolment.
func (s *Server) mountSync() {
	h := fieldsync.NewHandler(s.Store, fieldsync.HandlerOptions{Log: s.Log, Peer: s.echo.IPExtractor})
	serve := func(c echo.Context) error {
		h.ServeHTTP(c.Response(), c.Request())
		return nil
	}
	for _, path := range []string{"enrol", "hello", "push", "pull", "snapshot/*", "definition/*", "*"} { // a pattern each, for logs and metrics
		s.echo.Any(syncPrefix+path, serve)
	}
}

// syncPrefix is where the sync endpoints live.
const syncPrefix = "/sync/v1/"

// mountHealth: healthz says that the process answers, readyz that the store does.
func (s *Server) mountHealth() {
	s.echo.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	s.echo.GET("/readyz", func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), readyTimeout)
		defer cancel()
		var n int
		err := s.Store.View(ctx, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, "SELECT count(*) FROM meta").Scan(&n) })
		if err != nil {
			s.Log.Error("the store does not answer", "error", err)
			return c.String(http.StatusServiceUnavailable, "store\n")
		}
		return c.String(http.StatusOK, "ok\n")
	})
	s.echo.GET("/metrics", s.serveMetrics)
}

// Serve answers requests on l until ctx ends, then lets those under way finish, for stopTimeout at most.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: s.echo, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn)}
	stopped := make(chan error, 1)
	end := context.AfterFunc(ctx, func() {
		until, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err := srv.Shutdown(until)
		if errors.Is(err, context.DeadlineExceeded) {
			err = srv.Close() // a client that reads a snapshot over 2G goes on from where it was cut
		}
		stopped <- err
	})
	err := s.listen(srv, l)
	if end() || !errors.Is(err, http.ErrServerClosed) {
		return err // it ended by itself
	}
	return <-stopped
}

func (s *Server) listen(srv *http.Server, l net.Listener) error {
	if s.options.CertFile == "" {
		return srv.Serve(l)
	}
	srv.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	return srv.ServeTLS(l, s.options.CertFile, s.options.KeyFile)
}
