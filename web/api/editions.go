package api

import (
	"net/http"
	"slices"

	"lede/newsroom"
)

// listEditions answers the newest editions, counted.
func listEditions(c *call) (reply, error) {
	newsletter := c.query.Get("newsletter")
	if newsletter != "" && !slices.ContainsFunc(c.Newsletters, func(n Newsletter) bool { return n.ID == newsletter }) {
		return reply{}, wrong("newsletter", "there is no such newsletter")
	}
	most, err := c.limit()
	if err != nil {
		return reply{}, err
	}
	reports, err := c.Reports.Reports(c.ctx, newsletter, most)
	if err != nil {
		return reply{}, err
	}
	if reports == nil {
		reports = []newsroom.Report{}
	}
	return reply{status: http.StatusOK, body: page{Data: reports}}, nil
}

func getEdition(c *call) (reply, error) {
	id := c.r.PathValue("id")
	report, err := c.Reports.Report(c.ctx, id)
	if err == nil && report.Edition != id { // a part of an id is for people
		err = newsroom.ErrNotFound
	}
	return reply{status: http.StatusOK, body: report}, err
}
