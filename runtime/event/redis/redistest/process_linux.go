package redistest

import "syscall"

// processAttributes has a server end with the test, even where that is killed.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
