package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// describe says what the machine is that measured, in lines.
func describe(ctx context.Context, dir string) ([]string, error) {
	sync, err := fsync(dir)
	if err != nil {
		return nil, err
	}
	lines := []string{
		fmt.Sprintf("%d cores (%s), %s of memory", runtime.NumCPU(), after("/proc/cpuinfo", "model name"), memoryTotal()),
		fmt.Sprintf("disk: %s for a write of 4 KB with fsync (median of %d)", sync.Round(time.Microsecond), syncs),
		fmt.Sprintf("Linux %s, %s", strings.TrimSpace(read("/proc/sys/kernel/osrelease")), runtime.Version()),
	}
	if out, err := exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${Version}", "postfix").Output(); err == nil {
		lines = append(lines, "Postfix "+string(out))
	}
	return lines, nil
}

func read(file string) string {
	text, _ := os.ReadFile(file)
	return string(text)
}

// after returns what stands behind a name in one of the kernel's files.
func after(file, name string) string {
	for line := range strings.Lines(read(file)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func memoryTotal() string {
	var kb int64
	if _, err := fmt.Sscanf(after("/proc/meminfo", "MemTotal"), "%d kB", &kb); err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%.0f GB", float64(kb)/(1<<20))
}

const syncs = 200

// fsync measures how long the disk takes to have a page for good.
func fsync(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	took := make([]time.Duration, syncs)
	for i := range took {
		begin := time.Now()
		if _, err := f.WriteAt(page, int64(i%16)*4096); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took[i] = time.Since(begin)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
