package auth

// Remembered is how many addresses are remembered for their wrong keys.
func (g *Guard) Remembered() int {
	g.failures.mu.Lock()
	defer g.failures.mu.Unlock()
	return len(g.failures.byName)
}

// Idle waits until nothing watches a key for holds any more.
func (g *Guard) Idle() { g.held.watching.Wait() }
