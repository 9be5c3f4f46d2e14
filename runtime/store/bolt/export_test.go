package bolt

// Bound has every commit fail that would make the file larger than this.
func (s *Store) Bound(bytes int) { s.db.MaxSize = bytes }
