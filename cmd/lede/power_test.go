package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lede/send"
)

// A power cut: a send runs under strace, which records all that is written to
// the database's files, with its time, and the counter records when it accepted
// what. The files are then made anew as a disk could have them at a random
// moment, what was not yet forced to the disk lost, torn or there; and Lede goes
// on from these.
func TestPowerCut(t *testing.T) {
	readers, cuts := 400, doses(6, 20)
	if long() {
		readers = 5000 // so many that SQLite's log goes into the file in between
	}
	rec := record(t, builtLede(t), readers)
	if long() && !slices.ContainsFunc(rec.ops, func(op diskOp) bool {
		return op.file == "lede.db" && op.call == "pwrite64" && op.begun.Before(rec.mails[readers-1].at)
	}) {
		t.Error("SQLite's log never went into the file while mails were sent: the recording is too short")
	}
	for cut := range cuts {
		inDoubt := []string{"resend", "hold"}[cut%2]
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("%s %d", inDoubt, cut+1), func(t *testing.T) {
			for _, fault := range rec.cut(t, builtLede(t), seed, inDoubt) {
				t.Errorf("%s (seed %d)", fault, seed)
			}
		})
	}
}

// recording is one send to its end, as its disk saw it.
type recording struct {
	dir     string // of the newsroom
	readers int
	before  map[string][]byte // the database's files before
	ops     []diskOp          // in the order of their beginnings
	mails   []taken
}

// diskOp is one call that changes what is on the disk, or forces it there.
type diskOp struct {
	call       string
	file       string // name in the folder; "." is the folder
	at         int64  // place of a write, or length
	data       []byte
	begun, end time.Time
}

// record sends an edition under strace.
func record(t *testing.T, bin string, readers int) *recording {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err == nil {
		err = exec.Command(strace, "-f", "-o", os.DevNull, "true").Run() // is it allowed?
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("tools/setup.sh installs strace: %v", err)
		}
		t.Skipf("no strace: %v", err)
	}
	box, port := serveCounter(t)
	dir := chaosRoom(t, "lede.db", readers, port, "resend")
	rec := &recording{dir: dir, readers: readers, before: map[string][]byte{}}
	for _, name := range databaseFiles {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			rec.before[name] = content
		} else if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	trace := filepath.Join(t.TempDir(), "trace")
	args := []string{
		"-f", "-y", "-xx", "-ttt", "-T", "-s", "1048576", "--seccomp-bpf", "-o", trace,
		"-e", "trace=" + strings.Join(traced, ","), "-e", "signal=none", "-P", dir,
	}
	for _, name := range databaseFiles {
		args = append(args, "-P", filepath.Join(dir, name))
	}
	args = append(args, bin, "send", "harbour", "--yes")
	if out, err := commandIn(dir, strace, args...).CombinedOutput(); err != nil {
		t.Fatalf("send under strace: %v\n%s", err, out)
	}
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rec.ops, err = readTrace(f, dir); err != nil {
		t.Fatal(err)
	}
	rec.mails = box.at
	if len(rec.mails) != readers {
		t.Fatalf("%d accepted, want %d", len(rec.mails), readers)
	}
	calls := map[string]int{}
	for _, op := range rec.ops {
		calls[op.call]++
	}
	t.Logf("%d mails in %s: %v", readers, rec.mails[readers-1].at.Sub(rec.mails[0].at), calls)

	// All of it, played back, is what is on the disk now.
	var now bytes.Buffer
	files := rec.disk(time.Now(), nil, func(*diskOp) fate { return whole })
	for _, name := range databaseFiles {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil != (files[name] != nil) || !bytes.Equal(content, files[name]) {
			fmt.Fprintf(&now, " %s: %d bytes, played back %d;", name, len(content), len(files[name]))
		}
	}
	if now.Len() > 0 {
		t.Fatalf("the recording is not complete:%s", now.String())
	}
	return rec
}

// databaseFiles are those that last. The file with -shm does not: SQLite makes
// it anew from the log.
var databaseFiles = []string{"lede.db", "lede.db-wal", "lede.db-journal"}

// traced are all calls that could change these files.
var traced = []string{
	"write", "writev", "pwrite64", "pwritev", "pwritev2", "ftruncate", "truncate", "fallocate", "copy_file_range", "sendfile",
	"fsync", "fdatasync", "sync_file_range", "open", "openat", "openat2", "creat",
	"rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat",
}

// readTrace reads what strace wrote. It refuses calls that it does not know.
func readTrace(r io.Reader, dir string) ([]diskOp, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	begun := map[string]string{} // by process: the first part of a call that another interrupted
	var ops []diskOp
	for {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			slices.SortStableFunc(ops, func(a, b diskOp) int { return a.begun.Compare(b.begun) })
			return ops, nil
		}
		if err != nil {
			return nil, err
		}
		pid, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		rest = strings.TrimLeft(rest, " ")
		at, call, _ := strings.Cut(rest, " ")
		switch {
		case strings.HasPrefix(call, "+++"), strings.HasPrefix(call, "---"):
			continue
		case strings.HasSuffix(call, " <unfinished ...>"):
			begun[pid] = at + " " + strings.TrimSuffix(call, " <unfinished ...>")
			continue
		case strings.HasPrefix(call, "<... "):
			_, tail, _ := strings.Cut(call, " resumed>")
			at, call, _ = strings.Cut(begun[pid]+tail, " ")
			delete(begun, pid)
		}
		op, err := readCall(at, call, dir)
		if err != nil {
			return nil, fmt.Errorf("%w: %.200s", err, line)
		}
		if op.call != "" {
			ops = append(ops, op)
		}
	}
}

// readCall reads `name(args) = result <seconds>`. op.call is empty if it changed
// nothing.
func readCall(at, call, dir string) (op diskOp, err error) {
	end := strings.LastIndex(call, ") = ")
	if end < 0 {
		end = strings.LastIndex(call, ")")
	}
	name, args, ok := strings.Cut(call[:max(end, 0)], "(")
	_, tail, ended := strings.Cut(call[max(end, 0):], "= ")
	if !ok || !ended {
		return op, errors.New("not understood")
	}
	result, took, _ := strings.Cut(tail, " <")
	if fd := strings.LastIndex(took, "<"); fd >= 0 { // a descriptor has its path behind it
		took = took[fd+1:]
	}
	if op.begun, err = readTime(at); err != nil {
		return op, err
	}
	seconds, err := strconv.ParseFloat(strings.TrimSuffix(took, ">"), 64)
	if err != nil {
		return op, err
	}
	op.end = op.begun.Add(time.Duration(seconds * float64(time.Second)))
	if strings.HasPrefix(result, "-1 ") {
		return op, nil
	}
	// Paths and data are all in hexadecimal: there are no commas in them.
	arg := strings.Split(args, ", ")
	path := func(i int) string {
		text := arg[i]
		if from := strings.IndexByte(text, '<'); from >= 0 {
			text = strings.TrimRight(text[from+1:], ">")
		}
		p := string(unhex(text))
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		if p, err = filepath.Rel(dir, p); err != nil {
			return "?"
		}
		return p
	}
	op.call, op.file = name, path(0)
	switch name {
	case "pwrite64":
		op.data = unhex(arg[1])
		op.at, err = strconv.ParseInt(arg[3], 10, 64)
		if n, _ := strconv.Atoi(result); n != len(op.data) {
			return op, fmt.Errorf("%s bytes written, %d recorded", result, len(op.data))
		}
	case "ftruncate":
		op.at, err = strconv.ParseInt(arg[1], 10, 64)
	case "fsync", "fdatasync":
		op.call = "sync"
	case "unlink":
	case "open", "openat":
		flags := 1
		if name == "openat" {
			op.file, flags = path(1), 2
		}
		op.call = "create"
		if !strings.Contains(arg[flags], "O_CREAT") {
			op.call = ""
		}
	default:
		return op, errors.New("a call that is not played back")
	}
	return op, err
}

func readTime(s string) (time.Time, error) {
	seconds, micros, _ := strings.Cut(s, ".")
	a, err := strconv.ParseInt(seconds, 10, 64)
	b, err2 := strconv.ParseInt(micros, 10, 64)
	return time.UnixMicro(a*1_000_000 + b), errors.Join(err, err2)
}

// unhex reads a string as strace writes it with -xx.
func unhex(s string) []byte {
	s = strings.ReplaceAll(strings.Trim(s, `"`), `\x`, "")
	b, _ := hex.DecodeString(s)
	return b
}

// fate is what became of a change that was not forced to the disk.
type fate int

const (
	lost fate = iota
	torn
	whole
)

// sector is what a disk writes at a time.
const sector = 512

// inode is a file, whatever its name.
type inode struct {
	ops []*diskOp
	old []byte
}

// disk returns the files as a disk could have them when the power goes at
// moment: with all that was forced there by then, and of what was begun
// otherwise, what fate says; random chooses which sectors of a torn write are
// there.
func (r *recording) disk(moment time.Time, random *rand.Rand, fate func(*diskOp) fate) map[string][]byte {
	// What was forced: by file the beginning of the last sync that ended.
	names := map[string]*inode{}
	for name, content := range r.before {
		names[name] = &inode{old: content}
	}
	kept := map[string]*inode{} // names that the disk has
	for name, node := range names {
		kept[name] = node
	}
	sure := map[*inode]time.Time{}
	var folder []*diskOp // changes of names that are not sure
	since := map[*diskOp]*inode{}
	apply := func(op *diskOp) {
		if op.call == "create" {
			kept[op.file] = since[op]
		} else {
			delete(kept, op.file)
		}
	}
	for i := range r.ops {
		op := &r.ops[i]
		if op.begun.After(moment) {
			break
		}
		node := names[op.file]
		switch {
		case op.call == "create" && node == nil:
			node = &inode{}
			names[op.file], since[op] = node, node
			folder = append(folder, op)
		case op.call == "create":
		case op.call == "unlink":
			delete(names, op.file)
			folder = append(folder, op)
		case op.call == "sync" && op.end.After(moment):
		case op.call == "sync" && op.file == ".":
			for len(folder) > 0 && !folder[0].end.After(op.begun) {
				apply(folder[0])
				folder = folder[1:]
			}
		case node == nil: // by a descriptor of a file that has no name
		case op.call == "sync":
			sure[node] = op.begun
		default:
			node.ops = append(node.ops, op)
		}
	}
	for _, op := range folder { // names change in order
		if fate(op) == lost {
			break
		}
		apply(op)
	}
	files := map[string][]byte{}
	for name, node := range kept {
		content := slices.Clone(node.old)
		if content == nil {
			content = []byte{}
		}
		for _, op := range node.ops {
			become := whole
			if op.end.After(sure[node]) {
				become = fate(op)
			}
			content = op.write(content, become, random)
		}
		files[name] = content
	}
	return files
}

// write returns a file after a change.
func (op *diskOp) write(content []byte, become fate, random *rand.Rand) []byte {
	if become == lost {
		return content
	}
	if op.call == "ftruncate" {
		return grow(content, op.at)[:op.at]
	}
	for from := 0; from < len(op.data); {
		at := op.at + int64(from)
		n := min(len(op.data)-from, int(sector-at%sector))
		if become == whole || random.IntN(2) == 0 {
			content = grow(content, at+int64(n))
			copy(content[at:], op.data[from:from+n])
		}
		from += n
	}
	return content
}

func grow(content []byte, to int64) []byte {
	if missing := to - int64(len(content)); missing > 0 {
		content = append(content, make([]byte, missing)...)
	}
	return content
}

// cut takes the power at a random moment, goes on, and returns what is wrong.
func (r *recording) cut(t *testing.T, bin string, seed uint64, inDoubt string) (faults []string) {
	complain := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	random := rand.New(rand.NewPCG(seed, 3))
	// In half of the cases shortly after a mail, else at any time.
	first, last := r.ops[0].begun, r.ops[len(r.ops)-1].end
	moment := first.Add(time.Duration(random.Int64N(int64(last.Sub(first)))))
	if random.IntN(2) == 0 {
		moment = r.mails[random.IntN(len(r.mails))].at.Add(time.Duration(random.Int64N(int64(5 * time.Millisecond))))
	}
	// A disk may have written all, nothing, or some of what it was not forced to.
	chances := [][2]float64{{1, 0}, {0, 1}, {0.5, 0.25}, {random.Float64(), random.Float64()}}[random.IntN(4)]
	files := r.disk(moment, random, func(*diskOp) fate {
		switch {
		case random.Float64() < chances[0]:
			return lost
		case random.Float64() < chances[1]:
			return torn
		}
		return whole
	})
	box, port := serveCounter(t)
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "stories"), os.DirFS(filepath.Join(r.dir, "stories"))); err != nil {
		t.Fatal(err)
	}
	chaosConfig(t, dir, "lede.db", mainRelay(port), inDoubt)

	// What is there: SQLite recovers when it is opened.
	if out, err := commandIn(dir, bin, "editions", "list").CombinedOutput(); err != nil {
		return append(faults, fmt.Sprintf("opening: %v\n%s", err, out))
	}
	if damage := integrity(t, dir); damage != "ok" {
		complain("damaged: %s", damage)
	}
	copies := map[string][]string{}
	for _, m := range r.mails {
		if m.at.Before(moment) {
			copies[m.to] = append(copies[m.to], m.id)
		}
	}
	ledger := entries(t, dir, "lede.db")
	noIntent, notAccepted, sending := 0, 0, 0
	for address, e := range ledger {
		switch {
		case e.state == send.Sending:
			sending++
		case e.state == send.Sent && len(copies[address]) == 0:
			notAccepted++
		}
	}
	for address := range copies {
		if e := ledger[address]; e.state != send.Sending && e.state != send.Sent {
			noIntent++
		}
	}
	bound := chaosLanes * chaosDepth
	if noIntent > 0 || notAccepted > 0 || sending > bound {
		complain("%d accepted without an intent, %d sent that were not accepted, %d in flight (at most %d)", noIntent, notAccepted, sending, bound)
	}

	// And on.
	rep, err := sendToEnd(dir, bin, time.Minute)
	if err != nil {
		return append(faults, err.Error())
	}
	before := len(copies)
	for address, ids := range box.copies() {
		copies[address] = append(copies[address], ids...)
	}
	again, without, found := audit(t, dir, "lede.db", r.readers, copies, rep)
	faults = append(faults, found...)
	t.Logf("%s: cut after %d mails, %d in flight: %d again, %d without; %+v", inDoubt, before, sending, again, without, rep.Sums)
	if inDoubt == "resend" && (again > bound || without > 0 || rep.Sent != r.readers) {
		complain("%d came again (at most %d), %d have nothing; %+v", again, bound, without, rep.Sums)
	}
	if inDoubt == "hold" && (again > 0 || without > rep.InDoubt || rep.InDoubt != sending || rep.Sent+rep.InDoubt != r.readers) {
		complain("%d came again, %d have nothing; %+v", again, without, rep.Sums)
	}
	out, err := commandIn(dir, bin, "send", "harbour", "--yes").Output()
	if err != nil || !strings.Contains(string(out), "Nothing new") || box.accepted() != r.readers-before+again-without {
		complain("the same command again: %v, %d mails in all\n%s", err, box.accepted(), out)
	}
	return faults
}

// integrity is SQLite's own opinion of a file.
func integrity(t *testing.T, dir string) (says string) {
	t.Helper()
	db := openRaw(t, dir, "lede.db")
	defer db.Close()
	if err := db.QueryRow(`PRAGMA integrity_check`).Scan(&says); err != nil {
		return err.Error()
	}
	orphans := 0
	if err := db.QueryRow(`SELECT count(*) FROM pragma_foreign_key_check`).Scan(&orphans); err != nil || orphans > 0 {
		return fmt.Sprintf("%s; %d rows without what they belong to, %v", says, orphans, err)
	}
	return says
}
