//go:build !linux

package bench

import "time"

var started = time.Now()

// ProcessorTime returns the time that has passed: good on an idle machine.
func ProcessorTime() time.Duration { return time.Since(started) }
