package positions

import (
	"time"

	"go.etcd.io/bbolt"
)

const (
	residentMost  = 4 << 20                // bytes of a database that stay mapped for good
	residentEvery = 16                     // sources that a save writes between two times that pages are given back
	residentPause = 100 * time.Millisecond // between two saves after which pages are given back
)

// unmap gives back the pages of a large database that a save has brought into this
// process's memory: 5,000 sources take 25 MB of them, and the next save needs few. They stay
// in the page cache of the system. As long as the transaction lasts, the mapping stays
// where it is.
func (r *Registry) unmap(tx *bbolt.Tx) {
	if tx.Size() <= residentMost {
		return
	}
	r.unmapped = time.Now()
	if err := giveBack(r.db.Info().Data, uintptr(tx.Size())); err != nil {
		r.log.Debug("pages of the positions stay in memory", "path", r.path, "error", err)
	}
}

// unmapSaved is unmap after a save. Saves that follow on one another at once share it: it
// interrupts the other processors.
func (r *Registry) unmapSaved() {
	if time.Since(r.unmapped) < residentPause {
		return
	}
	_ = r.db.View(func(tx *bbolt.Tx) error { // fails only where the database is closed
		r.unmap(tx)
		return nil
	})
}
