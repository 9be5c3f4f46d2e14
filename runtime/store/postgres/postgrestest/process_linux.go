package postgrestest

import "syscall"

// processAttributes has a server end with the test, even where that is killed.
func processAttributes(account *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: account, Pdeathsig: syscall.SIGQUIT}
}
