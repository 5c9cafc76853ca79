package tail

import (
	"math"
	"testing"
)

func TestShortNameIsReadBack(t *testing.T) {
	for _, id := range []FileID{{}, {Ino: 1, Gen: 2}, {Ino: math.MaxUint64, Gen: math.MaxUint64}, {Ino: 9_437_213, Gen: 1_795_000_000_123_456_789}} {
		got, err := ParseShort(id.Short())
		if err != nil || got != id {
			t.Errorf("%+v became %q and then %+v, %v", id, id.Short(), got, err)
		}
	}
	for _, bad := range []string{"", "-", "1-", "-1", "1:2", "1-2-3", "é-1"} {
		if id, err := ParseShort(bad); err == nil {
			t.Errorf("%q is %+v", bad, id)
		}
	}
}
