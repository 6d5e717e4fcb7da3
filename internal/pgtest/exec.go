package pgtest

// Exec is SQL for programs that are no test: it returns what goes wrong.
func (s *Server) Exec(database, statements string) (string, error) {
	return s.psql(database, statements)
}

// Installed says whether there is a PostgreSQL that Start can start.
func Installed() bool {
	_, err := programs()
	return err == nil
}
