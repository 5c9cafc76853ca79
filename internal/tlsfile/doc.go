// Package tlsfile makes TLS configurations of clients from files: authorities,
// certificates and keys in PEM or PKCS#12, keys that are encrypted.
//
// The files are read when the configuration is made, so that a mistake in them shows
// at the start, and again for each new connection when one of them has changed:
// certificates of hours are renewed on disk while the program runs. A new state that
// cannot be used (half of it is written, say) leaves the last good one in place.
//
// A *tls.Config cannot take new authorities by itself. Whoever dials asks for the
// configuration of the connection with Now, or dials with Client. The configurations
// may be used by any number of goroutines.
package tlsfile
