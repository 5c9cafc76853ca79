package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	rows, err := read(strings.NewReader(`{"scenario":"TestRotation/late_writes","cases":"A01","done":"renamed","passed":true}
{"scenario":"TestRotation/late_writes","passed":true,"written":3,"lost":0,"duplicated":0,"garbled":0,"reordered":0}
{"scenario":"TestRotation/two","cases":"A02 A03","done":"twice","passed":false}
{"scenario":"TestRotation/two","passed":false,"written":5,"lost":2,"duplicated":1,"garbled":0,"reordered":0}
{"scenario":"TestPlaces/x","cases":"","done":"beyond","passed":false,"skipped":true}
`))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	write(&b, rows, "the embedded servers", time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC))
	text := b.String()
	for _, want := range []string{
		"3 scenarios through the built agent, 1 failed, 1 skipped; 8 lines written, 2 lost.",
		"| A01 | late writes | renamed | 3 | 0 | 0 | 0 | 0 | passed |",
		"| A02 A03 | two | twice | 5 | 2 | 1 | 0 | 0 | **failed** |",
		"- A02: no scenario passed in this run.",
		"- F11 does not apply: ",
		"## Beyond the list",
		"|  | x | beyond | | | | | | skipped |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table does not hold %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestBrokenLineIsNamed(t *testing.T) {
	_, err := read(strings.NewReader("{}\nnot json\n"))
	if err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v, want an error that names line 2", err)
	}
}
