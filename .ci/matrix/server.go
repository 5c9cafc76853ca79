package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// server is a program that was started here.
type server struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

// launch starts a program with its output in a file.
func launch(dir, name string, args ...string) (*server, error) {
	log, err := os.CreateTemp(dir, filepath.Base(name)+"-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &server{cmd: exec.Command(name, args...), log: log.Name(), ended: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Dir = log, log, dir
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = s.cmd.Wait(); close(s.ended) }()
	return s, nil
}

// kill ends the program without a goodbye.
func (s *server) kill() {
	if s != nil {
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// stop asks it to end.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		s.kill()
	}
}

// listens waits until a port answers.
func (s *server) listens(ctx context.Context, address string) error {
	return until(ctx, 90*time.Second, func() error {
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended: %s", tailOf(s.log))
		default:
		}
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return c.Close()
		}
		return err
	})
}

// said returns the end of its log; empty without a program.
func (s *server) said() string {
	if s == nil {
		return ""
	}
	return tailOf(s.log)
}

func tailOf(path string) string {
	b, _ := os.ReadFile(path)
	return strings.TrimSpace(string(b[max(0, len(b)-1500):]))
}

// until tries again and again until there is no error or the time is over.
func until(ctx context.Context, within time.Duration, try func() error) error {
	deadline := time.Now().Add(within)
	for {
		err := try()
		if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// ports returns free ports of loopback.
func ports(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		out = append(out, l.Addr().String())
	}
	return out, nil
}

// sh runs a script in a directory and returns what it printed.
func sh(ctx context.Context, dir, script string) (string, error) {
	cmd := exec.CommandContext(ctx, "bash", "-euc", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// certificates makes an authority, a server's and a client's certificate for 127.0.0.1.
func (l *lab) certificates(ctx context.Context) (dir string, err error) {
	dir = filepath.Join(l.dir, "certs")
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	_, err = sh(ctx, dir, `
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj "/CN=matrix authority" 2>/dev/null
printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n' >ext
for name in server client; do
  openssl req -newkey rsa:2048 -nodes -keyout $name.key -out $name.csr -subj "/CN=$name" 2>/dev/null
  openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $name.pem -days 2 -extfile ext 2>/dev/null
done
openssl pkcs12 -export -in server.pem -inkey server.key -certfile ca.pem -name server -passout pass:changeit -out server.p12`)
	return dir, err
}

// ctl runs logctl and returns what it printed on both streams.
func (l *lab) ctl(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.logctl, args...)
	cmd.Env = append(os.Environ(), "LOGCTL_UI_LANG=en", "HOME="+l.dir)
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	if err != nil {
		err = fmt.Errorf("logctl %s: %w: %s", args[0], err, strings.TrimSpace(errOut.String()))
	}
	return out.String(), errOut.String(), err
}

// refused checks that a call fails and that its words say why.
func refused(err error, words ...string) error {
	if err == nil {
		return errors.New("it was not refused")
	}
	for _, w := range words {
		if strings.Contains(err.Error(), w) {
			return nil
		}
	}
	return fmt.Errorf("the refusal does not say %q: %w", words[0], err)
}
