package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime"
	"github.com/runnel-dev/runnel/runtime/event/redis/redistest"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

// binary is runnel-server as built by TestMain, with the race detector where the tests have it.
var binary string

func TestMain(m *testing.M) {
	runtime.CompileMain()
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "runnel-server")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "runnel-server")
	if out, err := exec.Command("go", "build", fmt.Sprintf("-race=%v", raceEnabled), "-o", binary, ".").CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the server: %w\n%s", err, out)
	}
	code := postgrestest.Run(m)
	return code, redistest.Stop()
}

// process is a running server.
type process struct {
	t       testing.TB
	command *exec.Cmd
	url     string
	exited  chan error

	mu  sync.Mutex
	log bytes.Buffer
}

// Write collects what the server logs.
func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(text)
}

var served = regexp.MustCompile(`on (https?://127\.0\.0\.1:\d+)\.`)

// start runs the server in dev mode on a free port, and stops it with the test.
func start(t testing.TB, arguments ...string) *process {
	t.Helper()
	p := &process{t: t, exited: make(chan error, 1)}
	p.command = exec.Command(binary, append([]string{"--dev", "--listen", "127.0.0.1:0"}, arguments...)...)
	p.command.Stderr = p
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.stop()
		if strings.Contains(p.logged(), "WARNING: DATA RACE") {
			t.Errorf("the server logged:\n%s", p.logged())
		}
	})
	lines := bufio.NewScanner(stdout)
	for p.url == "" && lines.Scan() {
		if found := served.FindStringSubmatch(lines.Text()); found != nil {
			p.url = found[1]
		}
	}
	if p.url == "" {
		_ = p.command.Wait()
		t.Fatalf("the server did not say where it serves; it logged:\n%s", p.logged())
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdout) // until the process ends
		p.exited <- p.command.Wait()
	}()
	return p
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// stop ends the server as an operator would, and holds that it ends well.
func (p *process) stop() {
	p.t.Helper()
	if p.command.ProcessState != nil || p.command.Process == nil {
		return
	}
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return // it has ended before
	}
	select {
	case err := <-p.exited:
		if err != nil {
			p.t.Errorf("the server ended with %v; it logged:\n%s", err, p.logged())
		}
	case <-time.After(20 * time.Second):
		_ = p.command.Process.Kill()
		p.t.Errorf("the server did not end; it logged:\n%s", p.logged())
	}
}

// kill ends the server as a crash would.
func (p *process) kill() {
	p.t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.exited
}

// restart starts the server anew where this one, which has ended, listened.
func (p *process) restart() *process {
	p.t.Helper()
	return start(p.t, "--listen", p.address())
}

// request sends a request to the server and returns status and body.
func (p *process) request(method, path, contentType string, body []byte) (int, string) {
	p.t.Helper()
	r, err := http.NewRequest(method, p.url+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// must is request that expects a status.
func (p *process) must(status int, method, path, contentType string, body []byte) string {
	p.t.Helper()
	got, text := p.request(method, path, contentType, body)
	if got != status {
		p.t.Fatalf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	return text
}

// tenantLog is the log of a tenant's modules, as its route shows it.
func (p *process) tenantLog(id string) string {
	p.t.Helper()
	return p.must(http.StatusOK, "GET", "/v1/tenants/"+id+"/logs", "", nil)
}

func (p *process) createTenant(id, limits string) {
	p.t.Helper()
	p.must(201, "POST", "/v1/tenants", "application/json", fmt.Appendf(nil, `{"id":%q,"limits":%s}`, id, limits))
}

func (p *process) push(tenant, module string, wasm []byte) {
	p.t.Helper()
	p.must(201, "PUT", "/v1/tenants/"+tenant+"/modules/"+module+"?activate=true", "application/wasm", wasm)
}

func (p *process) publish(tenant, channel, payload string) {
	p.t.Helper()
	p.must(202, "POST", "/v1/tenants/"+tenant+"/events", "application/json", fmt.Appendf(nil, `{"channel":%q,"payload":%s}`, channel, payload))
}

// query posts an operation and returns the response.
func (p *process) query(tenant, query string) string {
	p.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		p.t.Fatal(err)
	}
	_, text := p.request("POST", "/t/"+tenant+"/graphql", "application/json", body)
	return strings.TrimSpace(text)
}

// address is host and port of the server.
func (p *process) address() string { return strings.TrimPrefix(p.url, "http://") }

func (p *process) socketURL(tenant string) string {
	return "ws" + strings.TrimPrefix(p.url, "http") + "/t/" + tenant + "/graphql"
}
