package sandbox

import "syscall"

const noReserve = syscall.MAP_NORESERVE
