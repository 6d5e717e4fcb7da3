package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"lede/audience"
)

// Find returns people whose address or name holds a text, whatever its case, at
// most limit, whoever came first; of each the id, the address and the name. In
// names only the case of A to Z is passed over.
func (s *Store) Find(ctx context.Context, text string, limit int) ([]audience.Person, error) {
	pattern := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(clean(text))) + "%"
	var found []audience.Person
	err := s.read(ctx, func(tx *sql.Tx) (err error) {
		found, err = collect(ctx, tx, func(rows *sql.Rows) (audience.Person, error) {
			var p audience.Person
			return p, rows.Scan(&p.ID, &p.Address, &p.Name)
		}, `
			SELECT id, address, name FROM subscriber
			WHERE key LIKE $1 ESCAPE '\' OR lower(name) LIKE $1 ESCAPE '\'
			ORDER BY id LIMIT $2`, pattern, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for subscribers: %w", err)
	}
	return found, nil
}
