package central

import (
	"context"
	"path/filepath"
	"testing"
)

func TestAStoreKeepsItsIdentityWhenItIsOpenedAgain(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "data", "central.db")
	var first Self
	for i := range 2 {
		s, err := Open(context.Background(), url, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = s.Self()
		} else if me := s.Self(); me.Server != first.Server || me.Epoch != first.Epoch || me.Replica != first.Replica || !me.Key.Equal(first.Key) {
			t.Errorf("opened again the store is %+v, it was %+v", me, first)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
