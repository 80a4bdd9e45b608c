package survey

import (
	"slices"

	"github.com/rasoat/rasoat/schema"
)

// Role is what somebody does in the review.
type Role string

const (
	Enumerator  Role = "enumerator"   // điều tra viên, rà soát viên
	VillageHead Role = "village_head" // trưởng thôn
	Board       Role = "board"        // ban chỉ đạo rà soát cấp xã
	Chairman    Role = "chairman"     // chủ tịch UBND xã
	District    Role = "district"     // upper level: former district, province
	Admin       Role = "admin"        // runs the server
	Server      Role = "server"       // the program itself; nobody signs in with it
)

// Roles are those people can have.
var Roles = []Role{Enumerator, VillageHead, Board, Chairman, District, Admin}

// Action is what somebody may do in an area.
type Action string

const (
	ReadHousehold   Action = "read_household"   // see households and answers
	WriteInterview  Action = "write_interview"  // visit and record
	ReadTotals      Action = "read_totals"      // counts without names
	ResolveConflict Action = "resolve_conflict" // decide between contested values
	ReviewInterview Action = "review_interview" // return or approve
	LinkHouseholds  Action = "link_households"  // say that two households are one
	ReadMeeting     Action = "read_meeting"
	WriteMeeting    Action = "write_meeting"  // attendance, votes, minutes
	WritePosting    Action = "write_posting"  // public posting
	ReadComplaint   Action = "read_complaint" // never the people complained about, nor their village's enumerator
	WriteComplaint  Action = "write_complaint"
	Recognise       Action = "recognise" // enter the chairman's decision
	ManageRound     Action = "manage_round"
	EnterResidents  Action = "enter_residents" // denominators
	ImportList      Action = "import_list"
	Export          Action = "export" // files with names
	Report          Action = "report" // official tables
	Lock            Action = "lock"
	Enrol           Action = "enrol" // devices: codes, revocation
	ReleaseHeld     Action = "release_held"
	ManageAccounts  Action = "manage_accounts"
	ReadAudit       Action = "read_audit"
	Erase           Action = "erase" // personal data, by law
	ManageServer    Action = "manage_server"
)

// Actor is an account with the areas it was granted.
type Actor struct {
	Account string
	Role    Role
	Areas   []string // codes; a grant covers the area and everything below it
}

// permissions say what each role may do in its areas. What is not here is refused.
//
// The village head runs the meeting and sees the village, he decides nothing about answers. The district level reads and
// reports; it does not overrule a commune's board. The admin runs machine and accounts and has no part in the decisions:
// whoever can read everything should not also be able to decide it.
var permissions = map[Role][]Action{
	Enumerator:  {ReadHousehold, WriteInterview, ReadTotals},
	VillageHead: {ReadHousehold, WriteInterview, ReadTotals, ReadMeeting, WriteMeeting},
	Board: {ReadHousehold, WriteInterview, ReadTotals, ResolveConflict, ReviewInterview, LinkHouseholds, ReadMeeting, WriteMeeting,
		WritePosting, ReadComplaint, WriteComplaint, Recognise, EnterResidents, ImportList, Export, Report, Enrol, ReleaseHeld, ReadAudit},
	Chairman: {ReadHousehold, ReadTotals, ResolveConflict, ReviewInterview, LinkHouseholds, ReadMeeting, WriteMeeting, WritePosting,
		ReadComplaint, WriteComplaint, Recognise, EnterResidents, Export, Report, Lock, ReleaseHeld, ReadAudit},
	District: {ReadHousehold, ReadTotals, ReadMeeting, ReadComplaint, ManageRound, EnterResidents, Export, Report, ReadAudit},
	Admin: {ReadHousehold, ReadTotals, ReadMeeting, ReadComplaint, ManageRound, EnterResidents, ImportList, Export, Report, Enrol,
		ReleaseHeld, ManageAccounts, ReadAudit, Erase, ManageServer},
}

// aboveToo are the actions that also reach upward: totals of the areas above one's own are no secret inside the office,
// they are sums without names.
var aboveToo = []Action{ReadTotals}

// Can tells whether the actor may do something in an area. areaPath is the codes from the area itself up to the province,
// on the date the act is about; a grant on any of them covers it. An empty path is no area and nothing is allowed there.
func Can(a Actor, act Action, areaPath []string) bool {
	if !slices.Contains(permissions[a.Role], act) {
		return false
	}
	return slices.ContainsFunc(a.Areas, func(granted string) bool { return granted != "" && slices.Contains(areaPath, granted) })
}

// CanAbove tells whether the actor may do something in an area that lies above a granted one. grantedPaths are the paths of
// the actor's own areas.
func CanAbove(a Actor, act Action, area string, grantedPaths [][]string) bool {
	if area == "" || !slices.Contains(aboveToo, act) || !slices.Contains(permissions[a.Role], act) {
		return false
	}
	return slices.ContainsFunc(grantedPaths, func(path []string) bool {
		return len(path) > 0 && slices.Contains(a.Areas, path[0]) && slices.Contains(path, area)
	})
}

// MayWrite tells whether a role may write a unit of a kind of record. Units the questionnaire does not know may be written
// by those who may write anything of the kind: a newer tablet must not be refused by an older server. They are kept, not judged.
func MayWrite(q *schema.Questionnaire, role Role, kind, unit string) bool {
	if !slices.Contains(Roles, role) && role != Server {
		return false
	}
	k := q.Kinds[kind]
	if k == nil {
		return false
	}
	question, ok := k.Question(unit)
	if !ok {
		return !boardOnly(k)
	}
	return question.MayWrite(string(role))
}

// boardOnly tells whether every unit of the kind, besides its status, has named writers.
func boardOnly(k *schema.Kind) bool {
	for _, q := range k.Units {
		if q.Unit != unitStatus && len(q.Writers) == 0 {
			return false
		}
	}
	return true
}
