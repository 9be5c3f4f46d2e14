package redis

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
)

// decode makes an event of a stream's entry: the fields channel and payload, and
// id where the publisher gave one. An event without has the entry's as its own.
func decode(tenant string, at id, m *redis.XMessage) (*event.Event, error) {
	channel, ok := m.Values["channel"].(string)
	fields := 1 // that are known
	if ok {
		fields++
	}
	payload, ok := m.Values["payload"].(string)
	if !ok {
		return nil, errors.New("the entry has no field payload")
	}
	given, named := m.Values["id"].(string)
	if named {
		fields++
	}
	if len(m.Values) > fields {
		return nil, unknownField(m.Values)
	}
	e := &event.Event{
		Tenant: tenant, Channel: channel, ID: given, Payload: []byte(payload),
		Time: time.UnixMilli(int64(at.ms)).UTC(), Position: at.position(),
	}
	if !named || given == "" {
		e.ID = m.ID
	}
	if err := event.Check(e.Channel, e.ID, e.Payload); err != nil {
		return nil, err
	}
	return e, nil
}

func unknownField(values map[string]any) error {
	for _, field := range slices.Sorted(maps.Keys(values)) {
		if field != "channel" && field != "payload" && field != "id" {
			return fmt.Errorf("the field %.40q is none of channel, payload, id", field)
		}
	}
	return errors.New("the entry has a field that is no text")
}
