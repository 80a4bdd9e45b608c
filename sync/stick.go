package sync

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Names on a stick: short, without a person, and different also where a file system knows no small and capital letters.
const (
	stickPrefix    = "rasoat-"
	partSuffix     = ".rsb"
	receiptsPrefix = stickPrefix + "receipts-"
	receiptsSuffix = ".rsr"
	tempPrefix     = ".rasoat-"
)

// PartName is the file name of a part: when the bundle was made (by the tablet's clock), its id, and which part of how many.
func PartName(head *PartHead) string {
	return fmt.Sprintf("%s%s-%s-%03dof%03d%s", stickPrefix, time.UnixMilli(head.Made).UTC().Format("20060102-1504"), head.Bundle, head.Part, head.Of, partSuffix)
}

// ReceiptsName is the file name of a server's receipts; a newer file takes the place of an older one.
func ReceiptsName(server string) string {
	h := sha256.Sum256([]byte(server))
	return receiptsPrefix + hex.EncodeToString(h[:4]) + receiptsSuffix
}

// StickFile is a file to be written: its name and its bytes.
type StickFile struct {
	Name string
	Data []byte
}

// WriteFiles puts files into a folder, each under a temporary name, synced, renamed, then read back and given to verify. Only
// when it returns nil has the medium shown all of them whole. A file that could not be verified is taken away again where
// that is possible; those before it are good.
func WriteFiles(dir string, files []StickFile, verify func(name string, data []byte) error) error {
	for _, f := range files {
		if err := writeFile(dir, f); err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
	}
	syncDir(dir)
	for _, f := range files {
		back, err := readStick(filepath.Join(dir, f.Name), int64(len(f.Data)))
		if err == nil && !bytes.Equal(back, f.Data) {
			err = errReadBack
		}
		if err == nil {
			err = verify(f.Name, back)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("read back %s: %w", f.Name, err), os.Remove(filepath.Join(dir, f.Name)))
		}
	}
	return nil
}

var errReadBack = errors.New("the medium gives other bytes than were written")

func writeFile(dir string, f StickFile) (err error) {
	if f.Name != filepath.Base(f.Name) || !strings.HasPrefix(f.Name, stickPrefix) {
		return fmt.Errorf("%q is no name for a stick", f.Name)
	}
	temp := filepath.Join(dir, tempPrefix+strings.TrimPrefix(f.Name, stickPrefix)+".part")
	out, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(f.Data)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(temp, filepath.Join(dir, f.Name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

// syncDir makes the names durable where a folder can be synced at all: not on FAT under every system.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// readStick reads a file that has at most limit bytes; of a longer one it reads one byte more, so that the caller sees it.
func readStick(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// ReadPartFile reads the bytes of a part; OpenPart refuses what is too long.
func ReadPartFile(path string) ([]byte, error) { return readStick(path, MaxPartBytes) }

// ReadReceiptsFile reads the bytes of a receipts file; ReadReceipts refuses what is too long.
func ReadReceiptsFile(path string) ([]byte, error) { return readStick(path, MaxReceiptsBytes) }

// PartFiles are the parts in a folder, or the file itself, sorted by name.
func PartFiles(path string) ([]string, error) { return stickFiles(path, stickPrefix, partSuffix) }

// ReceiptsFiles are the receipts files in a folder, or the file itself.
func ReceiptsFiles(path string) ([]string, error) {
	return stickFiles(path, receiptsPrefix, receiptsSuffix)
}

func stickFiles(path, prefix, suffix string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		name := strings.ToLower(e.Name()) // old sticks give names in capitals
		if strings.HasPrefix(name, prefix) && strings.HasSuffix(name, suffix) && e.Type()&fs.ModeDir == 0 {
			names = append(names, filepath.Join(path, e.Name()))
		}
	}
	slices.Sort(names)
	return names, nil
}
