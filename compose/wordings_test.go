package compose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What was read is read once, what nobody asks for is forgotten, and without
// anything that keeps it is read anew.
func TestWordings(t *testing.T) {
	const ferry, eels = "The ferry to Port Averne stays in port today.", "Eel traps were moved from the north pier."
	var w Wordings
	w.turn()
	first := w.read(ferry)
	if diff := cmp.Diff(readWording(ferry), first, cmp.AllowUnexported(wording{})); diff != "" {
		t.Errorf("kept (-read +kept):\n%s", diff)
	}
	w.turn()
	if w.read(ferry) != first {
		t.Error("it was read again by the next assembling")
	}
	w.turn()
	w.read(eels)
	w.turn()
	if w.read(ferry) == first {
		t.Error("it was kept though an assembling did not ask for it")
	}
	var none *Wordings
	none.turn()
	if once := none.read(ferry); once == none.read(ferry) {
		t.Error("nothing keeps it, and yet it is kept")
	}
}
