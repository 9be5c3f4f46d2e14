package sandbox

const (
	architecture = 0xc00000b7 // AUDIT_ARCH_AARCH64
	callSeccomp  = 277
)

var forbiddenCalls = []uint32{
	198, 199, // socket, socketpair
	221, 281, // execve, execveat
	117, 270, 271, 438, // ptrace, process_vm_readv, process_vm_writev, pidfd_getfd
	425, // io_uring_setup, which makes sockets as well
}
