package sandbox

// Idle returns how many instances wait for a run.
func (p *Pool) Idle() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.mu.idle)
}
