package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"tracemigrate/cmd/tracemigrate/output"
)

// progress shows on a terminal how much was read, in one line that it removes at the end.
type progress struct {
	out  *output.Printer
	mu   sync.Mutex
	last time.Time
}

func newProgress(c *cli.Context) *progress { return &progress{out: stderrPrinter(c)} }

// read shows the number of resources of a kind that were read.
func (p *progress) read(kind string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.last) > 100*time.Millisecond {
		text := "reading " + kind
		if n > 0 {
			text += fmt.Sprintf(": %d", n)
		}
		p.show(text)
	}
}

// wait shows why a request failed, and when it is retried.
func (p *progress) wait(reason string, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.show(fmt.Sprintf("retrying in %s: %s", pause.Round(100*time.Millisecond), reason))
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
