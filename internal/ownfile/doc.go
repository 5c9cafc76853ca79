// Package ownfile reads and writes the small files that a program keeps for itself in
// a directory of its own.
//
// It promises that what somebody else put in the place of such a file neither hangs
// nor misleads: a FIFO, a socket, a device, a directory or a link is refused without
// waiting for it, and so is a file larger than expected. A write leaves the old file
// or the new one, whenever the process is killed. OpenShared opens one that may be renamed
// while it is open.
// The package stands alone.
package ownfile
