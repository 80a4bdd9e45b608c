package central

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rasoat/rasoat/internal/survey"
	"github.com/rasoat/rasoat/schema"
	fieldsync "github.com/rasoat/rasoat/sync"
)

// NewRound is what AddRound needs. ID "" makes one; Kind "" is periodic; Name "" is made from the year and the area.
type NewRound struct {
	ID, Name, Kind, Area, Standard, Questionnaire, From, To string
}

// AddRound opens a round of review and returns its id and remarks that do not stop it. by is who does it, "" the operator.
func (s *Store) AddRound(ctx context.Context, by string, r NewRound) (id string, remarks []*Refusal, err error) {
	if err := s.LoadAreas(ctx); err != nil {
		return "", nil, err
	}
	area, err := s.checkRound(&r)
	if err != nil {
		return "", nil, err
	}
	known, err := s.hasRecord(ctx, r.ID)
	if err != nil {
		return "", nil, err
	}
	if known {
		return "", nil, refuse("round_exists", "Đã có bản ghi mang mã này. Bỏ --id để tạo mã mới.", "A record with this id exists already. Leave --id out to get a new one.")
	}
	twin, err := s.sameRound(ctx, &r)
	if err != nil {
		return "", nil, err
	}
	writes, err := writesOf(map[string]any{"name": r.Name, "kind": r.Kind, "standard": r.Standard, "questionnaire": r.Questionnaire,
		"from": r.From, "to": r.To, "area": r.Area})
	if err != nil {
		return "", nil, err
	}
	_, err = s.Author(ctx, Act{Account: actor(by), Role: string(survey.Server), Form: r.Questionnaire, Changes: []ActChange{{
		Record: r.ID, Kind: kindRound, Op: fieldsync.OpCreate, Scope: area.Code, Writes: writes}}})
	if err != nil {
		return "", nil, fmt.Errorf("open the round: %w", err)
	}
	return r.ID, append(s.remarksOn(&r), twin...), s.Audit(ctx, AuditEntry{Actor: by, Act: "round.add", Object: r.ID, Area: area.Code})
}

// actor names the author of a change the program makes for a person, or for the operator at the command line.
func actor(by string) string {
	if by == "" {
		return string(survey.Server)
	}
	return by
}

func (s *Store) checkRound(r *NewRound) (schema.Area, error) {
	area, err := s.area(r.Area)
	if err != nil {
		return area, err
	}
	if r.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return area, fmt.Errorf("make an id: %w", err)
		}
		r.ID = id.String()
	}
	if r.Kind == "" {
		r.Kind = "periodic"
	}
	parsed, err := uuid.Parse(r.ID)
	switch {
	case err != nil || parsed.String() != r.ID:
		return area, refuse("round_id", "Mã đợt (--id) phải là UUID viết thường.", "The id of a round (--id) is a lower-case UUID.")
	case s.set.Standards[r.Standard] == nil:
		return area, refuse("standard_unknown", fmt.Sprintf("Không có chuẩn %q. Có: %v.", r.Standard, sortedKeys(s.set.Standards)),
			fmt.Sprintf("There is no standard %q. There are: %v.", r.Standard, sortedKeys(s.set.Standards)))
	case s.set.Questionnaires[r.Questionnaire] == nil:
		return area, refuse("questionnaire_unknown", fmt.Sprintf("Không có phiếu %q. Có: %v.", r.Questionnaire, sortedKeys(s.set.Questionnaires)),
			fmt.Sprintf("There is no questionnaire %q. There are: %v.", r.Questionnaire, sortedKeys(s.set.Questionnaires)))
	case r.Kind != "periodic" && r.Kind != "regular":
		return area, refuse("round_kind", "Loại rà soát là periodic (định kỳ) hoặc regular (thường xuyên).", "The kind is periodic or regular.")
	case r.From == "" || r.To == "" || !isDay(r.From) || !isDay(r.To) || r.From > r.To:
		return area, refuse("round_dates", "Ghi --from và --to dạng 2026-09-01, ngày đầu không sau ngày cuối.", "Give --from and --to as 2026-09-01, the first not after the last.")
	}
	if err := s.meantDuring(r, area); err != nil {
		return area, err
	}
	r.Area = s.roundArea(r.Area, area, r.From)
	if r.Name == "" {
		r.Name = roundName(r.Kind, r.From, area)
	}
	return area, nil
}

// meantDuring refuses a code without a day whose unit of today did not exist during the round: in 2024 the code may have
// meant another one.
func (s *Store) meantDuring(r *NewRound, area schema.Area) error {
	if _, date := schema.ParseRef(r.Area); date != "" || (area.ValidFrom == "" || area.ValidFrom <= r.To) && (area.ValidTo == "" || r.From < area.ValidTo) {
		return nil
	}
	at, ok := s.places.Load().At(area.Code, r.From)
	if !ok {
		return refuse("area_dates", fmt.Sprintf("Mã %s là %s, chưa có hoặc không còn trong thời gian của đợt (%s đến %s). Sửa ngày hoặc chọn địa bàn khác.", area.Code, area.Name, r.From, r.To),
			fmt.Sprintf("The code %s is %s, which did not exist during the round (%s to %s). Correct the dates or choose another area.", area.Code, area.Name, r.From, r.To))
	}
	day := r.To
	if at.ValidTo != "" {
		day = min(lastDay(at.ValidTo), r.From[:4]+"-12-31")
	}
	ref := at.Code + "@" + day
	return refuse("area_dates", fmt.Sprintf("Mã %s vào %s là %s, nay là %s. Ghi --area %s nếu đúng là đơn vị ấy.", at.Code, dayMonthYear(r.From), fullName(at), fullName(area), ref),
		fmt.Sprintf("The code %s was %s on %s, and is %s now. Write --area %s if that unit is meant.", at.Code, fullName(at), r.From, fullName(area), ref))
}

func fullName(a schema.Area) string {
	if a.Level == schema.LevelVillage {
		return a.Name
	}
	return strings.TrimSpace(a.UnitType + " " + a.Name)
}

func dayMonthYear(day string) string { return day[8:] + "/" + day[5:7] + "/" + day[:4] }

// sameRound is a remark where a round of this kind, area and time is here already.
func (s *Store) sameRound(ctx context.Context, r *NewRound) (remarks []*Refusal, err error) {
	all, err := s.RoundDetails(ctx)
	code, _ := schema.ParseRef(r.Area)
	for _, have := range all {
		if have.Kind == r.Kind && have.Area == code && have.From == r.From && have.To == r.To && have.Standard == r.Standard && s.sameUnit(code, have.Date, r) {
			remarks = append(remarks, refuse("round_twice", fmt.Sprintf("Cảnh báo: đã có đợt như vậy: %s (%s). Nếu gõ hai lần thì dùng đợt ấy, đừng giao máy vào đợt mới.", have.ID, have.Name),
				fmt.Sprintf("Warning: there is such a round already: %s (%s). If this was typed twice, use that one.", have.ID, have.Name)))
		}
	}
	return remarks, err
}

// sameUnit: the code means the same unit on both days.
func (s *Store) sameUnit(code, date string, r *NewRound) bool {
	_, day := schema.ParseRef(r.Area)
	if day == "" {
		day = r.From
	}
	a, ok := s.places.Load().At(code, date)
	b, ok2 := s.places.Load().At(code, day)
	return ok == ok2 && a.ValidFrom == b.ValidFrom
}

// roundArea is the area as the round names it: with a day where the code alone would mean another unit when the round began.
func (s *Store) roundArea(ref string, area schema.Area, from string) string {
	code, date := schema.ParseRef(ref)
	if date != "" {
		return ref
	}
	if at, ok := s.places.Load().At(code, from); ok && at.ValidFrom == area.ValidFrom {
		return code
	}
	if area.ValidTo != "" {
		return code + "@" + lastDay(area.ValidTo)
	}
	return code + "@" + max(area.ValidFrom, s.now().Format(time.DateOnly))
}

func roundName(kind, from string, area schema.Area) string {
	if kind == "regular" {
		return fmt.Sprintf("Rà soát thường xuyên tháng %s/%s, %s", from[5:7], from[:4], area.Name)
	}
	return fmt.Sprintf("Rà soát định kỳ năm %s, %s", from[:4], area.Name)
}

// remarksOn: a standard is in force for the list a round makes. A periodic round of autumn makes the list of the next year;
// a regular one changes the list in force.
func (s *Store) remarksOn(r *NewRound) (remarks []*Refusal) {
	std, day := s.set.Standards[r.Standard], r.To
	if year, err := strconv.Atoi(r.From[:4]); err == nil && r.Kind == "periodic" {
		day = fmt.Sprintf("%d-01-01", year+1)
	}
	if (std.From == "" || std.From <= day) && (std.To == "" || day <= std.To) {
		return nil
	}
	return []*Refusal{refuse("standard_dates",
		fmt.Sprintf("Lưu ý: chuẩn %s dùng cho danh sách %s … %s, đợt này làm danh sách có hiệu lực từ %s. Có thể cần chuẩn khác.", std.Name, std.From, std.To, day),
		fmt.Sprintf("Note: the standard %s is for the lists of %s … %s, this round makes the list of %s. Another standard may be meant.", std.Name, std.From, std.To, day))}
}

// hasRecord tells whether a record with this id is here.
func (s *Store) hasRecord(ctx context.Context, id string) (known bool, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		var n int
		err := tx.QueryRowContext(ctx, "SELECT 1 FROM record WHERE rec = $1", id).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		known = err == nil
		return err
	})
	return known, err
}

// writesOf makes writes of values, in the order of the units.
func writesOf(values map[string]any) ([]fieldsync.Write, error) {
	var writes []fieldsync.Write
	for _, unit := range sortedKeys(values) {
		value, err := json.Marshal(values[unit])
		if err != nil {
			return nil, err
		}
		writes = append(writes, fieldsync.Write{Unit: unit, Value: value})
	}
	return slices.Clip(writes), nil
}
