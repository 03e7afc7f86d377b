package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
)

// progress reports on a terminal how far reading is, in one line that it removes.
type progress struct {
	out  *output.Printer
	mu   sync.Mutex
	last time.Time
}

func newProgress(c *cli.Context) *progress { return &progress{out: newPrinter(c.App.ErrWriter)} }

func (p *progress) read(kind string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.last) > 100*time.Millisecond {
		if n == 0 {
			p.show(fmt.Sprintf("reading: kind %s", kind))
			return
		}
		p.show(fmt.Sprintf("reading: %d of kind %s", n, kind))
	}
}

func (p *progress) wait(reason string, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.show(fmt.Sprintf("trying again in %s: %s", pause.Round(100*time.Millisecond), reason))
}

func (p *progress) show(text string) {
	if p.out.Status(text) {
		p.last = time.Now()
	}
}

// done removes the line.
func (p *progress) done() {
	if !p.last.IsZero() {
		p.out.Clear()
	}
}
