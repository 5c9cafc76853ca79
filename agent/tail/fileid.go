package tail

import (
	"fmt"
	"strconv"
	"strings"
)

// Short is a name of the generation for record headers: inode number and Gen in base
// 36, such as "5yc1s-dkq3w9b1x0za", about 18 bytes. The device is left out, because its
// number may change with a restart of the host; Gen is a time in nanoseconds, so that
// no two generations of a host have the same short name.
func (id FileID) Short() string {
	b := make([]byte, 0, 28)
	b = strconv.AppendUint(b, id.Ino, 36)
	b = append(b, '-')
	return string(strconv.AppendUint(b, id.Gen, 36))
}

// ParseShort reads what Short wrote. The Dev of the result is 0.
func ParseShort(s string) (FileID, error) {
	ino, gen, ok := strings.Cut(s, "-")
	id := FileID{}
	var errs [2]error
	id.Ino, errs[0] = strconv.ParseUint(ino, 36, 64)
	id.Gen, errs[1] = strconv.ParseUint(gen, 36, 64)
	if !ok || errs[0] != nil || errs[1] != nil {
		return FileID{}, fmt.Errorf("%q is not the short name of a file", s)
	}
	return id, nil
}

// Origins returns Origin, or ID where the generation goes on for no other: what names its
// bytes for ever.
func (st *State) Origins() FileID {
	if st.Origin != (FileID{}) {
		return st.Origin
	}
	return st.ID
}
