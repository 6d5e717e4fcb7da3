package main

import (
	"context"
	"net"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers over UDP on loopback as the zone says: records by name and
// kind; a name that is nil fails, one that is not there does not exist.
func nameServer(t *testing.T, zone map[string]map[dnsmessage.Type]dnsmessage.ResourceBody) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			q := m.Questions[0]
			records, there := zone[q.Name.String()]
			switch body := records[q.Type]; {
			case !there:
				m.RCode = dnsmessage.RCodeNameError
			case records == nil:
				m.RCode = dnsmessage.RCodeServerFailure
			case body != nil:
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}, Body: body}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = server.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func TestTakesMail(t *testing.T) {
	type records = map[dnsmessage.Type]dnsmessage.ResourceBody
	dns := nameServer(t, map[string]records{
		"northpost.example.": {dnsmessage.TypeMX: &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName("mx.northpost.example.")}},
		"nomail.example.":    {dnsmessage.TypeMX: &dnsmessage.MXResource{MX: dnsmessage.MustNewName(".")}, dnsmessage.TypeA: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}},
		"host.example.":      {dnsmessage.TypeA: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}},
		"v6.example.":        {dnsmessage.TypeAAAA: &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}}},
		"parked.example.":    {dnsmessage.TypeTXT: &dnsmessage.TXTResource{TXT: []string{"for sale"}}},
		"broken.example.":    nil,
	})
	for domain, want := range map[string][2]bool{
		"northpost.example": {true, true}, "nomail.example": {false, true}, "host.example": {true, true}, "v6.example": {true, true},
		"parked.example": {false, true}, "gone.example": {false, true}, "broken.example": {false, false},
	} {
		if takes, known := takesMail(t.Context(), dns, domain); takes != want[0] || known != want[1] {
			t.Errorf("%s: takes %t, known %t, want %v", domain, takes, known, want)
		}
	}
}
