package sync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Download is a snapshot on its way: it remembers what has arrived, so that a broken link costs only the rest.
type Download struct {
	Scope string
	At    *Cursor // nil: as the server has it now

	etag string
	gzip bool
	got  []byte
}

const codeRange = "range"

// maxStored bounds a snapshot as it travels.
const maxStored = 32 << 20

// Fetch goes on with a download. After an error it may be called again: it then asks for the part that is missing, of the
// same bytes, and starts anew when the server has others.
func (c *Client) Fetch(ctx context.Context, d *Download) (*SnapshotHead, []*State, error) {
	if err := c.fetch(ctx, d); err != nil {
		return nil, nil, fmt.Errorf("fetch snapshot of %s: %w", d.Scope, err)
	}
	body := d.got
	if d.gzip {
		var err error
		if body, err = decompress(d.got, maxSnapshot); err != nil {
			d.restart()
			return nil, nil, fmt.Errorf("fetch snapshot of %s: %w", d.Scope, err)
		}
	}
	head, states, err := ReadSnapshot(body)
	if err == nil && head.Scope != d.Scope {
		err = unheard("it is the snapshot of " + head.Scope)
	}
	d.restart()
	return head, states, err
}

func (d *Download) restart() { d.etag, d.gzip, d.got = "", false, nil }

func (c *Client) fetch(ctx context.Context, d *Download) error {
	path := PathSnapshot + url.PathEscape(d.Scope)
	if d.At != nil {
		path += "?at=" + url.QueryEscape(d.At.At())
	}
	header := http.Header{}
	if len(d.got) > 0 && d.etag != "" {
		header.Set("Range", "bytes="+strconv.Itoa(len(d.got))+"-")
		header.Set("If-Range", d.etag)
	}
	res, err := c.do(ctx, http.MethodGet, path, nil, header)
	if err != nil {
		var p *Problem
		if errors.As(err, &p) && (p.Code == codeRange || p.Status == http.StatusGone) {
			d.restart()
			d.At = nil // what was asked for is not kept any more: take it as it is now
		}
		return err
	}
	defer res.end()
	zipped := res.header.Get("Content-Encoding") == "gzip"
	if res.status != http.StatusPartialContent {
		d.restart()
	} else if err := d.continues(res, zipped); err != nil {
		d.restart()
		return err
	}
	d.etag, d.gzip = res.header.Get("ETag"), zipped
	return d.take(res)
}

// continues tells whether a partial answer is the rest of what is here.
func (d *Download) continues(res *reply, zipped bool) error {
	from, ok := strings.CutPrefix(res.header.Get("Content-Range"), "bytes "+strconv.Itoa(len(d.got))+"-")
	if !ok || from == "" || res.header.Get("ETag") != d.etag || zipped != d.gzip {
		return unheard("it is not the rest of the snapshot")
	}
	return nil
}

// take keeps every byte that arrives, also before an error.
func (d *Download) take(res *reply) error {
	buf := make([]byte, 16<<10)
	for {
		n, err := res.Read(buf)
		if d.got = append(d.got, buf[:n]...); len(d.got) > maxStored {
			d.restart()
			return unheard("the snapshot is too large")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
