package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"lede/internal/smtptest"
)

// runSink is our receiver in a process of its own: it listens until it is
// told to end, and prints a running count as smtp-sink does, but seldom.
func runSink(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("sink LISTEN OFFERS")
	}
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	s := &smtptest.Sink{Pipelining: args[1] != offersNothing, Chunking: args[1] == offersChunking}
	go func() {
		for said := int64(0); ; time.Sleep(look / 2) {
			if n := s.Mails(); n != said {
				said = n
				_, _ = fmt.Fprintf(stdout, "mesg=%d\r", n)
			}
		}
	}()
	s.Serve(l)
	if n := s.Bad(); n > 0 {
		return fmt.Errorf("%d mails or commands were broken", n)
	}
	return nil
}
