package positions

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
	"unicode/utf8"

	"logctl/agent/tail"
)

// castagnoli is the polynomial also used by Kafka and iSCSI.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// stored is a state as JSON has it. Names of files are bytes: one that is not UTF-8,
// which JSON cannot hold, stands in PathBytes.
type stored struct {
	tail.State
	PathBytes []byte `json:",omitempty"`
}

// asStored is a state that JSON can have. Of its parts, only a time outside the years 0 to
// 9999 cannot be written, and the zero time can.
func asStored(state tail.State) stored {
	st := stored{State: state}
	if !utf8.ValidString(st.Path) {
		st.PathBytes = []byte(st.Path)
	}
	for _, at := range []*time.Time{&st.ModTime, &st.Seen} {
		if y := at.Year(); y < 0 || y > 9999 {
			*at = at.AddDate(-y, 0, 0)
		}
	}
	return st
}

// state is what was stored.
func (st *stored) state() tail.State {
	if len(st.PathBytes) > 0 {
		st.Path = string(st.PathBytes)
	}
	return st.State
}

// sound tells whether nothing in it is what no state has.
func (st *stored) sound() bool {
	return st.Pos >= 0 && st.HeadLen >= 0 && st.MarkLen >= 0 && st.Part >= 0
}

// encode is a state as it stands on disk: CRC-32C of the rest, 4 bytes big-endian,
// then JSON.
func encode(state tail.State) []byte {
	body, _ := json.Marshal(asStored(state)) // of such parts it cannot fail
	return append(binary.BigEndian.AppendUint32(nil, crc32.Checksum(body, castagnoli)), body...)
}

// decode reads what encode wrote. Damage is an error, never another position.
func decode(data []byte) (tail.State, error) {
	if len(data) < 4 {
		return tail.State{}, errors.New("state is too short")
	}
	body := data[4:]
	if want, got := binary.BigEndian.Uint32(data), crc32.Checksum(body, castagnoli); want != got {
		return tail.State{}, fmt.Errorf("state is damaged: checksum %08x, want %08x", got, want)
	}
	var st stored
	if err := json.Unmarshal(body, &st); err != nil {
		return tail.State{}, fmt.Errorf("state is damaged: %w", err)
	}
	if !st.sound() {
		return tail.State{}, fmt.Errorf("state is damaged: negative position in %s", body)
	}
	return st.state(), nil
}
