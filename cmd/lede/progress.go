package main

import (
	"fmt"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"lede/newsroom"
)

// note writes a line for a person to standard error.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.stderr, format+"\n", args...)
}

// progress shows how a send goes: a bar on a terminal, a line every five
// seconds elsewhere.
type progress struct {
	a     *app
	bars  *mpb.Progress
	bar   *mpb.Bar
	last  time.Time
	began time.Time
}

func newProgress(a *app) *progress { return &progress{a: a, began: a.now()} }

// sums shows the state of a send.
func (p *progress) sums(s newsroom.Sums) {
	done := s.Audience - s.Pending
	if !p.a.terminal() {
		if now := p.a.now(); now.Sub(p.last) >= 5*time.Second {
			if !p.last.IsZero() {
				p.a.note("%d of %d: %d sent, %d put off, %d failed, %d skipped", done, s.Audience, s.Sent, s.Deferred, s.Failed, s.Skipped)
			}
			p.last = now
		}
		return
	}
	if p.bar == nil {
		p.bars = mpb.New(mpb.WithOutput(p.a.stderr), mpb.WithWidth(48))
		p.bar = p.bars.AddBar(int64(s.Audience),
			mpb.PrependDecorators(decor.CountersNoUnit("%d of %d ")),
			mpb.AppendDecorators(decor.AverageSpeed(0, "%.0f/s "), decor.AverageETA(decor.ET_STYLE_GO)))
	}
	p.bar.SetCurrent(int64(done))
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		p.bar.Abort(false)
		p.bars.Wait()
	}
}
