package schema

// Area types, by the legal type of the commune.
const (
	AreaRural = "rural"
	AreaUrban = "urban"
)

// Levels of an area.
const (
	LevelProvince = "province"
	LevelDistrict = "district"
	LevelCommune  = "commune"
	LevelVillage  = "village"
)

// Area is one place during one period. Codes are used again for other places (01969 is a town until 2025-07-01 and a
// rural commune from that day): the key of an area is its code and ValidFrom, and every question names a date.
//
// ValidFrom is the first day. ValidTo is exclusive: the first day on which the area is no more. The table of
// communes gives the same day as ValidTo of the old and ValidFrom of the new. "" means without end.
type Area struct {
	Code, Level, Name, UnitType, Parent, ValidFrom, ValidTo string
}

// Areas is the table of places. It is immutable and safe for concurrent use.
type Areas struct{}

// At returns the area with this code on a date (YYYY-MM-DD). The date "" stands for the far future: what is valid without end.
func (a *Areas) At(code, date string) (Area, bool) { return Area{}, false }

// Path returns the area and all above it on that date: village, commune, (district until 2025-06-30,) province.
func (a *Areas) Path(code, date string) []Area { return nil }

// Children returns the areas directly below, by code.
func (a *Areas) Children(code, date string) []Area { return nil }

// Below returns all areas below on that date, parents before children.
func (a *Areas) Below(code, date string) []Area { return nil }

// With returns a table that also has these areas (villages, which no official list holds).
func (a *Areas) With(extra []Area) (*Areas, error) { return a, nil }

// AreaType is "urban", "rural" or "" (unknown; Đặc khu, which is set by hand) of the commune the area is or lies in.
func (a *Areas) AreaType(code, date string) string { return "" }

// Provinces returns the provinces on a date, by code.
func (a *Areas) Provinces(date string) []Area { return nil }

// Len is the number of rows.
func (a *Areas) Len() int { return 0 }

// Type is "urban", "rural" or "" by the area's own legal type; for a village ask AreaType.
func (a Area) Type() string { return "" }

// ParseRef splits "01969@2024-12-31" into code and date; without "@" the date is "".
func ParseRef(ref string) (code, date string) { return ref, "" }
