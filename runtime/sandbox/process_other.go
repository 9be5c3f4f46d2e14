//go:build !linux && !darwin

package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

var errNoLimits = errors.New("this system has no limits for child processes; compile in process")

func executable() (string, error) { return "", errNoLimits }

func childAttributes() *syscall.SysProcAttr { return nil }

func confine(childLimits) error { return errNoLimits }

func processorTime() time.Duration { return 0 }

func killGroup(p *os.Process) error { return p.Kill() }

func owned(fs.FileInfo) bool { return true }

func private(fs.FileInfo) bool { return true }

func links(fs.FileInfo) int { return 1 }

func tryLock(*os.File) bool { return false }
