package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static/console.css static/console.js static/icon.svg
var staticFiles embed.FS

// languages of the console, the first being the one of a new visitor.
var languages = []string{"vi", "en"}

// views are all pages, each ready in each language.
type views struct {
	pages map[string]*template.Template // "en/totals"
	files map[string]staticFile         // "console.css"
}

type staticFile struct {
	url  string
	kind string
	data []byte
}

// newViews parses every page. The names of words that templates use are checked by a test, not here.
func newViews() (*views, error) {
	v := &views{pages: map[string]*template.Template{}, files: map[string]staticFile{}}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	for _, name := range []string{"console.css", "console.js", "icon.svg"} {
		data, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		v.files[name] = staticFile{"/static/" + hex.EncodeToString(sum[:8]) + "/" + name, kinds[path.Ext(name)], data}
	}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, lang := range languages {
		base, err := template.New("").Option("missingkey=error").Funcs(v.functions(lang)).ParseFS(templateFiles, "templates/_*.html")
		if err != nil {
			return nil, fmt.Errorf("parse the shared templates: %w", err)
		}
		for _, file := range names {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if strings.HasPrefix(name, "_") {
				continue
			}
			page, err := template.Must(base.Clone()).ParseFS(templateFiles, file)
			if err != nil {
				return nil, fmt.Errorf("parse page %s: %w", name, err)
			}
			v.pages[lang+"/"+name] = page
		}
	}
	return v, nil
}

// functions are what templates may call; all of them speak one language.
func (v *views) functions(lang string) template.FuncMap {
	return template.FuncMap{
		"t":      func(key string, args ...any) string { return word(lang, key, args...) },
		"n":      func(n int64) string { return number(n, lang) },
		"num":    func(s string) string { return numeral(s, lang) },
		"date":   func(s string) string { return date(s, lang) },
		"moment": func(ms int64) string { return moment(ms, lang) },
		"static": func(name string) string { return v.files[name].url },
		"list":   func(items ...any) []any { return items },
		"lang":   func() string { return lang },
	}
}

// render writes one page whole, or an error and nothing.
func (v *views) render(lang, name string, data any) ([]byte, error) {
	page := v.pages[lang+"/"+name]
	if page == nil {
		return nil, fmt.Errorf("there is no page %s/%s", lang, name)
	}
	var b bytes.Buffer
	if err := page.ExecuteTemplate(&b, "layout", data); err != nil {
		return nil, fmt.Errorf("render page %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// serveStatic answers a file under its content hash, so that a browser may keep it for ever.
func (v *views) serveStatic(c echo.Context) error {
	f, ok := v.files[c.Param("name")]
	if !ok || f.url != "/static/"+c.Param("hash")+"/"+c.Param("name") {
		return echo.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return c.Blob(http.StatusOK, f.kind, f.data)
}
