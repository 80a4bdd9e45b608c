package account

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// gate slows down guessing: by account, so that one password cannot be tried from many places, and by peer, so that one
// place cannot try many accounts. Only failures count. An account's owner can be made to wait half a minute this way, but
// is never locked out.
type gate struct {
	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

// Failures allowed at once, and then one in this time.
const (
	accountFailures, accountEvery = 5, 30 * time.Second
	peerFailures, peerEvery       = 30, 5 * time.Second
	maxGateKeys                   = 10_000
)

func (g *gate) limiter(key string, every time.Duration, burst int) *rate.Limiter {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.keys[key]
	if l == nil {
		if g.keys == nil || len(g.keys) >= maxGateKeys {
			g.keys = map[string]*rate.Limiter{}
		}
		l = rate.NewLimiter(rate.Every(every), burst)
		g.keys[key] = l
	}
	return l
}

func (g *gate) both(account, peer string) [2]*rate.Limiter {
	return [2]*rate.Limiter{g.limiter("a "+account, accountEvery, accountFailures), g.limiter("p "+peer, peerEvery, peerFailures)}
}

// enter takes one attempt from both; give it back when the password was right. Taken before the check, so that a
// hundred attempts at once are not a hundred free guesses.
func (g *gate) enter(account, peer string, now time.Time) (ok bool) {
	both := g.both(account, peer)
	return both[0].AllowN(now, 1) && both[1].AllowN(now, 1)
}

// passed forgets the failures of an account whose owner has just proved to be there.
func (g *gate) passed(account, peer string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.keys, "a "+account)
	delete(g.keys, "p "+peer)
}
