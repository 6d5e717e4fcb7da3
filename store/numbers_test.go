package store_test

import "testing"

// The number of who was erased is nobody else's: programs that webhooks told
// keep people by it, and erase them by it.
func TestNumbersAreNotGivenAgain(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		gone, comes := reader(1), reader(2)
		subscribe(t, s, "harbour", gone)
		before := id(t, s, gone.Key)
		must(t, s.Forget(ctx(), gone.Key, now))
		subscribe(t, s, "harbour", comes)
		if after := id(t, s, comes.Key); after <= before {
			t.Errorf("the next person has the number %d, behind %d", after, before)
		}
	})
}
