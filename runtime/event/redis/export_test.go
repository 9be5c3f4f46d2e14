package redis

import "github.com/runnel-dev/runnel/runtime/event"

// Limit sets how many bytes may wait, of all tenants.
func Limit(bus event.Bus, most int64) { bus.(*Bus).room.Most = most }
