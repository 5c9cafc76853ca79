package positions

import (
	"encoding/binary"
	"errors"

	"github.com/cespare/xxhash/v2"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// digest is a sum over all pairs of the database, in no order. bbolt checks its two head
// pages only: a flipped bit in a key would make a source one that was never followed, and
// its files be read from their ends in silence. The sum stands in "meta" with the number of
// the transaction that wrote it, so that what an older version wrote since is not taken for
// damage.
type digest struct{ sum uint64 }

var keyDigest = []byte("digest")

// pair is what one pair adds to the sum.
func pair(scope string, k, v []byte) uint64 {
	var h xxhash.Digest
	h.Reset()
	var n [8]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(scope)))
	binary.BigEndian.PutUint32(n[4:], uint32(len(k)))
	_, _ = h.Write(n[:])
	_, _ = h.WriteString(scope)
	_, _ = h.Write(k)
	_, _ = h.Write(v)
	return h.Sum64()
}

// box is a bucket whose pairs are part of the digest.
type box struct {
	*bbolt.Bucket
	scope string
	d     *digest
}

// Put is bbolt's.
func (b box) Put(k, v []byte) error {
	if old := b.Get(k); old != nil {
		b.d.sum -= pair(b.scope, k, old)
	}
	b.d.sum += pair(b.scope, k, v)
	return b.Bucket.Put(k, v)
}

// Delete is bbolt's.
func (b box) Delete(k []byte) error {
	if old := b.Get(k); old != nil {
		b.d.sum -= pair(b.scope, k, old)
	}
	return b.Bucket.Delete(k)
}

// within returns the bucket of that name in this one, made if it is missing.
func (b box) within(name []byte) (box, error) {
	in, err := b.CreateBucketIfNotExists(name)
	return box{in, b.scope + "\x00" + string(name), b.d}, err
}

// top returns a bucket of the database, made if it is missing.
func (d *digest) top(tx *bbolt.Tx, name []byte) (box, error) {
	b, err := tx.CreateBucketIfNotExists(name)
	return box{b, string(name), d}, err
}

// drop deletes the bucket of that name in b, which need not be there.
func (b box) drop(name []byte) error {
	in := b.Bucket.Bucket(name)
	if in == nil {
		return nil
	}
	sum, err := sumOf(in, b.scope+"\x00"+string(name))
	if err != nil {
		return err
	}
	b.d.sum -= sum
	if err := b.DeleteBucket(name); !errors.Is(err, bolterrors.ErrBucketNotFound) {
		return err
	}
	return nil
}

// sumOf is the digest of a bucket with what is in it.
func sumOf(b *bbolt.Bucket, scope string) (sum uint64, err error) {
	err = b.ForEach(func(k, v []byte) error {
		if v != nil {
			sum += pair(scope, k, v)
			return nil
		}
		in, err := sumOf(b.Bucket(k), scope+"\x00"+string(k))
		sum += in
		return err
	})
	return sum, err
}

// summed are the buckets that the digest is of.
func summed() [][]byte { return [][]byte{bucketSources, bucketLife, bucketCursors, bucketStored} }

// read works the digest out and compares it with the one that was written.
func (d *digest) read(tx *bbolt.Tx) error {
	d.sum = 0
	for _, name := range summed() {
		if b := tx.Bucket(name); b != nil {
			sum, err := sumOf(b, string(name))
			if err != nil {
				return err
			}
			d.sum += sum
		}
	}
	v := tx.Bucket(bucketMeta).Get(keyDigest)
	if len(v) == 16 && binary.BigEndian.Uint64(v) == uint64(tx.ID()) && binary.BigEndian.Uint64(v[8:]) != d.sum {
		return errors.New("its content does not match its digest")
	}
	return nil
}

// write notes the digest of what the transaction leaves.
func (d *digest) write(tx *bbolt.Tx) error {
	v := binary.BigEndian.AppendUint64(nil, uint64(tx.ID()))
	return tx.Bucket(bucketMeta).Put(keyDigest, binary.BigEndian.AppendUint64(v, d.sum))
}

// base takes the digest of what the transaction begins with. A save that failed in its last
// step stands in the database all the same, and with it the digest it wrote.
func (d *digest) base(tx *bbolt.Tx) {
	v := tx.Bucket(bucketMeta).Get(keyDigest)
	if len(v) == 16 && binary.BigEndian.Uint64(v) == uint64(tx.ID())-1 {
		d.sum = binary.BigEndian.Uint64(v[8:])
	}
}

// update changes the database in one transaction, with fsync. What a save that failed left
// in the system's cache is on disk before the next one writes over pages that the disk may
// still need.
func (r *Registry) update(change func(tx *bbolt.Tx, d *digest) error) error {
	if r.unsure {
		if err := r.sync(); err != nil {
			return err
		}
		r.unsure = false
	}
	d := r.digest
	err := guard(func() error {
		return r.db.Update(func(tx *bbolt.Tx) error {
			d.base(tx)
			if err := change(tx, &d); err != nil {
				return err
			}
			return d.write(tx)
		})
	})
	if r.unsure = err != nil; !r.unsure {
		r.digest = d
		r.unmapSaved()
	}
	return err
}
