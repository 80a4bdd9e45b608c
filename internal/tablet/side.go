package tablet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	fieldsync "github.com/rasoat/rasoat/sync"
)

// sideName is the file beside the database that remembers the last own change. A database that was put back from a copy
// is behind it, and that is how the tablet knows not to use a dot twice.
const sideName = "last-change.json"

// side is (replica, last seq, last h).
type side struct {
	Replica string        `json:"replica"`
	Seq     uint64        `json:"seq"`
	H       fieldsync.B64 `json:"h"`
}

// readSide returns nil when the file is missing or cannot be read: both mean that nothing vouches for the database.
func readSide(dir string) (*side, error) {
	b, err := os.ReadFile(filepath.Join(dir, sideName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read side file: %w", err)
	}
	var s side
	if json.Unmarshal(b, &s) != nil || !fieldsync.ValidReplica(s.Replica) {
		return nil, nil
	}
	return &s, nil
}

// writeSide replaces the file so that either the old or the new one is there after a power cut.
func writeSide(dir string, s side) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, sideName)
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write side file: %w", err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		return fmt.Errorf("write side file: %w", err)
	}
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // some file systems cannot sync a folder; the rename is then as safe as they make it
		d.Close()
	}
	return nil
}
