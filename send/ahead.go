package send

import "time"

// draft is a mail that is written ahead of the lane that will send it.
type draft struct {
	to   address
	mail []byte
	err  error
	done chan struct{} // closed when it is written; nil: it is
}

// draft begins the mail for d in buf. A signature takes its time, so signed
// mails are written in goroutines of their own: one lane keeps as many cores
// busy as it has drafts, which its window bounds. An unsigned mail is written at
// once. Whoever begins a draft waits for it.
func (m *Message) draft(buf []byte, d Delivery, date time.Time) *draft {
	f := &draft{mail: buf}
	if f.to, f.err = checkAddress(d.Address); f.err != nil {
		return f
	}
	if m.signing == nil {
		f.mail, f.err = m.appendTo(buf, &d, f.to, date)
		return f
	}
	f.done = make(chan struct{})
	go func() {
		defer close(f.done)
		f.mail, f.err = m.appendTo(buf, &d, f.to, date)
	}()
	return f
}

// wait returns once the mail is written, or could not be.
func (f *draft) wait() error {
	if f.done != nil {
		<-f.done
	}
	return f.err
}
