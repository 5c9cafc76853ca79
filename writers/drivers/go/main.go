// One numbered line after another through a Go logging library.
//
// Usage: driver WRITER DIR LINES PAUSE_MICROSECONDS SIZE
// Each library rotates at about SIZE bytes, or each second, and keeps far more generations than one run makes.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/DeRuina/timberjack"
	"github.com/golang/glog"
	rotatelogs "github.com/lestrrat-go/file-rotatelogs"
	"gopkg.in/natefinch/lumberjack.v2"
	"k8s.io/klog/v2"
)

// sink takes lines without their line end.
type sink struct {
	write func(string)
	close func()
}

func toWriter(w io.WriteCloser) sink {
	return sink{
		write: func(l string) {
			if _, err := io.WriteString(w, l+"\n"); err != nil {
				log.Fatal(err)
			}
		},
		close: func() { _ = w.Close() },
	}
}

func open(name, dir string, size int) (sink, error) {
	path := filepath.Join(dir, "app.log")
	switch name {
	case "stdout":
		return toWriter(os.Stdout), nil
	case "append":
		return appending(path), nil
	case "http":
		return asking(os.Getenv("SOCKET")), nil
	case "lumberjack", "lumberjack-gz":
		// MaxSize is in MiB, so this library rotates when it is told to.
		l := &lumberjack.Logger{Filename: path, MaxBackups: 400, Compress: strings.HasSuffix(name, "-gz")}
		return rotateEvery(l, l.Rotate, size), nil
	case "timberjack":
		l := &timberjack.Logger{Filename: path, MaxBackups: 400, Compression: "zstd"}
		return rotateEvery(l, l.Rotate, size), nil
	case "file-rotatelogs":
		w, err := rotatelogs.New(filepath.Join(dir, "app.%Y%m%d%H%M%S.log"),
			rotatelogs.WithLinkName(path), rotatelogs.WithRotationTime(time.Second), rotatelogs.WithRotationCount(400))
		return toWriter(w), err
	case "klog":
		flags := flag.NewFlagSet("klog", flag.ExitOnError)
		klog.InitFlags(flags)
		if err := flags.Parse([]string{"-log_dir=" + dir, "-logtostderr=false"}); err != nil {
			return sink{}, err
		}
		klog.MaxSize = uint64(size)
		return sink{write: func(l string) { klog.Info(l) }, close: klog.Flush}, nil
	case "glog":
		if err := flag.CommandLine.Parse([]string{"-log_dir=" + dir}); err != nil {
			return sink{}, err
		}
		glog.MaxSize = uint64(size)
		return sink{write: func(l string) { glog.Info(l) }, close: glog.Flush}, nil
	}
	return sink{}, fmt.Errorf("no writer %q", name)
}

// appending writes to a file that it opens anew at SIGHUP, as daemons do.
func appending(path string) sink {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	reopen := func(old *os.File) *os.File {
		_ = old.Close() // nil at first
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			log.Fatal(err)
		}
		return f
	}
	f := reopen(nil)
	return sink{close: func() { _ = f.Close() }, write: func(l string) {
		select {
		case <-hup:
			f = reopen(f)
		default:
		}
		if _, err := io.WriteString(f, l+"\n"); err != nil {
			log.Fatal(err)
		}
	}}
}

// asking sends each line as a header of a request to the server at the socket.
func asking(socket string) sink {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	return sink{close: client.CloseIdleConnections, write: func(l string) {
		req, err := http.NewRequest(http.MethodGet, "http://nginx/", http.NoBody)
		if err != nil {
			log.Fatal(err)
		}
		req.Header.Set("X-Line", l)
		resp, err := client.Do(req)
		if err != nil {
			log.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // a 204 has none
		_ = resp.Body.Close()
	}}
}

// rotateEvery rotates after about size bytes.
func rotateEvery(w io.WriteCloser, rotate func() error, size int) sink {
	s := toWriter(w)
	n := 0
	return sink{close: s.close, write: func(l string) {
		if n += len(l) + 1; n > size {
			n = 0
			if err := rotate(); err != nil {
				log.Fatal(err)
			}
		}
		s.write(l)
	}}
}

func main() {
	lines, _ := strconv.Atoi(os.Args[3])
	pause, _ := strconv.Atoi(os.Args[4])
	size, _ := strconv.Atoi(os.Args[5])
	s, err := open(os.Args[1], os.Args[2], size)
	if err != nil {
		log.Fatal(err)
	}
	began := time.Now()
	for n := 1; n <= lines; n++ {
		s.write(fmt.Sprintf("line %08d %s", n, strings.Repeat("x", 40+n%60)))
		if ahead := time.Duration(n*pause)*time.Microsecond - time.Since(began); ahead > time.Millisecond {
			time.Sleep(ahead)
		}
	}
	s.close()
	time.Sleep(300 * time.Millisecond) // libraries compress in the background
}
