// Package positions is the agent's registry on disk: how far each file of each
// source has been dealt with.
//
// A source is what one task follows (an entry's path and topic); under it stands
// one tail.State per file generation. The registry is a bbolt database,
// positions.db, in the data directory: a kill between any two writes leaves the
// last committed state, and the file lock keeps a second agent out.
//
// Contract: Put never blocks on the disk and may be called from any goroutine; the
// latest Put of a file wins. What was put is on disk (fsync) at once after a silence,
// at most one flush interval later else, while Run runs, and when Run or Close returned. Writes that the
// disk refuses are kept and tried again; Err tells of them. The registry never
// invents a position: callers put only positions before which everything has been
// acknowledged.
//
// Beside its positions a source remembers generations that ended and the names that old
// ones are given (Remember, Learn, Memory). Those are bounded and worth less: without them
// lines may come twice, so that damage there is logged and nothing else.
//
// A database that cannot be read (damaged, or not one of ours) is renamed beside
// itself, never deleted, and a new one is begun; SetAside then names it. The
// policy for that case is the agent's: files are read from their beginning, for
// duplicates can be told apart and lost lines cannot be had back.
package positions
