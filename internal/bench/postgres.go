package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lede/internal/pgtest"
)

// postgresServer is a PostgreSQL of our own that writes to the disk as a real
// one does, with a database for each number of readers, copied for each run.
type postgresServer struct {
	*ledes
	server *pgtest.Server
	filled map[int]bool
}

func (*postgresServer) name() string { return "postgres" }

// findPostgres notes whether there is one; it starts when it is needed.
func (l *ledes) findPostgres() {
	if pgtest.Installed() {
		l.postgres = &postgresServer{l, &pgtest.Server{Durable: true}, map[int]bool{}}
	}
}

// stop ends what was started.
func (l *ledes) stop() {
	if p, ok := l.postgres.(*postgresServer); ok {
		p.server.Remove()
	}
}

func (p *postgresServer) fresh(ctx context.Context, n int, _ string) (string, func() error, error) {
	if err := p.start(); err != nil {
		return "", nil, err
	}
	template, run := fmt.Sprintf("readers%d", n), fmt.Sprintf("run%d", p.runs)
	if !p.filled[n] {
		if _, err := p.server.Exec("postgres", "CREATE DATABASE "+template+" OWNER "+pgtest.User); err != nil {
			return "", nil, err
		}
		dir := filepath.Join(p.dir, "postgres-"+template)
		if err := p.fill(ctx, dir, p.server.Address(template), n); err != nil {
			return "", nil, err
		}
		// Housekeeping of what was imported is no part of a run.
		if _, err := p.server.Exec(template, "VACUUM ANALYZE"); err != nil {
			return "", nil, err
		}
		p.filled[n] = true
	}
	if _, err := p.server.Exec("postgres", fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s OWNER %s", run, template, pgtest.User)); err != nil {
		return "", nil, err
	}
	if _, err := p.server.Exec("postgres", "CHECKPOINT"); err != nil {
		return "", nil, err
	}
	remove := func() error {
		_, err := p.server.Exec("postgres", "DROP DATABASE "+run)
		return err
	}
	return p.server.Address(run), remove, nil
}

// start starts the server, with its files on the disk that is measured.
func (p *postgresServer) start() error {
	err := errors.Join(os.Setenv("TMPDIR", p.dir), os.Chmod(p.dir, 0o755)) // it runs as another user
	if err != nil {
		return err
	}
	return p.server.Start()
}
