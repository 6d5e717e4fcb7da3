package main

import (
	"context"
	"net"
	"os/exec"
	"strconv"
)

// smtpSource is Postfix's load generator: no template, no ledger, no memory of
// what it sent.
type smtpSource struct{}

func (smtpSource) name() string { return "smtp-source -d" }

func (smtpSource) command(ctx context.Context, n, port int) (*exec.Cmd, func() error, error) {
	path, err := postfixTool("smtp-source")
	if err != nil {
		return nil, nil, err
	}
	return exec.CommandContext(ctx, path,
		"-d", // keep the connections
		"-s", strconv.Itoa(connections), "-l", strconv.Itoa(letterSize), "-m", strconv.Itoa(n),
		"-M", "bench.example", "-f", "letter@example.org", "-t", "reader@northpost.example",
		net.JoinHostPort("127.0.0.1", strconv.Itoa(port))), nil, nil
}
