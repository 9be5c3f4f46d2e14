// Package abi names everything that a guest module and the host agree on: the
// imports of runnel_v1, input kinds, verdicts, log levels and the stable error
// codes. docs/abi.md says what each of them means.
//
// The values are frozen: a module that was built against runnel_v1 works with
// every later server. The package has no dependencies and no state.
package abi

import "strings"

const (
	// ModuleName is the import module that holds all host functions.
	ModuleName = "runnel_v1"
	// SchemaSection is the custom section that holds a module's GraphQL SDL.
	SchemaSection = "runnel.schema"
	// MemoryExport is the export name of the memory that host calls refer to.
	MemoryExport = "memory"
	// InitializeExport is run once per image, before the first run.
	InitializeExport = "_initialize"
	// ReservedPrefix begins every name that the host adds to a module or to a
	// schema. Guest imports, exports and type names that begin with it are
	// refused.
	ReservedPrefix = "_runnel"
	// MaxNameBytes bounds the names of arguments, claims and permissions that a
	// guest can ask for: a longer one is absent.
	MaxNameBytes = 1024
	// ErrorMember marks an element of a batch's output that is an error.
	ErrorMember = "@error"
)

// Names of the host functions, all imported from ModuleName.
const (
	ImportInput     = "input"
	ImportArgument  = "argument"
	ImportClaim     = "claim"
	ImportPermitted = "permitted"
	ImportOutput    = "output"
	ImportFail      = "fail"
	ImportPublish   = "publish"
	ImportLog       = "log"
)

// Import is the signature of one host function. All parameters and results of
// runnel_v1 are i32, so counts say everything.
type Import struct {
	Name    string
	Params  int
	Results int
}

var imports = [...]Import{
	{ImportInput, 3, 1},
	{ImportArgument, 4, 1},
	{ImportClaim, 4, 1},
	{ImportPermitted, 2, 1},
	{ImportOutput, 2, 0},
	{ImportFail, 2, 0},
	{ImportPublish, 4, 1},
	{ImportLog, 3, 0},
}

// Imports returns the host functions in the order of docs/abi.md. The caller
// owns the slice.
func Imports() []Import { return append([]Import(nil), imports[:]...) }

// LookupImport returns the host function of that name.
func LookupImport(name string) (Import, bool) {
	for _, i := range imports {
		if i.Name == name {
			return i, true
		}
	}
	return Import{}, false
}

// Kind selects what the input function reads.
type Kind int32

// The kinds of input.
const (
	InputEvent     Kind = 0 // the event's payload
	InputArguments Kind = 1 // all arguments of the field, as one object
	InputMeta      Kind = 2 // {id, channel, time}
	InputParents   Kind = 3 // the parents of a batch, as an array
	InputConfig    Kind = 4 // the module's config
)

var kindNames = [...]string{"event", "arguments", "meta", "parents", "config"}

// String returns the kind's name as docs and test vectors spell it, or
// "unknown".
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "unknown"
	}
	return kindNames[k]
}

// Verdict is what a resolver returns.
type Verdict int32

// The verdicts. Any other value is bad output.
const (
	Skip     Verdict = 0
	Deliver  Verdict = 1
	Failed   Verdict = 2
	Complete Verdict = 3
)

// Absent is what a read returns where there is no such thing.
const Absent int32 = -1

// What publish returns.
const (
	PublishTaken     int32 = 0
	PublishOverLimit int32 = 1
	PublishRefused   int32 = 2 // bad channel or bad JSON
)

// LogLevel is the severity of a line in a module's log.
type LogLevel int32

// The log levels. A level outside them is taken as the nearest.
const (
	LogDebug LogLevel = 0
	LogInfo  LogLevel = 1
	LogWarn  LogLevel = 2
	LogError LogLevel = 3
)

// String gives the level's name; those outside are named as the nearest.
func (l LogLevel) String() string {
	return [...]string{"debug", "info", "warn", "error"}[min(max(l, LogDebug), LogError)]
}

// Code is a stable error code, found as extensions.code in GraphQL errors and
// as code in problem+json bodies.
type Code string

// The error codes.
const (
	CodeParseFailed       Code = "GRAPHQL_PARSE_FAILED"
	CodeValidationFailed  Code = "GRAPHQL_VALIDATION_FAILED"
	CodeBadUserInput      Code = "BAD_USER_INPUT"
	CodeUnauthenticated   Code = "UNAUTHENTICATED"
	CodeForbidden         Code = "FORBIDDEN"
	CodeFuelExhausted     Code = "FUEL_EXHAUSTED"
	CodeMemoryLimit       Code = "MEMORY_LIMIT"
	CodeResolverTrap      Code = "RESOLVER_TRAP"
	CodeResolverError     Code = "RESOLVER_ERROR"
	CodeBadOutput         Code = "BAD_OUTPUT"
	CodeLimitExceeded     Code = "LIMIT_EXCEEDED"
	CodeModuleQuarantined Code = "MODULE_QUARANTINED"
	CodeGap               Code = "GAP"
	CodeInternal          Code = "INTERNAL"
)

// Codes returns all codes. The caller owns the slice.
func Codes() []Code {
	return []Code{
		CodeParseFailed, CodeValidationFailed, CodeBadUserInput, CodeUnauthenticated, CodeForbidden,
		CodeFuelExhausted, CodeMemoryLimit, CodeResolverTrap, CodeResolverError, CodeBadOutput,
		CodeLimitExceeded, CodeModuleQuarantined, CodeGap, CodeInternal,
	}
}

// SplitResolver splits the export name of a resolver, "Type.field", into its
// two GraphQL names. ok is false for every other string: such an export is the
// guest's own and never called.
func SplitResolver(export string) (typeName, field string, ok bool) {
	typeName, field, ok = strings.Cut(export, ".")
	if !ok || !isName(typeName) || !isName(field) {
		return "", "", false
	}
	return typeName, field, true
}

// isName reports whether s is a Name of the GraphQL specification, section 2.1.9.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// ValidChannel reports whether s names a channel: 1 to 200 of the characters
// A-Z a-z 0-9 _ . : -
func ValidChannel(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '_', c == '.', c == ':', c == '-':
		default:
			return false
		}
	}
	return 1 <= len(s) && len(s) <= 200
}
