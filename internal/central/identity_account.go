package central

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rasoat/rasoat/schema"
)

// Roles are who may hold an account, from the field to the top (sync.md section 7).
var Roles = []string{"enumerator", "village_head", "board", "chairman", "district", "admin"}

// Account is a person who signs in at the console or works with a tablet. It never travels, except to its own tablets.
type Account struct {
	Account, Name, Role, Phone, Lang string
	CreatedAt, DisabledAt            int64 // Unix milliseconds; 0: not disabled
	HasPassword                      bool
	Grants                           []Grant // live ones first, then by area
}

// Grant is one area an account was given; it covers what lies below.
type Grant struct {
	Area           string // "01969", or "01969@2025-06-30" for a unit that bore this code before
	Since, EndedAt int64
	How, By        string // How: "" while it lasts, GrantEnded, GrantRevoked
}

// How a grant is over: work of an ended one that arrives later is published, work of a revoked one is held.
const (
	GrantEnded   = "ended"
	GrantRevoked = "revoked"
)

// Live returns the areas the account has now, as the grants name them.
func (a *Account) Live() []string {
	var codes []string
	for _, g := range a.Grants {
		if g.How == "" {
			codes = append(codes, g.Area)
		}
	}
	return codes
}

// NewAccount is what AddAccount needs. PasswordHash is empty for an account that only works with a tablet.
type NewAccount struct {
	Account, Name, Role, Phone, Lang, PasswordHash string
	Areas                                          []string // "01969-03", "01969", "063@2024-12-31"
}

// Limits of an account's texts.
const (
	maxAccountName = 32  // bytes of the sign-in name
	maxPersonName  = 120 // characters
	maxGrants      = 500 // areas given in one act
)

var accountForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// AddAccount makes an account with its first grants. by is who does it: an account, or "" for the command line.
func (s *Store) AddAccount(ctx context.Context, by string, a NewAccount) error {
	if err := checkAccount(&a); err != nil {
		return err
	}
	areas, err := s.grantable(ctx, a.Areas)
	if err != nil {
		return err
	}
	return s.Update(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO account (account, home, name, role, phone, password, lang, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account) DO NOTHING`,
			a.Account, s.homeOfAreas(areas), a.Name, a.Role, a.Phone, a.PasswordHash, a.Lang, s.Now())
		if err != nil {
			return fmt.Errorf("add account: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrAccountExists)
		}
		if err := s.audit(ctx, tx, AuditEntry{Actor: by, Act: "account.add", Object: a.Account, Detail: a.Role}); err != nil {
			return err
		}
		for _, area := range areas {
			if err := s.addGrant(ctx, tx, by, a.Account, area); err != nil {
				return err
			}
		}
		return nil
	})
}

// phoneForm: digits with the signs people set between them.
var phoneForm = regexp.MustCompile(`^\+?[0-9]([ .-]?[0-9]){7,14}$`)

func checkAccount(a *NewAccount) error {
	a.Name = strings.Join(strings.Fields(a.Name), " ")
	if a.Lang == "" {
		a.Lang = "vi"
	}
	switch {
	case len(a.Account) > maxAccountName || !accountForm.MatchString(a.Account):
		return refuse("account_name", "Tên đăng nhập gồm 1–32 chữ thường không dấu, số, dấu chấm, gạch; ví dụ en0417.",
			"A sign-in name has 1 to 32 lower-case letters, digits, dots, dashes or underscores, such as en0417.")
	case !slices.Contains(Roles, a.Role):
		return refuse("role_unknown", "Vai trò phải là một trong: "+strings.Join(Roles, ", ")+".", "The role must be one of: "+strings.Join(Roles, ", ")+".")
	case a.Name == "" || len([]rune(a.Name)) > maxPersonName:
		return refuse("person_name", "Ghi họ tên người dùng tài khoản (--name), tối đa 120 chữ.", "Give the person's name (--name), at most 120 characters.")
	case a.Phone != "" && !phoneForm.MatchString(a.Phone):
		return refuse("phone", fmt.Sprintf("Điện thoại (--phone) %q sai. Ghi 8–15 chữ số, ví dụ 0912 345 678 hoặc +84 912345678.", a.Phone),
			fmt.Sprintf("The telephone (--phone) %q is wrong. Give 8 to 15 digits, such as 0912 345 678 or +84 912345678.", a.Phone))
	case a.Role != "admin" && len(a.Areas) == 0:
		return refuse("area_missing", "Ghi địa bàn được giao (--area), ví dụ --area 01969-03.", "Give the area (--area), such as --area 01969-03.")
	case len(a.Areas) > maxGrants:
		return refuse("areas_many", "Tối đa 500 địa bàn một lần; hãy giao đơn vị cấp trên.", "At most 500 areas at once; grant the area above them instead.")
	}
	return nil
}

// grantable brings area references, each of a unit that exists, to their one spelling.
func (s *Store) grantable(ctx context.Context, refs []string) ([]string, error) {
	if err := s.LoadAreas(ctx); err != nil { // another process may have imported villages a moment ago
		return nil, err
	}
	var units []string
	for _, ref := range refs {
		a, err := s.area(ref)
		if err != nil {
			return nil, err
		}
		if unit := s.places.Load().ref(a); !slices.Contains(units, unit) {
			units = append(units, unit)
		}
	}
	return units, nil
}

// area finds what "01969" or "01969@2024-12-31" names: without a date the unit of today, or the last one of that code.
func (s *Store) area(ref string) (schema.Area, error) {
	code, date := schema.ParseRef(strings.TrimSpace(ref))
	p := s.places.Load()
	if date != "" {
		if a, ok := p.At(code, date); ok {
			return a, nil
		}
	} else if a, ok := p.At(code, s.now().Format("2006-01-02")); ok {
		return a, nil
	} else if a, ok := p.any(code); ok {
		return a, nil
	}
	return schema.Area{}, refuse("area_unknown",
		fmt.Sprintf("Không có địa bàn %q. Thôn phải được nạp trước: server area import; đơn vị cũ viết kèm ngày, ví dụ 063@2024-12-31.", ref),
		fmt.Sprintf("There is no area %q. Villages are imported first: server area import; an old unit is written with a day, such as 063@2024-12-31.", ref))
}

// homeOfAreas is the province of the first area: the partition an account and its replicas belong to, for ever.
func (s *Store) homeOfAreas(areas []string) string {
	p := s.places.Load()
	for _, ref := range areas {
		for _, above := range p.unitPath(ref) {
			if a, ok := p.unit(above); ok && a.Level == schema.LevelProvince {
				return a.Code
			}
		}
	}
	return ""
}

// GrantArea gives an account one more area. Giving what it has already changes nothing.
func (s *Store) GrantArea(ctx context.Context, by, account, ref string) error {
	areas, err := s.grantable(ctx, []string{ref})
	if err != nil {
		return err
	}
	return s.Update(ctx, func(tx *sql.Tx) error {
		if _, err := s.account(ctx, tx, account); err != nil {
			return err
		}
		return s.addGrant(ctx, tx, by, account, areas[0])
	})
}

// addGrant also lifts a revocation of the very same area: the person is trusted again, and late work is published.
func (s *Store) addGrant(ctx context.Context, tx *sql.Tx, by, account, area string) error {
	var live int
	err := tx.QueryRowContext(ctx, "SELECT count(*) FROM area_grant WHERE account = $1 AND area = $2 AND how = ''", account, area).Scan(&live)
	if err != nil || live > 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO area_grant (account, area, since, by_account) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, area, since) DO UPDATE SET ended_at = 0, how = '', by_account = excluded.by_account`, account, area, s.Now(), by)
	if err != nil {
		return fmt.Errorf("grant area: %w", err)
	}
	return s.audit(ctx, tx, AuditEntry{Actor: by, Act: "account.grant", Object: account, Area: area})
}

// EndGrant takes an area away: GrantEnded lets work in that arrives later, GrantRevoked holds it.
func (s *Store) EndGrant(ctx context.Context, by, account, ref, how string) error {
	if err := s.LoadAreas(ctx); err != nil {
		return err
	}
	unit := strings.TrimSpace(ref)
	if a, err := s.area(unit); err == nil {
		unit = s.places.Load().ref(a)
	}
	return s.Update(ctx, func(tx *sql.Tx) error {
		if _, err := s.account(ctx, tx, account); err != nil {
			return err
		}
		// An ended grant may still be revoked, when it turns out later why the person had to go.
		from := "how = ''"
		if how == GrantRevoked {
			from = "how <> 'revoked'"
		}
		res, err := tx.ExecContext(ctx, "UPDATE area_grant SET ended_at = $1, how = $2 WHERE account = $3 AND area = $4 AND "+from, s.Now(), how, account, unit)
		if err != nil {
			return fmt.Errorf("end grant: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrGrantUnknown)
		}
		return s.audit(ctx, tx, AuditEntry{Actor: by, Act: "account." + how, Object: account, Area: unit})
	})
}

// DisableAccount ends everything an account may do; its tablets get 401, their unsent work can still leave as a bundle.
func (s *Store) DisableAccount(ctx context.Context, by, account string) error {
	return s.setDisabled(ctx, by, account, s.Now(), "account.disable")
}

// EnableAccount gives a disabled account back what it had.
func (s *Store) EnableAccount(ctx context.Context, by, account string) error {
	return s.setDisabled(ctx, by, account, 0, "account.enable")
}

func (s *Store) setDisabled(ctx context.Context, by, account string, at int64, act string) error {
	return s.changeAccount(ctx, by, account, act, "disabled_at", at)
}

// SetPasswordHash stores the hash that package account made.
func (s *Store) SetPasswordHash(ctx context.Context, by, account, hash string) error {
	return s.changeAccount(ctx, by, account, "account.password", "password", hash)
}

// SetAccountLang stores the language a person reads: "vi" or "en".
func (s *Store) SetAccountLang(ctx context.Context, by, account, lang string) error {
	if lang != "vi" && lang != "en" {
		return refuse("lang_unknown", "Ngôn ngữ là vi hoặc en.", "The language is vi or en.")
	}
	return s.changeAccount(ctx, by, account, "account.lang", "lang", lang)
}

// changeAccount sets one column, a name of this file and never of a caller's text.
func (s *Store) changeAccount(ctx context.Context, by, account, act, column string, value any) error {
	return s.Update(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE account SET "+column+" = $1 WHERE account = $2", value, account)
		if err != nil {
			return fmt.Errorf("change account: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrAccountUnknown)
		}
		return s.audit(ctx, tx, AuditEntry{Actor: by, Act: act, Object: account})
	})
}

const accountColumns = "account, name, role, phone, lang, created_at, disabled_at, password <> ''"

// Account returns one account with its grants; ErrAccountUnknown when there is none.
func (s *Store) Account(ctx context.Context, account string) (a *Account, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		if a, err = s.account(ctx, tx, account); err != nil {
			return err
		}
		return s.readGrants(ctx, tx, " WHERE account = $1", []any{account}, map[string]*Account{account: a})
	})
	return a, err
}

func (s *Store) account(ctx context.Context, tx *sql.Tx, account string) (*Account, error) {
	a, err := scanAccount(tx.QueryRowContext(ctx, "SELECT "+accountColumns+" FROM account WHERE account = $1", account))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrAccountUnknown
	}
	return a, err
}

func scanAccount(row interface{ Scan(...any) error }) (*Account, error) {
	var a Account
	err := row.Scan(&a.Account, &a.Name, &a.Role, &a.Phone, &a.Lang, &a.CreatedAt, &a.DisabledAt, &a.HasPassword)
	return &a, err
}

// Accounts returns all accounts with their grants, by name.
func (s *Store) Accounts(ctx context.Context) (all []*Account, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		known := map[string]*Account{}
		err := eachRow(ctx, tx, "SELECT "+accountColumns+" FROM account ORDER BY account", nil, func(rows *sql.Rows) error {
			a, err := scanAccount(rows)
			all, known[a.Account] = append(all, a), a
			return err
		})
		if err != nil {
			return err
		}
		return s.readGrants(ctx, tx, "", nil, known)
	})
	return all, err
}

func (s *Store) readGrants(ctx context.Context, tx *sql.Tx, where string, args []any, to map[string]*Account) error {
	query := "SELECT account, area, since, ended_at, how, by_account FROM area_grant" + where + " ORDER BY how, area, since"
	return eachRow(ctx, tx, query, args, func(rows *sql.Rows) error {
		var account string
		var g Grant
		err := rows.Scan(&account, &g.Area, &g.Since, &g.EndedAt, &g.How, &g.By)
		if a := to[account]; a != nil {
			a.Grants = append(a.Grants, g)
		}
		return err
	})
}

// PasswordHash returns what a sign-in is checked against; "" when there is no such account or it has no password.
func (s *Store) PasswordHash(ctx context.Context, account string) (hash string, disabled bool, err error) {
	err = s.View(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT password, disabled_at <> 0 FROM account WHERE account = $1", account).Scan(&hash, &disabled)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return hash, disabled, err
}
