package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// useMiddleware is what every request passes, outermost first.
func (s *Server) useMiddleware() {
	s.echo.Use(middleware.RequestID(), s.logged, s.recovered, s.secured, echo.WrapMiddleware(http.NewCrossOriginProtection().Handler),
		s.limited, s.inSession)
}

// logged writes one line a request: what was asked by its pattern, never by its path, query or body, which may name a
// person; and no address.
func (s *Server) logged(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err) // so that the status below is the one that was sent
		}
		took, status := time.Since(start), c.Response().Status
		route := c.Path()
		if route == "" {
			route = "unknown"
		}
		s.metrics.seen(route, c.Request().Method, status, took)
		level := slog.LevelInfo
		if status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		s.Log.LogAttrs(c.Request().Context(), level, "request", slog.String("method", c.Request().Method), slog.String("route", route),
			slog.Int("status", status), slog.Int64("ms", took.Milliseconds()), slog.Int64("bytes", c.Response().Size),
			slog.String("id", c.Response().Header().Get(echo.HeaderXRequestID)))
		return nil
	}
}

// recovered turns a panic into a 500 and a stack in the log. The panic's value is not logged whole: it may quote data.
func (s *Server) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			r := recover()
			if r == nil {
				return
			}
			if err, ok := r.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(r)
			}
			s.Log.Error("panic", "kind", fmt.Sprintf("%T", r), "route", c.Path(), "stack", string(debug.Stack()))
			err = echo.NewHTTPError(http.StatusInternalServerError)
		}()
		return next(c)
	}
}

// contentPolicy: everything a page needs comes from this server, and nothing in a page's text can run.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (s *Server) secured(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store") // pages hold personal data; assets set their own
		if s.options.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		return next(c)
	}
}

// limited bounds bodies, and the time of everything but sync, which is slow where lines are.
func (s *Server) limited(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if strings.HasPrefix(c.Request().URL.Path, syncPrefix) {
			return next(c)
		}
		limit, ok := s.bodies[c.Path()]
		if !ok {
			limit = MaxBody
		}
		r := c.Request()
		if r.ContentLength > limit {
			return echo.NewHTTPError(http.StatusRequestEntityTooLarge)
		}
		ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(c.Response(), r.Body, limit)
		c.SetRequest(r)
		return next(c)
	}
}

// inSession loads and saves the console's session around pages and the API.
func (s *Server) inSession(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		if p := c.Path(); p == "" || strings.HasPrefix(p, syncPrefix) || strings.HasPrefix(p, "/static/") || p == "/healthz" || p == "/readyz" || p == "/metrics" {
			return next(c)
		}
		inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c.SetRequest(r)
			c.SetResponse(echo.NewResponse(w, s.echo))
			if err = next(c); err != nil {
				c.Error(err) // before the session is saved, which sends the headers
				err = nil
			}
		})
		outer := c.Response()
		s.Account.Sessions().LoadAndSave(inner).ServeHTTP(outer, c.Request())
		c.SetResponse(outer)
		return err
	}
}

// failed answers an error: a problem with a stable code to programs, a sentence to people.
func (s *Server) failed(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status := http.StatusInternalServerError
	var he *echo.HTTPError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		status = http.StatusRequestEntityTooLarge
	case errors.As(err, &he):
		status = he.Code
	default:
		s.Log.Error("request failed", "route", c.Path(), "error", err, "id", c.Response().Header().Get(echo.HeaderXRequestID))
	}
	text := said(status)
	if strings.Contains(c.Request().Header.Get(echo.HeaderAccept), echo.MIMETextHTML) {
		err = s.problemPage(c, status)
	} else {
		c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
		err = c.JSON(status, map[string]any{"status": status, "code": "http_" + strconv.Itoa(status), "title": text[1], "detail": text[0]})
	}
	if err != nil {
		s.Log.Debug("the answer could not be sent", "error", err)
	}
}

// said is what people are told, in Vietnamese and English.
func said(status int) [2]string {
	switch status {
	case http.StatusNotFound:
		return [2]string{"Không có trang này. Về trang đầu và chọn lại.", "There is no such page. Go to the first page and choose again."}
	case http.StatusMethodNotAllowed:
		return [2]string{"Không dùng được cách này ở đây. Về trang đầu và chọn lại.", "This is not possible here. Go to the first page and choose again."}
	case http.StatusForbidden:
		return [2]string{"Bạn không được làm việc này. Hỏi người quản trị của xã.", "You may not do this. Ask the commune's administrator."}
	case http.StatusUnauthorized:
		return [2]string{"Hãy đăng nhập.", "Please sign in."}
	case http.StatusRequestEntityTooLarge:
		return [2]string{"Tệp hoặc nội dung quá lớn. Chia nhỏ rồi gửi lại.", "The file or text is too large. Split it and send it again."}
	case http.StatusServiceUnavailable:
		return [2]string{"Máy chủ đang bận. Đợi một lát rồi thử lại.", "The server is busy. Wait a moment and try again."}
	}
	if status < http.StatusInternalServerError {
		return [2]string{"Yêu cầu không đúng. Quay lại và kiểm tra.", "The request is not right. Go back and check it."}
	}
	return [2]string{"Máy chủ gặp lỗi; dữ liệu đã lưu không mất. Thử lại; nếu vẫn lỗi, báo người quản trị.",
		"The server failed; what was saved is not lost. Try again; if it goes on, tell the administrator."}
}
