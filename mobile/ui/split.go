package ui

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// splitPage is tách hộ: the people chosen leave with their ids and what is known of them, and the new household stands in the
// list with its origin. Nobody is typed again, and nobody shows up as a duplicate.
type splitPage struct {
	v       *visit
	chosen  []string
	village string
}

func (p *splitPage) build(a *App) *frame {
	v := p.v
	if p.village == "" {
		p.village = v.form.HouseholdValue("village").Text()
	}
	do := newButton(a.t("split.do"), lookPrimary, p.split)
	may := func() { do.setDisabled(len(p.chosen) == 0 || len(p.chosen) == len(v.now.members())) }
	items := []fyne.CanvasObject{newPara(a.t("split.who")).bold()}
	for _, m := range v.now.members() {
		b := newButton(v.memberLine(m), lookCheck, nil)
		b.selected = slices.Contains(p.chosen, m.ID)
		b.tapped = func() {
			if i := slices.Index(p.chosen, m.ID); i >= 0 {
				p.chosen = slices.Delete(p.chosen, i, i+1)
			} else {
				p.chosen = append(p.chosen, m.ID)
			}
			b.setSelected(slices.Contains(p.chosen, m.ID))
			may()
		}
		items = append(items, b)
	}
	may()
	where := newButton(a.store.AreaName(p.village), lookRow, func() {
		var options []option
		for _, village := range a.store.Villages() {
			options = append(options, option{village.Code, village.Name})
		}
		a.show(&pickPage{title: a.t("split.where"), options: options, picked: func(code string) { p.village = code }})
	}).withIcon(theme.HomeIcon())
	items = append(items, newPara(a.t("split.where")).bold(), where, note(a.t("split.note")))
	return newFrame(a.t("split.title"), a.back, column(items...), newButton(a.t("cancel"), lookPlain, a.back), do)
}

func (p *splitPage) split() {
	v, a := p.v, p.v.a
	members, village := slices.Clone(p.chosen), p.village
	v.write(func(ctx context.Context) error {
		to, err := v.form.Split(ctx, members, village)
		if err != nil {
			return err
		}
		return to.Close(ctx)
	}, func() {
		a.instead(&messagePage{title: a.t("split.title"), text: a.t("split.done", "n", itoa(len(members))), back: true})
	})
}

func (p *splitPage) leave() {}
