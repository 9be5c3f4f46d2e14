package sandbox

import (
	"os"
	"syscall"
)

// executable returns the path of this program.
func executable() (string, error) { return os.Executable() }

// childAttributes puts a child into a process group of its own, which is killed
// as a whole.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// confineMemory does nothing: this system does not enforce such a limit. The
// child's own watch does.
func confineMemory(int64) error { return nil }
