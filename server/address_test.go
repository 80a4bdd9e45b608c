package main

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
)

func TestTheAddressPrintedIsOneADeviceCanUse(t *testing.T) {
	own := func() (list []net.Addr, err error) {
		for _, cidr := range []string{"127.0.0.1/8", "fe80::1/64", "2001:db8::5/64", "203.0.113.9/24", "192.168.1.20/24"} {
			ip, n, err := net.ParseCIDR(cidr)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, &net.IPNet{IP: ip, Mask: n.Mask})
		}
		return list, nil
	}
	none := func() ([]net.Addr, error) { return nil, errors.New("no interfaces") }
	for _, x := range []struct {
		listen string
		own    func() ([]net.Addr, error)
		want   []string
	}{
		{"127.0.0.1", own, []string{"127.0.0.1:8080"}},
		{"0.0.0.0", own, []string{"192.168.1.20:8080", "203.0.113.9:8080", "[2001:db8::5]:8080"}},
		{"::", own, []string{"192.168.1.20:8080", "203.0.113.9:8080", "[2001:db8::5]:8080"}},
		{"::", none, []string{"127.0.0.1:8080"}},
	} {
		if got := usable(&net.TCPAddr{IP: net.ParseIP(x.listen), Port: 8080}, x.own); !slices.Equal(got, x.want) {
			t.Errorf("listening on %s: %v, want %v", x.listen, got, x.want)
		}
	}
}

func TestANewFolderIsSaidWhereNobodyMeantOne(t *testing.T) {
	d := newDesk(t)
	if _, _, errOut := d.try("", "account", "list"); !strings.Contains(errOut, "là mới") {
		t.Errorf("account list in a new folder: %q", errOut)
	}
	if _, _, errOut := d.try("", "account", "list"); strings.Contains(errOut, "là mới") {
		t.Errorf("and in one that is there: %q", errOut)
	}
	_, _, errOut := newDesk(t).try("", "--lang", "en", "account", "add", "qt", "--role", "admin", "--name", "A")
	if strings.Contains(errOut, "is new") || !strings.Contains(errOut, "cannot sign in to the console") {
		t.Errorf("the first account, without a password: %q", errOut)
	}
}
