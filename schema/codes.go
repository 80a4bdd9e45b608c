package schema

// CodeList is a list of codes with labels, e.g. "ethnic-groups".
type CodeList struct {
	Name  string
	Codes []Code
	index map[string]int
}

// Code is one entry. List names the official list it comes from (two lists of ethnic groups are in use and differ).
type Code struct {
	Value     string
	Label     Text
	List      string
	ValidFrom string // first day, "" for always
	ValidTo   string // first day it is no longer valid, "" for still valid
}

// Find returns the code with this value.
func (l *CodeList) Find(value string) (Code, bool) {
	i, ok := l.index[value]
	if !ok {
		return Code{}, false
	}
	return l.Codes[i], true
}
