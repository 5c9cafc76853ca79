package transform

import (
	"regexp"
	"runtime"
	"sync"
	"weak"
)

// Expressions shares compiled regular expressions: thousands of entries often have the
// same few. It holds none itself; one that nobody uses is forgotten. The zero value
// and nil are ready; nil shares nothing. It is safe for concurrent use.
type Expressions struct {
	mu    sync.Mutex
	known map[string]weak.Pointer[regexp.Regexp]
}

func (x *Expressions) regexp(text string) (*regexp.Regexp, error) {
	if x == nil {
		return regexp.Compile(text)
	}
	x.mu.Lock()
	if re := x.known[text].Value(); re != nil {
		x.mu.Unlock()
		return re, nil
	}
	x.mu.Unlock()
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if other := x.known[text].Value(); other != nil { // somebody was quicker
		return other, nil
	}
	if x.known == nil {
		x.known = map[string]weak.Pointer[regexp.Regexp]{}
	}
	x.known[text] = weak.Make(re)
	runtime.AddCleanup(re, x.forget, text)
	return re, nil
}

func (x *Expressions) forget(text string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.known[text].Value() == nil {
		delete(x.known, text)
	}
}
