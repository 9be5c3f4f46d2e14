package abi

// WASIModuleName is the import module of WASI preview 1, which modules for
// wasm32-wasip1 import.
const WASIModuleName = "wasi_snapshot_preview1"

// WASIImport is the signature of one function of WASI preview 1.
type WASIImport struct {
	Name string
	// Params holds a letter for each parameter: i for i32, I for i64.
	Params string
	// Results is 1 where an errno is returned, an i32, and 0 for proc_exit.
	Results int
}

var wasiImports = [...]WASIImport{
	{"args_get", "ii", 1},
	{"args_sizes_get", "ii", 1},
	{"environ_get", "ii", 1},
	{"environ_sizes_get", "ii", 1},
	{"clock_res_get", "ii", 1},
	{"clock_time_get", "iIi", 1},
	{"fd_advise", "iIIi", 1},
	{"fd_allocate", "iII", 1},
	{"fd_close", "i", 1},
	{"fd_datasync", "i", 1},
	{"fd_fdstat_get", "ii", 1},
	{"fd_fdstat_set_flags", "ii", 1},
	{"fd_fdstat_set_rights", "iII", 1},
	{"fd_filestat_get", "ii", 1},
	{"fd_filestat_set_size", "iI", 1},
	{"fd_filestat_set_times", "iIIi", 1},
	{"fd_pread", "iiiIi", 1},
	{"fd_prestat_get", "ii", 1},
	{"fd_prestat_dir_name", "iii", 1},
	{"fd_pwrite", "iiiIi", 1},
	{"fd_read", "iiii", 1},
	{"fd_readdir", "iiiIi", 1},
	{"fd_renumber", "ii", 1},
	{"fd_seek", "iIii", 1},
	{"fd_sync", "i", 1},
	{"fd_tell", "ii", 1},
	{"fd_write", "iiii", 1},
	{"path_create_directory", "iii", 1},
	{"path_filestat_get", "iiiii", 1},
	{"path_filestat_set_times", "iiiiIIi", 1},
	{"path_link", "iiiiiii", 1},
	{"path_open", "iiiiiIIii", 1},
	{"path_readlink", "iiiiii", 1},
	{"path_remove_directory", "iii", 1},
	{"path_rename", "iiiiii", 1},
	{"path_symlink", "iiiii", 1},
	{"path_unlink_file", "iii", 1},
	{"poll_oneoff", "iiii", 1},
	{"proc_exit", "i", 0},
	{"proc_raise", "i", 1},
	{"sched_yield", "", 1},
	{"random_get", "ii", 1},
	{"sock_accept", "iii", 1},
	{"sock_recv", "iiiiii", 1},
	{"sock_send", "iiiii", 1},
	{"sock_shutdown", "ii", 1},
}

// WASIImports returns the functions of WASI preview 1 in the order of its
// specification. The caller owns the slice.
func WASIImports() []WASIImport { return append([]WASIImport(nil), wasiImports[:]...) }

// LookupWASIImport returns the function of that name.
func LookupWASIImport(name string) (WASIImport, bool) {
	for _, i := range wasiImports {
		if i.Name == name {
			return i, true
		}
	}
	return WASIImport{}, false
}
