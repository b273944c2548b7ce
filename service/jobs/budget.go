package jobs

// Budget knows how many backends work with a principal of Azure, whose calls Azure limits together, in all workers.
type Budget interface {
	// Join says that one more backend works with a principal, until leave is called or the process has ended. Changed is
	// called with how many there are, this one included: before Join returns, and whenever that changes; one call at a
	// time, and none behind leave. It is a hint: who joins at the same moment somewhere else, or died just now, is counted
	// a moment later.
	Join(principal string, changed func(n int)) (leave func())
}
