package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// runProxy is the wire: it passes connections on to the receiver, every byte
// later by the delay, in both directions.
func runProxy(ctx context.Context, args []string, _ io.Writer) error {
	if len(args) != 3 {
		return fmt.Errorf("proxy LISTEN RECEIVER DELAY")
	}
	wait, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		near, err := l.Accept()
		if err != nil {
			return nil
		}
		wg.Go(func() {
			defer near.Close()
			far, err := (&net.Dialer{}).DialContext(ctx, "tcp", args[1])
			if err != nil {
				return
			}
			defer far.Close()
			var both sync.WaitGroup
			both.Go(func() { pass(far, near, wait) })
			both.Go(func() { pass(near, far, wait) })
			both.Wait()
		})
	}
}

// late is what is to be written at an instant.
type late struct {
	due  time.Time
	data []byte
}

// onTheWire is how many pieces may be under way in one direction: enough for
// the window of a fast line.
const onTheWire = 256

// pass copies until src ends, and then ends dst's direction.
func pass(dst, src net.Conn, wait time.Duration) {
	pieces := make(chan late, onTheWire)
	go func() {
		defer close(pieces)
		for {
			buf := make([]byte, 32<<10)
			n, err := src.Read(buf)
			if n > 0 {
				pieces <- late{time.Now().Add(wait), buf[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	broken := false
	for p := range pieces {
		time.Sleep(time.Until(p.due))
		if broken {
			continue
		}
		if _, err := dst.Write(p.data); err != nil {
			broken = true
			_ = src.Close()
		}
	}
	if tcp, ok := dst.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}
