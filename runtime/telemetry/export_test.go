package telemetry

// Remembered is how many tenants the metrics remember.
func (m *Metrics) Remembered() int {
	m.reader.mu.Lock()
	defer m.reader.mu.Unlock()
	return len(m.reader.mu.last)
}
