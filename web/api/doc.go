// Package api is what the API for programs is about: its tokens, which are
// known by their hash alone, the answers that are kept for requests that come
// twice, and what it asks of a store.
package api
