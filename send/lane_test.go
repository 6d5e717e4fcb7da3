package send

import (
	"bufio"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// A connection may end at any moment: also after the lane found that it has to
// wait for room on it. In a bubble, waiting for ever is a panic.
func TestConnectionEndsBeforeTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		c := &conn{
			wire: newWire(&guarded{Conn: ours}, bufio.NewReader(ours), bufio.NewWriter(ours)),
			mode: chunking, owed: []want{wantRset}, idle: time.Minute, used: time.Now(),
		}
		l := &lane{conn: c, g: &gateway{}, timer: time.NewTimer(time.Hour)}
		if !c.usable(0) || c.room() > 0 {
			t.Fatal("the lane does not wait for this connection")
		}
		theirs.Close()
		synctest.Wait()
		if l.wait(t.Context(), need{}) {
			t.Error("the lane ends")
		}
		if l.conn != nil {
			t.Error("the lane keeps a connection that ended")
		}
	})
}
