// Package api is the HTTP API for programs: tokens, which are known by their
// hash alone, operations on people, lists, segments, imports and editions, and
// the answers that are kept for requests that come twice. openapi.json is its
// description, to which tests hold it.
package api
