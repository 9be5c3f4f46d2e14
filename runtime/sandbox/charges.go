package sandbox

// What the host does for a run beside its fuel, in units of fuel, as Pace.Charge is
// told. BenchmarkCharges holds each against what the work takes.
const (
	instanceUnits     = 80_000    // an instance that is made, and closed some time
	partUnits         = 300       // an element, a segment, a global, an import or an export of its module
	touchedByteUnits  = 1         // a byte of its memory, whose pages the system makes when they are written first
	snapshotByteUnits = 1         // a byte of the memory that a pool's image is made of
	resetBytesPerUnit = 8         // of the memory that is put back after a run
	codeUnits         = 1_000_000 // code that is brought back from the disk
	codeByteUnits     = 4         // a byte that it takes in memory
)

// chargeTo tells a pace, where there is one.
func chargeTo(pace Pace, units int64) {
	if pace != nil {
		pace.Charge(units)
	}
}
