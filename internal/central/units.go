package central

import (
	"slices"
	"strings"

	"github.com/rasoat/rasoat/schema"
)

// A code may have named several units one after the other: 01969 was a town until June 2025 and is a commune of more villages
// since. A grant is of one unit. Its reference is the code alone for the unit of today (or the last one), and the code with
// the unit's last day for an earlier one: "01969@2025-06-30". A village keeps its code, and is one unit all its life.

// ref is the reference of a unit.
func (p *places) ref(a schema.Area) string {
	if last, ok := p.any(a.Code); a.Level == schema.LevelVillage || !ok || last.ValidFrom == a.ValidFrom || a.ValidTo == "" {
		return a.Code
	}
	return a.Code + "@" + lastDay(a.ValidTo)
}

// unit finds what a reference names.
func (p *places) unit(ref string) (schema.Area, bool) {
	code, day := schema.ParseRef(strings.TrimSpace(ref))
	if day == "" {
		return p.any(code)
	}
	return p.At(code, day)
}

// canonical is the one spelling of a reference; of what no table knows, the code.
func (p *places) canonical(ref string) string {
	if !strings.Contains(ref, "@") {
		return ref
	}
	if a, ok := p.unit(ref); ok {
		return p.ref(a)
	}
	code, _ := schema.ParseRef(ref)
	return code
}

// daysOf are days in a unit's life, at least one in every arrangement of what lies above and below it; a village's are of
// all its periods.
func (p *places) daysOf(a schema.Area) []string {
	if a.Level == schema.LevelVillage {
		return p.periods(a.Code)
	}
	return slices.DeleteFunc(append([]string{"", endOfDistricts}, p.allDays...), func(day string) bool {
		at, ok := p.At(a.Code, day)
		return !ok || at.ValidFrom != a.ValidFrom
	})
}

// unitPath returns the references of a unit and of all units it ever lay in: what a grant of one of them covers.
func (p *places) unitPath(ref string) []string {
	ref = p.canonical(ref)
	if refs, ok := p.paths.Load(ref); ok {
		return refs.([]string)
	}
	refs := []string{ref}
	if a, ok := p.unit(ref); ok {
		for _, day := range p.daysOf(a) {
			for _, above := range p.Path(a.Code, day) {
				if r := p.ref(above); !slices.Contains(refs, r) {
					refs = append(refs, r)
				}
			}
		}
	}
	p.paths.Store(ref, refs)
	return refs
}

// refsOf are the references of all units a code has named, today's first; a reference with a day is itself.
func (p *places) refsOf(code string) []string {
	if strings.Contains(code, "@") {
		return []string{p.canonical(code)}
	}
	refs := []string{code}
	for _, day := range p.periods(code) {
		if a, ok := p.At(code, day); ok && !slices.Contains(refs, p.ref(a)) {
			refs = append(refs, p.ref(a))
		}
	}
	return refs
}

// areaPath is unitPath of all units a code has named.
func (p *places) areaPath(code string) (refs []string) {
	for _, ref := range p.refsOf(code) {
		for _, above := range p.unitPath(ref) {
			if !slices.Contains(refs, above) {
				refs = append(refs, above)
			}
		}
	}
	return refs
}

// belowUnit returns everything that ever lay below a unit, each code once.
func (p *places) belowUnit(a schema.Area) (all []schema.Area) {
	known := map[string]bool{}
	for _, day := range p.daysOf(a) {
		for _, b := range p.Below(a.Code, day) {
			if !known[b.Code] {
				known[b.Code] = true
				all = append(all, b)
			}
		}
	}
	return all
}

// covers tells whether one of the units is, or lies above, the area; of a code that named several units, any of them.
func (p *places) covers(granted, area string) bool {
	return slices.Contains(p.areaPath(area), p.canonical(granted))
}

// scopesOf are the scopes of a grant: the unit, what lies below it, and every area above each of these.
func (p *places) scopesOf(granted string, board bool) (scopes []string) {
	code, _ := schema.ParseRef(granted)
	scopes = append(scopes, p.ancestors(code)...)
	a, ok := p.unit(granted)
	if !ok {
		return scopes
	}
	for _, b := range append(p.belowUnit(a), a) {
		if scopes = append(scopes, b.Code); b.Level == schema.LevelVillage {
			scopes = append(scopes, p.ancestors(b.Code)...)
		}
		if board && b.Level == schema.LevelCommune && p.readsBoard(granted, b.Code) {
			scopes = append(scopes, b.Code+boardSuffix)
		}
	}
	return scopes
}

// readsBoard: the boards' scope of a commune is about all villages it has now. Who is granted an earlier unit reads it as long
// as that had these villages too.
func (p *places) readsBoard(granted, commune string) bool {
	if slices.Contains(p.unitPath(commune), p.canonical(granted)) {
		return true
	}
	now, ok := p.any(commune)
	return ok && p.covers(granted, commune) && !slices.ContainsFunc(p.belowUnit(now), func(b schema.Area) bool { return !p.covers(granted, b.Code) })
}
