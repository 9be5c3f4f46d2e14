package transport

import "time"

const second = int64(time.Second)

// pace holds one subscription to deliveriesPerSecond. It is the time, in
// nanoseconds since 1970, up to which what was let through has used up the rate; a
// second's worth may come at once. The zero value has let nothing through.
type pace int64

// take lets one response through, or tells how long it is until there is room for
// it.
func (p *pace) take(now, perSecond int64) (wait time.Duration) {
	each := int64(uint32(second) / uint32(perSecond)) // both fit, and 32 bits are divided sooner
	used := max(int64(*p), now)
	if used > now+2*second { // the clock was set back: what is given for now is late by less
		used = now + second
		*p = pace(used)
	}
	if over := used + each - now - second; over > 0 {
		return time.Duration(over)
	}
	*p = pace(used + each)
	return 0
}
