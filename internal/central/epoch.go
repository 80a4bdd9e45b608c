package central

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// A device's word alone turns the epoch, and each turn makes every tablet of the store begin again from a snapshot. A true
// rollback needs one; a broken or hostile device gets no more than a few an hour, and each refusal is in the log.
const (
	turnsAtOnce = 2
	turnsEvery  = 30 * time.Minute
)

var errTurns = &fieldsync.Problem{Status: 429, Code: "epoch_wait", Title: "This device has claimed too often that the server was rolled back.",
	Detail: "Báo người quản trị; dữ liệu vẫn ở trên máy. Ask for a snapshot of the scope instead of the cursor, or tell the administrator."}

// epochGate counts the turns of each device since the start.
type epochGate struct {
	mu      sync.Mutex
	devices map[int64]*rate.Limiter
}

// mayTurn tells whether a device's claim may turn the epoch.
func (s *Store) mayTurn(dev fieldsync.Device, why string) bool {
	g := &s.turns
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := g.devices[dev.ID]
	if limit == nil {
		if g.devices == nil {
			g.devices = map[int64]*rate.Limiter{}
		}
		limit = rate.NewLimiter(rate.Every(turnsEvery), turnsAtOnce)
		g.devices[dev.ID] = limit
	}
	if limit.AllowN(s.now(), 1) {
		return true
	}
	s.log.Warn("a device claims again that the store was rolled back; the epoch stays", "device", dev.ID, "account", dev.Account, "why", why)
	return false
}
