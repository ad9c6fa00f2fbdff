package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
)

// Host runs functions: one process for each, which stays for the invocations
// that follow.
type Host struct {
	mu      sync.Mutex
	closed  bool
	running map[string]*environment // by ARN
}

// NewHost makes a host without processes.
func NewHost() *Host { return &Host{running: map[string]*environment{}} }

// Close ends all processes. Nothing runs afterwards.
func (h *Host) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, e := range h.running {
		e.stop()
	}
}

// end ends the process of a function, also during an invocation.
func (h *Host) end(arn string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e := h.running[arn]; e != nil {
		e.stop()
	}
}

// environment is where one function runs, one invocation after the other.
type environment struct {
	mu   sync.Mutex // held by an invocation
	stop func()     // ends the process; also when there is none

	process *process // nil: none was started, or it is gone
}

// outcome is what an invocation ends with.
type outcome struct {
	payload []byte
	failed  bool
	log     []byte
}

// failure is an outcome in the shape of Lambda's errors.
func failure(kind, id, format string, args ...any) outcome {
	b, _ := json.Marshal(map[string]string{ // cannot fail: texts
		"errorType": kind, "errorMessage": "RequestId: " + id + " Error: " + fmt.Sprintf(format, args...),
	})
	return outcome{payload: b, failed: true}
}

// run has a function handle a payload, in its process if there is one.
func (h *Host) run(r *service.Call, reg *state.Region, f *Function, payload []byte) (outcome, error) {
	arn := f.arn(reg)
	h.mu.Lock()
	e := h.running[arn]
	if e == nil {
		e = &environment{stop: func() {}}
		h.running[arn] = e
	}
	h.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.process; p != nil && !p.usable(f, r.Now) {
		e.end()
	}
	if e.process == nil {
		p, failed, err := h.start(r, reg, f, e)
		if p == nil {
			return failed, err
		}
		e.process = p
	}
	got, alive := e.process.handle(r.ID, arn, f, payload)
	if !alive {
		e.end()
	}
	return got, nil
}

// end ends the environment's process and removes what it left.
func (e *environment) end() {
	e.stop()
	e.process = nil
}

// process is a running function with its Runtime API.
type process struct {
	revision uint64
	expires  time.Time        // its credentials
	log      string           // file of what it prints
	next     chan *invocation // taken by the function when it asks for it
	idle     chan struct{}    // it has asked
	exited   chan struct{}
	exit     error // after exited

	mu      sync.Mutex
	current *invocation
}

// invocation is one payload on its way.
type invocation struct {
	id, arn  string
	payload  []byte
	deadline time.Time
	done     chan outcome
}

// usable says whether a process can take one more invocation of a function.
func (p *process) usable(f *Function, now time.Time) bool {
	select {
	case <-p.exited:
		return false
	default:
		return p.revision == f.revision && now.Add(time.Duration(f.Timeout)*time.Second).Before(p.expires)
	}
}

// start unpacks the code of a function and starts it. Where the code is wrong
// there is no process but an outcome.
func (h *Host) start(r *service.Call, reg *state.Region, f *Function, e *environment) (*process, outcome, error) {
	dir, err := os.MkdirTemp("", "nightshift-function-")
	if err != nil {
		return nil, outcome{}, fmt.Errorf("run %s: %w", f.Name, err)
	}
	p, failed, err := h.startIn(dir, r, reg, f, e)
	if p == nil {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return p, failed, err
}

func (h *Host) startIn(dir string, r *service.Call, reg *state.Region, f *Function, e *environment) (*process, outcome, error) {
	role := r.Caller.Account.RoleByARN(f.Role)
	if role == nil {
		return nil, outcome{}, errors.New("the role " + f.Role + " is gone")
	}
	p := &process{
		revision: f.revision, expires: r.Now.Add(12 * time.Hour),
		next: make(chan *invocation), idle: make(chan struct{}, 1), exited: make(chan struct{}),
	}
	task := filepath.Join(dir, "task")
	archive, err := zip.NewReader(bytes.NewReader(f.code), int64(len(f.code)))
	if err != nil {
		return nil, outcome{}, err
	}
	if err := os.CopyFS(task, archive); err != nil { // keeps the modes
		return nil, outcome{}, fmt.Errorf("unpack %s: %w", f.Name, err)
	}
	bootstrap := filepath.Join(task, "bootstrap")
	if wrong := entrypoint(bootstrap, f.Architecture); wrong != "" {
		return nil, failure("Runtime.InvalidEntrypoint", r.ID, "%s", wrong), nil
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, outcome{}, err
	}
	p.log = log.Name()
	defer log.Close() // the process has its own
	api, err := p.listen()
	if err != nil {
		return nil, outcome{}, err
	}
	session := r.Organization.Sessions.Open(state.Principal{
		Account: r.Caller.Account, Policy: role.Policy, Role: true,
		ARN: "arn:aws:sts::" + reg.Owner + ":assumed-role/" + role.Name + "/" + f.Name,
		ID:  random.UniqueID("AROA", f.Role) + ":" + f.Name,
	}, p.expires)
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	cmd := exec.CommandContext(ctx, bootstrap)
	cmd.Dir, cmd.Stdout, cmd.Stderr = task, log, log
	cmd.Env = f.variables(reg, r.Host, api.Addr, session)
	if err := startCommand(cmd); err != nil {
		cancel()
		words := strings.ReplaceAll(err.Error(), bootstrap, "/var/task/bootstrap")
		return nil, failure("Runtime.InvalidEntrypoint", r.ID, "%s", words), api.Close()
	}
	go func() {
		p.exit = cmd.Wait()
		_ = api.Close() // nobody asks it any more
		close(p.exited)
	}()
	h.mu.Lock()
	defer h.mu.Unlock()
	e.stop = sync.OnceFunc(func() {
		cancel()
		<-p.exited
		_ = os.RemoveAll(dir) // a temporary folder; nobody is left to tell
	})
	if h.closed {
		e.stop()
		return nil, outcome{}, errors.New("the sandbox is closed")
	}
	return p, outcome{}, nil
}

// startCommand starts a program that was just written. Another process that
// was forked meanwhile may hold the file open for a moment.
func startCommand(cmd *exec.Cmd) (err error) {
	for range 20 {
		if err = cmd.Start(); !errors.Is(err, syscall.ETXTBSY) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// variables are the environment of a function's process.
func (f *Function) variables(reg *state.Region, host, api string, session *state.Session) []string {
	all := maps.Clone(f.Environment)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, map[string]string{
		"_HANDLER": f.Handler, "AWS_ACCESS_KEY_ID": session.Key, "AWS_DEFAULT_REGION": reg.Name, "AWS_ENDPOINT_URL": "http://" + host,
		"AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": fmt.Sprint(f.Memory),
		"AWS_LAMBDA_FUNCTION_NAME": f.Name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME": f.LogGroup, "AWS_LAMBDA_LOG_STREAM_NAME": "sandbox", "AWS_LAMBDA_RUNTIME_API": api,
		"AWS_REGION": reg.Name, "AWS_SECRET_ACCESS_KEY": session.Secret, "AWS_SESSION_TOKEN": session.Token,
		"LAMBDA_TASK_ROOT": "/var/task", "PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": ":UTC",
	})
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+"="+all[name])
	}
	return list
}

// entrypoint says why a file cannot be the entry point of a function, in the
// words of Lambda; empty where it can.
func entrypoint(bootstrap, architecture string) string {
	info, err := os.Stat(bootstrap)
	if err != nil {
		return "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
	}
	if info.Mode().Perm()&0o111 == 0 {
		return "fork/exec /var/task/bootstrap: permission denied"
	}
	f, err := elf.Open(bootstrap)
	if err != nil {
		return "" // a script, or the system says what is wrong
	}
	defer func() { _ = f.Close() }() // it was only read
	if want := map[string]elf.Machine{"arm64": elf.EM_AARCH64, "x86_64": elf.EM_X86_64}[architecture]; f.Machine != want {
		return "fork/exec /var/task/bootstrap: exec format error"
	}
	return ""
}

// longestInit is how long a function may take to its first request for an
// invocation.
const longestInit = 10 * time.Second

// handle gives the function one payload and waits for its answer. alive is false
// where the process is of no more use.
func (p *process) handle(id, arn string, f *Function, payload []byte) (got outcome, alive bool) {
	begin, began := p.logEnd(), state.RealNow()
	timeout := time.Duration(f.Timeout) * time.Second
	one := &invocation{id: id, arn: arn, payload: payload, done: make(chan outcome, 1)}
	init := time.NewTimer(longestInit)
	defer init.Stop()
	select {
	case <-p.exited:
		got = p.exitOf(id)
	case <-init.C:
		got = failure("Sandbox.Timedout", id, "Task timed out after %.2f seconds", longestInit.Seconds())
	case <-p.idle:
		one.deadline = state.RealNow().Add(timeout)
		p.setCurrent(one)
		p.next <- one
		got, alive = p.wait(one, timeout)
	}
	took := state.RealNow().Sub(began)
	log, err := os.ReadFile(p.log)
	if err == nil {
		got.log = append(bytes.Clone(log[min(begin, len(log)):]), fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\n",
			id, float64(took.Microseconds())/1000, took.Milliseconds()+1, f.Memory)...)
	}
	return got, alive
}

func (p *process) wait(one *invocation, timeout time.Duration) (got outcome, alive bool) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case got = <-one.done:
		return got, true
	case <-p.exited:
		select {
		case got = <-one.done: // it answered first
		default:
			got = p.exitOf(one.id)
		}
		return got, false
	case <-timer.C:
		return failure("Sandbox.Timedout", one.id, "Task timed out after %.2f seconds", timeout.Seconds()), false
	}
}

// exitOf is the outcome of an invocation during which the process ended.
func (p *process) exitOf(id string) outcome {
	if p.exit == nil {
		return failure("Runtime.ExitError", id, "Runtime exited without providing a reason")
	}
	return failure("Runtime.ExitError", id, "Runtime exited with error: %v", p.exit)
}

func (p *process) logEnd() int {
	info, err := os.Stat(p.log)
	if err != nil {
		return 0
	}
	return int(info.Size())
}

func (p *process) setCurrent(one *invocation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = one
}

// taken gives the invocation of an id, once.
func (p *process) taken(id string) *invocation {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.current
	if one == nil || one.id != id {
		return nil
	}
	p.current = nil
	return one
}

var _ http.Handler = (*process)(nil)
