package compose

import "sync"

// Wordings keep how texts read from one assembling to the next, for whoever
// assembles again and again of much the same stories. What an assembling did not
// ask for is forgotten with the next. The zero value is ready, and many
// goroutines may use it.
type Wordings struct {
	mu          sync.Mutex
	now, before map[string]*wording
}

// turn begins another assembling.
func (w *Wordings) turn() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before, w.now = w.now, make(map[string]*wording, len(w.now))
}

// read is readWording, kept; nil Wordings keep nothing.
func (w *Wordings) read(text string) *wording {
	if w == nil {
		return readWording(text)
	}
	w.mu.Lock()
	known := w.now[text]
	if known == nil {
		known = w.before[text]
	}
	w.mu.Unlock()
	if known == nil {
		known = readWording(text)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now == nil {
		w.now = map[string]*wording{}
	}
	w.now[text] = known
	return known
}
