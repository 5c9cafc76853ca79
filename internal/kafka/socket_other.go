//go:build !linux

package kafka

import (
	"io"
	"net"
)

// newSocket returns c: elsewhere the scheduler is told of every call.
func newSocket(c net.Conn) net.Conn { return c }

// ReadFull reads len(b) bytes from a connection that Socket gave, as io.ReadFull does.
func ReadFull(c net.Conn, b []byte) (int, error) { return io.ReadFull(c, b) }
