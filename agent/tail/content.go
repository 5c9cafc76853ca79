package tail

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/packed"
	"logctl/agent/tail/internal/rotation"
)

// Family returns the names that generations of the logs at a path or glob have on disk
// now: the matches, and what stands beside each under a rotated name, compressed or not.
// They are sorted, none twice. What cannot be listed is left out.
func Family(path string) []string {
	names, err := doublestar.FilepathGlob(path, doublestar.WithFilesOnly())
	if err != nil || len(names) == 0 {
		names = []string{path}
	}
	out := slices.Clone(names)
	listed := map[string][]os.DirEntry{}
	for _, name := range names {
		dir, base := filepath.Split(name)
		entries, ok := listed[dir]
		if !ok {
			entries, _ = os.ReadDir(filepath.Clean(dir)) // what is not readable has no generations for us
			listed[dir] = entries
		}
		for _, e := range entries {
			if _, isOld := rotation.In(base, spelledOnDisk(base, e.Name())); isOld && e.Name() != base && e.Type().IsRegular() {
				out = append(out, dir+e.Name())
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Plain returns the plain bytes of a file that has size bytes, whether it is compressed
// or not, and what ends the reading. Errors of a compressed file come when it is read.
func Plain(f *os.File, size int64) (io.Reader, func(), error) {
	head := make([]byte, packed.SniffLen)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	if !packed.Sniff(head[:n]).Readable() {
		return io.NewSectionReader(f, 0, size), func() {}, nil
	}
	r, err := packed.Open(f, size)
	if err != nil {
		return nil, nil, err
	}
	return r, r.Close, nil
}

// Inode returns the device and the inode number of an open file; both are 0 where the
// system has none.
func Inode(f *os.File) (dev, ino uint64) { return inodeOf(f) }

func inodeOf(f *os.File) (dev, ino uint64) {
	var st fsys.Stat
	if fsys.StatFile(f, &st) != nil {
		return 0, 0
	}
	return st.ID.Dev, st.ID.Ino
}

// StateAt returns the state of a generation of which everything before pos is dealt with,
// as Config.Saved takes it: for positions that are read back from where the lines went.
func StateAt(f *os.File, id FileID, path string, pos int64) (State, error) {
	var st fsys.Stat
	if err := fsys.StatFile(f, &st); err != nil {
		return State{}, err
	}
	out := State{
		ID: id, Path: path, Pos: min(pos, st.Size), Size: st.Size,
		ModTime: time.Unix(0, st.Mtime), Seen: time.Now(), Rotated: filepath.Clean(f.Name()) != path,
	}
	out.ID.Dev, out.ID.Ino = st.ID.Dev, st.ID.Ino
	if out.ID.Ino != id.Ino {
		out.Origin = id // it is a copy that goes on for it
	}
	var head [fingerprint.HeadMax]byte
	n, err := fsys.ReadFull(f, head[:min(out.Pos, fingerprint.HeadMax)], 0)
	if err != nil {
		return State{}, err
	}
	out.HeadLen, out.HeadHash = n, fingerprint.Sum(fingerprint.Empty, head[:n])
	mark := head[:min(out.Pos, fingerprint.MarkMax)]
	if n, err = fsys.ReadFull(f, mark, out.Pos-int64(len(mark))); err != nil {
		return State{}, err
	}
	out.MarkLen, out.MarkHash = n, fingerprint.Sum(fingerprint.Empty, mark[:n])
	return out, nil
}
