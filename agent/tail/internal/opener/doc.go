// Package opener opens files that somebody else named, and judges what was opened, not
// what was named.
//
// A name that is looked at, judged and then opened may lead elsewhere by the time of the
// open: who owns one directory on the way can put a link there. So Open
//
//   - follows the links of the path to a real path, and judges both;
//   - opens the directory of the real path without following any link: by openat2 with
//     RESOLVE_NO_SYMLINKS, which leads nowhere but beneath the directories of the path,
//     or component by component with O_NOFOLLOW where the kernel has no openat2;
//   - takes hold of the file there (O_PATH on Linux, which neither waits for a named pipe
//     nor wakes its writer), and goes no further unless it is a regular file;
//   - judges the path that the descriptor itself has;
//   - compares owner and mode of the file with those of its directory, which it holds: a
//     hard link, or a file that was moved or mounted there, leads to what is elsewhere
//     under an innocent path. What the owner of the directory could not read by itself is
//     refused.
//
// Names that change meanwhile are followed again, a few times. Nothing is written, and no
// lock is taken. Functions may be called from any goroutine.
package opener
