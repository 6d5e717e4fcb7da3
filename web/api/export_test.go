package api

// Operations are all operations on resources as "METHOD path".
func Operations() []string {
	var all []string
	for _, r := range routes() {
		all = append(all, r.method+" "+r.path)
	}
	return all
}

// ScopeOf is the scope of an operation.
func ScopeOf(operation string) string {
	for _, r := range routes() {
		if r.method+" "+r.path == operation {
			return r.scope
		}
	}
	return ""
}
