package ui

import (
	"encoding/json"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/internal/tablet"
	"github.com/rasoat/rasoat/schema"
)

// dateFields are day, month and year apart. For a birth the year alone, or month and year, is an answer too: how much is known
// is part of it. A calendar is no use for births and shows English months.
type dateFields struct {
	e                env
	partial          bool
	put              func(json.RawMessage)
	day, month, year *field
	says             *para
	suggest, today   *button
	current          string
}

func dateEditor(e env, q *schema.Question, put func(json.RawMessage)) editor {
	a := e.v.a
	d := &dateFields{e: e, partial: q.Type == schema.TypeBirth, put: put, says: newPara("").in(faint)}
	d.day, d.month, d.year = d.field(), d.field(), d.field()
	d.suggest = newButton("", lookPlain, nil)
	d.suggest.Hide()
	now := a.Now()
	today := now.Format("2006-01-02")
	d.today = newButton(a.t("date.today", "date", writeDate(today)), lookPlain, func() {
		d.show(tablet.Text(today))
		d.put(tablet.Text(today))
	})
	// A clock that was reset says 1970: such a day is not proposed.
	if d.partial || today < e.v.form.Round().From {
		d.today.Hide()
	}
	fields := grid(84*a.textSize()/textBase, d.labelled("date.d", d.day), d.labelled("date.m", d.month), d.labelled("date.y", d.year))
	d.says.Hide()
	return editor{column(newBox(atMost(420*a.textSize()/textBase), widest, fields), d.says, d.suggest, d.today), d.show, d.flush}
}

// atMost keeps one item from growing wider than width.
func atMost(most float32) arrangement {
	return func(items []fyne.CanvasObject, width float32, put func(fyne.CanvasObject, float32, float32, float32, float32)) float32 {
		w := min(width, most)
		h := heightFor(items[0], w)
		if put != nil {
			put(items[0], 0, 0, w, h)
		}
		return h
	}
}

func (d *dateFields) field() *field {
	f := newDigits(d.e.v.a, "", "")
	f.typed = func(string) { d.read(false) }
	f.left = func(string) { d.read(true) }
	return f
}

func (d *dateFields) labelled(key string, f *field) fyne.CanvasObject {
	return tight(newPara(d.e.v.a.t(key)), f)
}

// read saves what the three fields say when it is an answer. final: the person has left a field, so what is wrong is said.
func (d *dateFields) read(final bool) {
	a := d.e.v.a
	value, problem, year := joinDate(d.day.Text, d.month.Text, d.year.Text, d.partial, a.Now())
	d.suggest.Hide()
	if problem != "" {
		if !final {
			return
		}
		if strings.TrimSpace(d.year.Text) == "" { // still on the way through the fields
			d.say(a.t("date.unfinished"), false)
			d.e.reflow()
			return
		}
		if year > 0 {
			text := itoa(year)
			d.suggest.setText(a.t("date.suggest", "year", text))
			d.suggest.tapped = func() {
				d.year.put(text)
				d.read(true)
			}
			d.suggest.Show()
		}
		d.say(a.t(problem), true)
		d.e.reflow()
		return
	}
	d.tell(value)
	if value != d.current {
		d.current = value
		if value == "" {
			d.put(nil)
		} else {
			d.put(tablet.Text(value))
		}
	}
	d.e.reflow()
}

func (d *dateFields) say(text string, wrong bool) {
	d.says.color = faint
	if wrong {
		d.says.color = red
	}
	d.says.set(text)
	d.says.Refresh()
	d.says.Show()
}

// tell shows the age that follows from a birth, to be compared with what people say.
func (d *dateFields) tell(value string) {
	d.says.Hide()
	birth, ok := survey.ParseBirth(value)
	if !d.partial || !ok {
		return
	}
	day := d.e.v.now.iv.Text("review_date")
	if day == "" {
		day = d.e.v.a.Now().Format("2006-01-02")
	}
	review, ok := survey.ParseDay(day)
	if !ok {
		return
	}
	age, ok := birth.Age(review)
	if !ok {
		return
	}
	from, to := age.Years()
	if from == to {
		d.say(d.e.v.a.t("age.one", "n", itoa(from)), false)
	} else {
		d.say(d.e.v.a.t("age.two", "from", itoa(from), "to", itoa(to)), false)
	}
}

func (d *dateFields) show(v json.RawMessage) {
	d.current = plain(v)
	parts := strings.Split(d.current, "-")
	for i, f := range []*field{d.year, d.month, d.day} {
		text := ""
		if i < len(parts) {
			text = parts[i]
			if i > 0 {
				text = strings.TrimLeft(text, "0")
			}
		}
		f.put(text)
	}
	d.suggest.Hide()
	d.tell(d.current)
}

func (d *dateFields) flush() {
	d.day.flush()
	d.month.flush()
	d.year.flush()
}
