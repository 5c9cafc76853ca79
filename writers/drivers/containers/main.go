// One numbered line after another through what container runtimes write logs with: the drivers of dockerd, and a
// container runtime under kubelet's log manager. Both are the code of these programs, not an imitation.
//
// Usage: driver WRITER DIR LINES PAUSE_MICROSECONDS SIZE
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/daemon/logger"
	"github.com/docker/docker/daemon/logger/jsonfilelog"
	"github.com/docker/docker/daemon/logger/local"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	kubecontainer "k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/kubelet/logs"
)

// sink takes lines without their line end.
type sink struct {
	write func(string) error
	close func() error
}

func open(name, dir string, size int) (sink, error) {
	options := map[string]string{"max-size": strconv.Itoa(size), "max-file": "400", "compress": "false"}
	if strings.HasSuffix(name, "-gz") {
		options["compress"] = "true"
	}
	info := logger.Info{ContainerID: "c0ffee", Config: options, LogPath: filepath.Join(dir, "c0ffee-json.log")}
	switch name {
	case "json-file", "json-file-gz":
		return docker(jsonfilelog.New(info))
	case "docker-local":
		info.LogPath = filepath.Join(dir, "container.log")
		return docker(local.New(info))
	case "kubelet":
		return kubelet(filepath.Join(dir, "app", "0.log"), size)
	}
	return sink{}, fmt.Errorf("no writer %q", name)
}

func docker(l logger.Logger, err error) (sink, error) {
	return sink{close: func() error { return l.Close() }, write: func(line string) error {
		m := logger.NewMessage()
		m.Line, m.Source, m.Timestamp = append(m.Line, line...), "stdout", time.Now()
		return l.Log(m)
	}}, err
}

// kubelet is a container whose log kubelet rotates. Kubelet looks each 10 s and rotates beyond 10 MiB; here a look
// a second is enough, for its names have seconds.
func kubelet(path string, size int) (sink, error) {
	c := &container{path: path}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return sink{}, err
	}
	if err := c.reopen(); err != nil {
		return sink{}, err
	}
	const files, workers = 400, 1
	m, err := logs.NewContainerLogManager(c, kubecontainer.RealOS{}, strconv.Itoa(size), files, workers, metav1.Duration{Duration: 1100 * time.Millisecond})
	if err != nil {
		return sink{}, err
	}
	m.Start(context.Background())
	return sink{write: c.write, close: func() error { time.Sleep(time.Second); return nil }}, nil
}

// container is one that runs, and the runtime that writes its log in the format of CRI.
type container struct {
	internalapi.RuntimeService
	path string
	mu   sync.Mutex
	f    *os.File
}

func (c *container) write(line string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := fmt.Fprintf(c.f, "%s stdout F %s\n", time.Now().Format(time.RFC3339Nano), line)
	return err
}

func (c *container) reopen() error {
	f, err := os.OpenFile(c.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	c.mu.Lock()
	old := c.f
	c.f = f
	c.mu.Unlock()
	_ = old.Close() // nil at first
	return nil
}

const id = "c0ffee"

func (c *container) ListContainers(context.Context, *runtimeapi.ContainerFilter) ([]*runtimeapi.Container, error) {
	return []*runtimeapi.Container{{Id: id, State: runtimeapi.ContainerState_CONTAINER_RUNNING, Metadata: &runtimeapi.ContainerMetadata{Name: "app"}}}, nil
}

func (c *container) ContainerStatus(context.Context, string, bool) (*runtimeapi.ContainerStatusResponse, error) {
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{Id: id, LogPath: c.path, State: runtimeapi.ContainerState_CONTAINER_RUNNING}}, nil
}

func (c *container) ReopenContainerLog(context.Context, string) error { return c.reopen() }

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
		if err := s.write(fmt.Sprintf("line %08d %s", n, strings.Repeat("x", 40+n%60))); err != nil {
			log.Fatal(err)
		}
		if ahead := time.Duration(n*pause)*time.Microsecond - time.Since(began); ahead > time.Millisecond {
			time.Sleep(ahead)
		}
	}
	if err := s.close(); err != nil {
		log.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // compressed in the background
}
