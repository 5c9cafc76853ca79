package etcdcfg

import (
	"context"
	"crypto/tls"
	"net"

	"google.golang.org/grpc/credentials"

	"logctl/internal/tlsfile"
)

// TLSFiles are the files and settings of TLS.
func (cfg Config) TLSFiles() tlsfile.Files {
	return tlsfile.Files{
		CAFile: cfg.CAFile, CAPasswordFile: cfg.CAPasswordFile, CertFile: cfg.CertFile, KeyFile: cfg.KeyFile,
		KeyPasswordFile: cfg.KeyPasswordFile, ServerName: cfg.ServerName, MinVersion: cfg.TLSMinVersion,
	}
}

// freshCredentials makes the TLS of each connection of what the files hold then: grpc
// dials again by itself, long after certificates were renewed on disk.
type freshCredentials struct {
	base *tls.Config
	name string // expected in the server's certificate, in place of the address's host
}

// ClientHandshake implements credentials.TransportCredentials.
func (f *freshCredentials) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	config, err := tlsfile.Now(f.base)
	if err != nil {
		return nil, nil, err
	}
	if config.ServerName == "" {
		config.ServerName = f.name
	}
	conn, info, err := credentials.NewTLS(config).ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, tlsfile.Explain(config, err)
	}
	return tlsfile.Wrap(conn, config), info, nil
}

// ServerHandshake implements credentials.TransportCredentials; we serve nothing.
func (f *freshCredentials) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return credentials.NewTLS(f.base).ServerHandshake(raw)
}

// Info implements credentials.TransportCredentials.
func (f *freshCredentials) Info() credentials.ProtocolInfo { return credentials.NewTLS(f.base).Info() }

// Clone implements credentials.TransportCredentials.
func (f *freshCredentials) Clone() credentials.TransportCredentials {
	c := *f
	return &c
}

// OverrideServerName implements credentials.TransportCredentials.
func (f *freshCredentials) OverrideServerName(name string) error {
	f.name = name
	return nil
}
