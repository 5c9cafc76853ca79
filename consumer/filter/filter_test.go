package filter

import (
	"testing"

	"logctl/consumer"
	"logctl/internal/testkit/ceiling"
)

func TestMatch(t *testing.T) {
	r := &consumer.Record{Headers: []consumer.Header{
		{Key: "host", Value: []byte("web-1")}, {Key: "host", Value: []byte("web-2")}, {Key: "path", Value: []byte("/x")}, {Key: "empty"},
	}}
	value := []byte(` {"level":"error","status":503,"ok":true,"none":null,"a":{"b":{"c":"deep"}},"a.x":"dotted",` +
		`"tags":["web",{"k":"v"}],"msg":"time\u006fut \"now\"","n":"7","skip":{"level":"debug","s":"}{\\\""}} `)
	for _, tc := range []struct {
		c    Config
		want bool
	}{
		{Config{}, true},
		{Config{Include: []string{"error"}}, true},
		{Config{Include: []string{"nothing", "err.r"}}, true},
		{Config{Include: []string{"nothing"}}, false},
		{Config{Exclude: []string{"error"}}, false},
		{Config{Include: []string{"error"}, Exclude: []string{"debug"}}, false},
		{Config{Key: "^k1$"}, true},
		{Config{Key: "^k2$"}, false},
		{Config{Headers: []string{"host=web-2"}}, true},
		{Config{Headers: []string{"host=web-3"}}, false},
		{Config{Headers: []string{"host!=web-2"}}, false},
		{Config{Headers: []string{"host!=web-3", "path"}}, true},
		{Config{Headers: []string{"host~^web-\\d$"}}, true},
		{Config{Headers: []string{"missing"}}, false},
		{Config{Headers: []string{"missing!=x"}}, true},
		{Config{Headers: []string{"empty="}}, true},
		{Config{Where: []string{"level=error"}}, true},
		{Config{Where: []string{"level==error", "status=503"}}, true},
		{Config{Where: []string{"level=debug"}}, false},
		{Config{Where: []string{"level!=debug", "gone!=x"}}, true},
		{Config{Where: []string{"status=503.0"}}, true},
		{Config{Where: []string{"status>=500", "status<504", "status>502", "status<=503"}}, true},
		{Config{Where: []string{"status<500"}}, false},
		{Config{Where: []string{"level>1"}}, false},
		{Config{Where: []string{"n>6"}}, true},
		{Config{Where: []string{"ok=true", "none=null"}}, true},
		{Config{Where: []string{"a.b.c=deep", "a.x=dotted"}}, true},
		{Config{Where: []string{"a.b"}}, true},
		{Config{Where: []string{"a.z"}}, false},
		{Config{Where: []string{"tags.0=web", "tags.1.k=v"}}, true},
		{Config{Where: []string{"tags.2"}}, false},
		{Config{Where: []string{`msg=timeout "now"`, "msg~^time"}}, true},
		{Config{Where: []string{"msg!~time"}}, false},
		{Config{Where: []string{"skip.level=debug"}}, true},
	} {
		f, err := New(tc.c)
		if err != nil {
			t.Errorf("%+v: %v", tc.c, err)
			continue
		}
		if got := f.Match(r, []byte("k1"), value); got != tc.want {
			t.Errorf("%+v gives %v", tc.c, got)
		}
	}
	f, err := New(Config{Where: []string{"level!=debug"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"", "plain text", "12", `"level"`} {
		if f.Match(r, nil, []byte(v)) {
			t.Errorf("%q is no JSON object and passes", v)
		}
	}
	if f, err = New(Config{Where: []string{"level==error"}}); err != nil {
		t.Fatal(err)
	}
	for v, want := range map[string]bool{
		`{"level":"error"}`: true, "\xef\xbb\xbf" + `{"level":"error"}`: true, `{"level":"=error"}`: false,
	} {
		if got := f.Match(r, nil, []byte(v)); got != want {
			t.Errorf("%q gives %v", v, got)
		}
	}
}

// Ids of 64 bits are longer than what a float64 tells apart.
func TestLongNumbersAreExact(t *testing.T) {
	for cond, want := range map[string]bool{
		"id=1234567890123456789": true, "id=1234567890123456788": false, "id!=1234567890123456788": true,
		"id>1234567890123456788": true, "id>1234567890123456789": false, "id<=1234567890123456789": true, "id<1234567890123456790": true,
		"id>99": true, "id>-1": true, "id=1234567890123456789.0": true, "id>1e3": true,
		"neg=-1234567890123456789": true, "neg=-1234567890123456788": false, "neg<-1234567890123456788": true, "neg>-1234567890123456788": false, "neg<0": true,
		"text>1234567890123456788": true, "text<1234567890123456789": false, "zero=0": true, "zero=-0": true, "zero=0.0": true, "zero=00": true, "zero>-1": true,
	} {
		c, err := ParseCondition(cond)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Match([]byte(`{"id":1234567890123456789,"neg":-1234567890123456789,"text":"1234567890123456789","zero":0}`)); got != want {
			t.Errorf("%s gives %v", cond, got)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []Config{
		{Include: []string{"("}}, {Exclude: []string{"["}}, {Key: "*"}, {Headers: []string{"=x"}}, {Headers: []string{"h~("}},
		{Headers: []string{"h!x"}}, {Where: []string{""}}, {Where: []string{"=x"}}, {Where: []string{"a~("}}, {Where: []string{"a>b"}}, {Where: []string{"a!b"}}, {Where: []string{"a===b"}}, {Where: []string{"a=>5"}}, {Where: []string{"a=<5"}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func FuzzLookup(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,"x"]}}`), "a")
	f.Fuzz(func(t *testing.T, data []byte, key string) {
		ceiling.Within(t, 128<<20, func() {
			lookup(data, []string{key, "b", "0"})
			lookup(data, nil)
		})
	})
}
