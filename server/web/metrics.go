package web

import (
	"crypto/subtle"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics counts requests by route pattern: no label names a person or a village.
type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(version string) *metrics {
	registry := prometheus.NewRegistry()
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rasoat_requests_total", Help: "Requests by route, method and status."}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rasoat_request_seconds", Help: "Time to answer, by route.",
			Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60}}, []string{"route"}),
		handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "rasoat_build_info", Help: "1, with the program's version.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	registry.MustRegister(m.requests, m.seconds, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) seen(route, method string, status int, took time.Duration) {
	if !knownMethod[method] {
		method = "other" // a caller's own words would make a new series each
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

var knownMethod = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "OPTIONS": true}

// serveMetrics is for this machine, or for who has the token. A request that a proxy on this machine passed on is not of
// this machine.
func (s *Server) serveMetrics(c echo.Context) error {
	r := c.Request()
	token, ok := strings.CutPrefix(r.Header.Get(echo.HeaderAuthorization), "Bearer ")
	allowed := ok && s.options.MetricsToken != "" && subtle.ConstantTimeCompare([]byte(token), []byte(s.options.MetricsToken)) == 1
	if !allowed && !ofThisMachine(r) {
		return echo.NewHTTPError(http.StatusForbidden)
	}
	s.metrics.handler.ServeHTTP(c.Response(), r)
	return nil
}

func ofThisMachine(r *http.Request) bool {
	for _, h := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}
