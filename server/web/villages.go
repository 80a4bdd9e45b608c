package web

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/internal/central"
	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
)

// villagesBody lists the villages of the visitor's communes, and takes a file with more.
type villagesBody struct {
	Result   *importResult
	Import   *form
	Communes []communeRow
}

type communeRow struct {
	Name     string
	Count    int64
	Open     bool
	Villages []villageRow
}

type villageRow struct{ Code, Name, Valid string }

type importResult struct {
	Kind, Title, Sentence string
	Rejected              []string
}

// maxRejected bounds the lines an answer to an import names.
const maxRejected = 50

func villagesPage(v *visit) error { return v.villages(http.StatusOK, nil, nil) }

func (v *visit) villages(status int, result *importResult, wrong problems) error {
	body := villagesBody{Result: result}
	if v.canSomewhere(survey.ImportList) {
		f := form{Action: "/villages", Submit: v.t("villages.send"), Upload: true, Fields: []field{
			{Name: "file", Label: v.t("villages.file"), Kind: "file", Hint: v.t("villages.file_hint"), Error: wrong.at("file"), Required: true}}}
		body.Import = &f
	}
	villages, err := v.s.Store.Villages(v.Request().Context())
	if err != nil {
		return err
	}
	body.Communes = v.communes(villages)
	frame := v.frame(v.t("nav.villages"), "/villages")
	frame.Problems = wrong
	return show(v, status, "villages", frame, body)
}

// communes groups the imported villages by the commune they lie in on each of its dates.
func (v *visit) communes(villages []schema.Area) []communeRow {
	type key struct{ name, code, from string }
	rows := map[key]*communeRow{}
	for _, a := range villages {
		if !v.can(survey.ReadTotals, a.Code) {
			continue
		}
		on := a.ValidFrom
		if on == "" && a.ValidTo != "" {
			on = lastDayBefore(a.ValidTo)
		}
		k := key{v.areaName(a.Parent, on), a.Parent, a.ValidFrom}
		if rows[k] == nil {
			rows[k] = &communeRow{Name: k.name}
			if path := v.s.Store.Areas().Path(a.Parent, on); len(path) > 1 {
				rows[k].Name += ", " + fullName(path[1])
			}
		}
		rows[k].Villages = append(rows[k].Villages, villageRow{a.Code, a.Name, v.validity(a)})
		rows[k].Count++
	}
	out := make([]communeRow, 0, len(rows))
	for _, row := range rows {
		out = append(out, *row)
	}
	slices.SortFunc(out, func(a, b communeRow) int {
		return strings.Compare(a.Villages[0].Code+a.Name, b.Villages[0].Code+b.Name)
	})
	for i := range out {
		out[i].Open = len(out) <= 2
	}
	return out
}

func (v *visit) validity(a schema.Area) string {
	switch {
	case a.ValidFrom != "" && a.ValidTo != "":
		return date(a.ValidFrom, v.lang) + " – " + date(lastDayBefore(a.ValidTo), v.lang)
	case a.ValidTo != "":
		return v.t("villages.until", date(lastDayBefore(a.ValidTo), v.lang))
	case a.ValidFrom != "":
		return v.t("villages.since", date(a.ValidFrom, v.lang))
	}
	return v.t("villages.always")
}

func importVillages(v *visit) error {
	data, wrong, err := v.upload("file")
	if err != nil {
		return err
	}
	if wrong == nil {
		wrong, err = v.mayImport(data)
	}
	if err == nil && wrong == nil {
		var done *central.AreaImport
		if done, err = v.s.Store.ImportAreas(v.Request().Context(), v.user.Account, bytes.NewReader(data)); err == nil {
			return v.villages(http.StatusOK, v.imported(done), nil)
		}
	}
	if err != nil {
		if wrong, err = v.wrong(err, "file"); err != nil {
			return err
		}
	}
	return v.villages(http.StatusUnprocessableEntity, nil, wrong)
}

// upload reads a sent file whole; the server bounds its size (MaxBody).
func (v *visit) upload(name string) ([]byte, problems, error) {
	head, err := v.FormFile(name)
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return nil, problems{{"file_missing", name, v.t("problem.file")}}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := head.Open()
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	return data, nil, err
}

// mayImport looks at the communes a file names before anything of it is stored.
func (v *visit) mayImport(data []byte) (problems, error) {
	parents, err := v.s.Store.AreaParents(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	for _, p := range parents {
		if _, known := v.s.Store.AnyArea(p); known && !v.can(survey.ImportList, p) {
			return problems{{"area_not_yours", "file", v.t("villages.not_yours", v.areaName(p, ""))}}, nil
		}
	}
	return nil, nil
}

func (v *visit) imported(done *central.AreaImport) *importResult {
	r := &importResult{Kind: "good", Title: v.t("villages.done"),
		Sentence: v.t("villages.counts", v.n(int64(done.Added)), v.n(int64(done.Changed)), v.n(int64(done.Same)), v.n(int64(len(done.Rejected))))}
	if len(done.Rejected) > 0 {
		r.Kind, r.Title = "warn", v.t("villages.partly")
	}
	for _, p := range done.Rejected[:min(len(done.Rejected), maxRejected)] {
		r.Rejected = append(r.Rejected, v.t("villages.line", p.Line, p.Text.In(v.lang)))
	}
	return r
}
