package main

import "errors"

// tasks are goroutines that run as long as the server. It is for one goroutine.
type tasks struct {
	ended   chan error // what each ended with
	running int        // those whose end was not received yet
}

// maxTasks is how many there are at most: two fronts, the server's own, the demo.
const maxTasks = 4

func newTasks() *tasks { return &tasks{ended: make(chan error, maxTasks)} }

func (t *tasks) start(task func() error) {
	t.running++
	go func() { t.ended <- task() }()
}

// wait returns what the others end with, when all have.
func (t *tasks) wait() error {
	var err error
	for ; t.running > 0; t.running-- {
		err = errors.Join(err, <-t.ended)
	}
	return err
}
