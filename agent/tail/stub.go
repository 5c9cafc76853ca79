package tail

import (
	"context"
	"log/slog"
)

type Watcher struct{}

// NewWatcher returns a Watcher to be shared by Sets; Run must be running.
func NewWatcher(log *slog.Logger) *Watcher       { return nil }
func (w *Watcher) Run(ctx context.Context) error { return nil }

type Set struct{}

func Open(cfg Config) (*Set, error)                     { return nil, nil }
func (s *Set) Run(ctx context.Context) error            { return nil }
func (s *Set) Scan(ctx context.Context) error           { return nil }
func (s *Set) Ready(ctx context.Context) (*File, error) { return nil, nil }
func (s *Set) Status() Status                           { return Status{} }
func (s *Set) Files() []FileInfo                        { return nil }

// Forgotten returns generations finished for good since the last call.
func (s *Set) Forgotten() []FileID { return nil }

// Unsaved returns states of generations first seen since the last call: save them at once.
func (s *Set) Unsaved() []State { return nil }
func (s *Set) Close() error     { return nil }

type File struct{}

func (f *File) Next() (*Chunk, error) { return nil, nil }
func (f *File) Release()              {}
func (f *File) Info() FileInfo        { return FileInfo{} }
func (f *File) ID() FileID            { return FileID{} }
func (f *File) Path() string          { return "" }
func (f *File) State() State          { return State{} }
func (f *File) Done() bool            { return false }

type Chunk struct {
	Data       []byte
	Lines      []Line
	Start, End int64
	Truncated  int64 // bytes of long lines left out
	Skipped    int   // long lines left out whole
	Hole       int64 // NUL bytes passed over
}

func (c *Chunk) StateAt(pos int64) State { return State{} }

// After is the position after line i and its line end.
func (c *Chunk) After(i int) int64 { return 0 }

// Mem is the memory in bytes the chunk keeps until Release.
func (c *Chunk) Mem() int { return 0 }
func (c *Chunk) Release() {}
