package tenant

// RecordOf is the id of a revocation's record.
func RecordOf(r Revocation) string { return r.id() }
