package main

import (
	"context"
	"errors"
	"net"
	"time"
)

// mxPatience is how long a domain is asked for.
const mxPatience = 5 * time.Second

// takesMail says whether a domain takes mail, as the DNS has it: it names a host
// for it (MX), or is one itself (RFC 5321, section 5.1). A single MX "." says that
// it takes none (RFC 7505).
func takesMail(ctx context.Context, dns *net.Resolver, domain string) (takes, known bool) {
	ctx, cancel := context.WithTimeout(ctx, mxPatience)
	defer cancel()
	name := domain + "." // no search list of this machine
	hosts, err := dns.LookupMX(ctx, name)
	if len(hosts) > 0 {
		return len(hosts) > 1 || hosts[0].Host != ".", true
	}
	if !isNoSuchName(err) {
		return false, false
	}
	addresses, err := dns.LookupIPAddr(ctx, name)
	if len(addresses) > 0 {
		return true, true
	}
	return false, isNoSuchName(err)
}

// isNoSuchName says that the DNS answered, and knows no such name or record.
func isNoSuchName(err error) bool {
	var wrong *net.DNSError
	return errors.As(err, &wrong) && wrong.IsNotFound
}
