package verify

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkCompare is the comparing of a file with the records of a topic that has all of
// it, in bytes of the file: the bar is 500 MB/s of one core without the content.
func BenchmarkCompare(b *testing.B) {
	for _, content := range []bool{false, true} {
		b.Run(fmt.Sprintf("content=%v", content), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "app.log")
			line := append(bytes.Repeat([]byte("x"), 149), '\n')
			data := bytes.Repeat(line, 64<<20/len(line))
			if err := os.WriteFile(path, data, 0o600); err != nil {
				b.Fatal(err)
			}
			l, now := NewLedger(content), time.Now()
			rec := Record{Key: Key{Topic: "t", Host: "h", File: "1-1"}, Path: path, At: now}
			for pos := 0; pos < len(data); pos += len(line) {
				rec.Pos, rec.Value = int64(pos), data[pos:pos+len(line)-1]
				l.Add(&rec)
			}
			b.SetBytes(int64(len(data)))
			b.ResetTimer()
			for range b.N {
				c := Comparison{Ledger: l, Host: "h", Now: now.Add(time.Hour)}
				got, err := c.Compare(b.Context(), []Log{{Path: path, Topic: "t", Whole: true}})
				if err != nil || len(got) != 1 || got[0].Bad() || got[0].Records != uint64(len(data)/len(line)) {
					b.Fatalf("%+v, %v", got, err)
				}
			}
		})
	}
}
