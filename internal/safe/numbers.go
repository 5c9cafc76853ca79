package safe

import (
	"strings"
	"time"
)

// MaxNumber is the largest number from outside that is believed: 2^53, up to which JSON's
// readers agree. No file, counter or revision comes near it.
const MaxNumber = 1 << 53

// Number says whether a count, a size or a revision can be true.
func Number(n int64) bool { return 0 <= n && n <= MaxNumber }

// Moment says whether a time can be true: one of this century, or none at all.
func Moment(t time.Time) bool {
	return t.IsZero() || t.UTC().Year() >= 2000 && t.UTC().Year() < 2100
}

// Sum adds two numbers that can be true. It stays at MaxNumber, which is as good as not
// known, however many are added.
func Sum(a, b int64) int64 { return min(a+b, MaxNumber) }

// Field is the path of a field as encoding/json names it in its errors, without the places
// in lists that Go 1.27 puts in: tasks.lines for tasks.0.lines.
func Field(path string) string {
	parts := strings.Split(path, ".")
	kept := parts[:0]
	for _, p := range parts {
		if strings.Trim(p, "0123456789") != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, ".")
}
