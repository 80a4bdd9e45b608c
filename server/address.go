package main

import (
	"net"
	"slices"
	"strconv"
)

// usable are the addresses under which devices find a listener, the likeliest first: one that listens on all of the machine's
// addresses is at none called 0.0.0.0.
func usable(at net.Addr, own func() ([]net.Addr, error)) []string {
	tcp, ok := at.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return []string{at.String()}
	}
	var ips []net.IP
	if all, err := own(); err == nil {
		for _, a := range all {
			if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
				ips = append(ips, n.IP)
			}
		}
	}
	weight := func(ip net.IP) int {
		switch {
		case ip.To4() == nil:
			return 2
		case ip.IsPrivate():
			return 0
		}
		return 1
	}
	slices.SortStableFunc(ips, func(a, b net.IP) int { return weight(a) - weight(b) })
	if len(ips) == 0 {
		ips = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	var list []string
	for _, ip := range ips {
		list = append(list, net.JoinHostPort(ip.String(), strconv.Itoa(tcp.Port)))
	}
	return list
}
