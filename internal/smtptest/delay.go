package smtptest

import (
	"net"
	"sync"
	"time"
)

// delayed is a connection on which everything takes its time in each direction.
// What is under way waits in a queue, so that throughput is not limited.
type delayed struct {
	raw     net.Conn
	delay   time.Duration
	in, out chan parcel
	rest    []byte // read, not taken
	done    chan struct{}
	reader  sync.WaitGroup
	writer  sync.WaitGroup
}

// parcel is some bytes under way.
type parcel struct {
	data []byte
	err  error // the connection's end
	at   time.Time
}

func newDelayed(raw net.Conn, delay time.Duration) *delayed {
	d := &delayed{raw: raw, delay: delay, in: make(chan parcel, 4096), out: make(chan parcel, 4096), done: make(chan struct{})}
	d.reader.Go(d.receive)
	d.writer.Go(d.send)
	return d
}

// receive reads what comes and notes when it may be seen.
func (d *delayed) receive() {
	for {
		data := make([]byte, 64<<10)
		n, err := d.raw.Read(data)
		select {
		case d.in <- parcel{data[:n], err, time.Now().Add(d.delay)}:
		case <-d.done:
			return
		}
		if err != nil && n == 0 {
			return
		}
	}
}

// send writes what is due.
func (d *delayed) send() {
	for p := range d.out {
		time.Sleep(time.Until(p.at))
		if _, err := d.raw.Write(p.data); err != nil {
			_ = d.raw.Close()
		}
	}
}

// Read returns what came long enough ago.
func (d *delayed) Read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		next := <-d.in
		time.Sleep(time.Until(next.at))
		if next.err != nil && len(next.data) == 0 {
			return 0, next.err
		}
		d.rest = next.data // an error that came with it comes again
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// Write sends p later.
func (d *delayed) Write(p []byte) (int, error) {
	d.out <- parcel{data: append([]byte(nil), p...), at: time.Now().Add(d.delay)}
	return len(p), nil
}

// end sends what is left and closes the connection.
func (d *delayed) end() {
	close(d.out)
	d.writer.Wait()
	close(d.done)
	_ = d.raw.Close()
	d.reader.Wait()
}
