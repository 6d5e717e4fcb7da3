package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// result is one run.
type result struct {
	Setting setting `json:"setting"`
	Sender  string  `json:"sender"`
	Round   int     `json:"round,omitempty"`
	Growth  bool    `json:"growth,omitempty"`
	Mails   int     `json:"mails"`
	Seconds float64 `json:"seconds"` // the sender's whole run
	Rate    float64 `json:"rate"`    // mails a second, from the receiver's first to its last
	First   float64 `json:"first"`   // the rate in the first tenth of the mails
	Last    float64 `json:"last"`    // and in the last tenth
	User    float64 `json:"user"`    // CPU seconds of the sender a thousand mails
	System  float64 `json:"system"`
	Peak    int64   `json:"peak"`  // bytes resident at most
	Early   int64   `json:"early"` // bytes resident when a tenth was sent
	Late    int64   `json:"late"`  // and when nine tenths were
	// Receiving is the receiver's CPU seconds a thousand mails, the wire's with
	// it, and Others how many cores other programs kept busy meanwhile: a
	// database server, the kernel's own threads, whoever disturbs.
	Receiving float64 `json:"receiving"`
	Others    float64 `json:"others"`
}

func (r result) cpu() float64 { return r.User + r.System }

func (r result) String() string {
	return fmt.Sprintf("%-26s %-19s %8d mails %8.0f/s  %6.3f CPU s a thousand (user %.3f, system %.3f)  %6.1f MB  others %.2f",
		r.Setting, r.Sender, r.Mails, r.Rate, r.cpu(), r.User, r.System, megabytes(r.Peak), r.Others)
}

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }

// fill counts.
func (r *result) fill(u usage, samples []sample) {
	r.User = u.user.Seconds() / float64(r.Mails) * 1000
	r.System = u.system.Seconds() / float64(r.Mails) * 1000
	r.Peak = u.peak
	first, last := samples[0], samples[len(samples)-1]
	r.Rate = rate(first, last)
	tenth, nineTenths := reach(samples, r.Mails/10), reach(samples, r.Mails-r.Mails/10)
	r.First, r.Last = rate(first, tenth), rate(nineTenths, last)
	r.Early, r.Late = u.at(tenth.at), u.at(nineTenths.at)
}

// rate is the mails a second between two counts; 0 if they are too near to each
// other to tell.
func rate(from, to sample) float64 {
	took := to.at.Sub(from.at)
	if took < 2*look {
		return 0
	}
	return float64(to.mails-from.mails) / took.Seconds()
}

// reach returns the first count of at least n.
func reach(samples []sample, n int) sample {
	i, _ := slices.BinarySearchFunc(samples, n, func(s sample, n int) int { return cmp.Compare(s.mails, n) })
	return samples[min(i, len(samples)-1)]
}

// at returns what was resident at an instant.
func (u usage) at(when time.Time) int64 {
	i, _ := slices.BinarySearchFunc(u.resident, when, func(r resident, t time.Time) int { return r.at.Compare(t) })
	if len(u.resident) == 0 {
		return 0
	}
	return u.resident[min(i, len(u.resident)-1)].bytes
}

// line is one line of the table: the medians of a sender's runs in a setting.
type line struct {
	result
	ToSource, ToGoMail float64 // how many times the rate of smtp-source, of go-mail; 0: not run
	CPUToSource        float64 // how many times the CPU time of smtp-source
}

// table makes lines of runs, in the order in which they came.
func table(runs []result) []line {
	type key struct {
		setting setting
		sender  string
	}
	var order []key
	all := map[key][]result{}
	for _, r := range runs {
		if r.Growth {
			continue
		}
		k := key{r.Setting, r.Sender}
		if all[k] == nil {
			order = append(order, k)
		}
		all[k] = append(all[k], r)
	}
	slices.SortStableFunc(order, func(a, b key) int {
		return cmp.Compare(slices.Index(settings, a.setting), slices.Index(settings, b.setting))
	})
	rates := func(k key) float64 { return median(all[k], func(r result) float64 { return r.Rate }) }
	cpus := func(k key) float64 { return median(all[k], result.cpu) }
	over := func(a, b float64) float64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	lines := make([]line, len(order))
	for i, k := range order {
		l := line{result: all[k][0]}
		l.Rate = rates(k)
		// Ratios of medians: one disturbed round counts neither for nor against.
		l.ToSource = over(l.Rate, rates(key{k.setting, smtpSource{}.name()}))
		l.ToGoMail = over(l.Rate, rates(key{k.setting, goMail{}.name()}))
		l.CPUToSource = over(cpus(k), cpus(key{k.setting, smtpSource{}.name()}))
		l.System = median(all[k], func(r result) float64 { return r.System })
		l.User = cpus(k) - l.System
		l.Peak = int64(median(all[k], func(r result) float64 { return float64(r.Peak) }))
		l.Receiving = median(all[k], func(r result) float64 { return r.Receiving })
		l.Others = median(all[k], func(r result) float64 { return r.Others })
		lines[i] = l
	}
	return lines
}

// median returns the middle value, or the mean of the two in the middle.
func median(runs []result, of func(result) float64) float64 {
	if len(runs) == 0 {
		return 0
	}
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}
