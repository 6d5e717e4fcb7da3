package mailtest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
)

// servePolicy lets a server ask about each recipient, in Postfix' protocol
// (SMTPD_POLICY_README): lines "name=value" and an empty one, answered by
// "action=…" and an empty line. It returns its port.
func servePolicy(t *testing.T, recipient func(string) string) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go answer(c, recipient)
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port
}

func answer(c net.Conn, recipient func(string) string) {
	defer c.Close()
	address := ""
	for lines := bufio.NewScanner(c); lines.Scan(); {
		line := lines.Text()
		if value, ok := strings.CutPrefix(line, "recipient="); ok {
			address = value
		}
		if line != "" {
			continue
		}
		action := "DUNNO"
		if recipient != nil {
			if reply := recipient(address); reply != "" {
				action = reply
			}
		}
		if _, err := fmt.Fprintf(c, "action=%s\n\n", action); err != nil {
			return
		}
	}
}
