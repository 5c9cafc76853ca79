package tail

const (
	headMax = 1024 // bytes of a file's head that identify it
	markMax = 64   // bytes before a position that identify it

	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// fnv goes on with an FNV-1a hash over b. It is written out because a hash kept
// in a State must be the same in every version, and grow with the file.
func fnv(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = (h ^ uint64(c)) * fnvPrime
	}
	return h
}
