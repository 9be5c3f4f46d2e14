package redis

import (
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/runnel-dev/runnel/runtime/event"
)

// decode makes an event of a stream's entry: the fields channel and payload, and
// id where the publisher gave one. An event without has the entry's as its own.
func decode(tenant string, at id, m *redis.XMessage) (*event.Event, error) {
	channel, _ := m.Values["channel"].(string)
	payload, ok := m.Values["payload"].(string)
	if !ok {
		return nil, fmt.Errorf("the entry has no field payload")
	}
	given, named := m.Values["id"].(string)
	for field := range m.Values {
		if field != "channel" && field != "payload" && field != "id" {
			return nil, fmt.Errorf("the field %.40q is none of channel, payload, id", field)
		}
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

// size is what an event takes in memory, about.
func size(e *event.Event) int { return len(e.Payload) + len(e.Channel) + len(e.ID) + 200 }
