package audience

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// row makes a Row of a record's fields; the error is a reason to reject it.
func (c *columns) row(line int, fields []string) (Row, error) {
	cell := strings.TrimSpace(fields[c.email])
	if cell == "" {
		return Row{}, errors.New("has no address")
	}
	beside, cell := splitName(undefuse(cell))
	address, key, domain, err := ParseAddress(cell)
	if err != nil {
		return Row{}, fmt.Errorf("address %w", err)
	}
	row := Row{Line: line, Address: address, Key: key, Domain: domain}
	if c.isOwn() {
		c.own.record(&row, fields)
	} else {
		c.when.record(&row, fields)
	}
	if row.Name, err = CleanName(c.fullName(fields, beside)); err != nil {
		return Row{}, err
	}
	for _, x := range c.extra {
		value := cleanValue(fields[x.at])
		if value == "" {
			continue
		}
		if tooLong(value, maxValue) {
			return Row{}, fmt.Errorf("%q is longer than %d characters (--map ignore=… leaves a column out)", cut(c.heads[x.at], 60), maxValue)
		}
		if row.Attributes == nil {
			row.Attributes = make(map[string]string, len(c.extra))
		}
		row.Attributes[x.key] = value
	}
	if c.tags >= 0 {
		if row.Tags, err = splitTags(fields[c.tags]); err != nil {
			return Row{}, err
		}
	}
	for _, i := range c.packed {
		if err := c.unpack(&row, fields[i]); err != nil {
			return Row{}, fmt.Errorf("%q %w", cut(c.heads[i], 60), err)
		}
	}
	return row, nil
}

// unpack takes a JSON object's members as attributes, and its "tags" as tags.
// Members that are objects or lists themselves stay JSON.
func (c *columns) unpack(row *Row, cell string) error {
	cell = strings.TrimSpace(cell)
	if cell == "" || cell == "{}" || cell == "null" {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(cell), &members); err != nil {
		return errors.New("is not a JSON object")
	}
	if len(members) > maxColumns {
		return fmt.Errorf("has more than %d members", maxColumns)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if strings.EqualFold(name, "tags") {
			var tags []string
			if json.Unmarshal(members[name], &tags) == nil {
				for _, t := range tags {
					row.tag(cleanValue(cut(t, maxValue)))
				}
				continue
			}
		}
		key := attributeKey(name)
		value := cleanValue(jsonText(members[name]))
		if key == "" || value == "" || c.named[key] {
			continue
		}
		if tooLong(value, maxValue) {
			return fmt.Errorf("has a member %q longer than %d characters", cut(name, 60), maxValue)
		}
		if row.Attributes == nil {
			row.Attributes = make(map[string]string, len(members))
		}
		row.Attributes[key] = value
	}
	return nil
}

// jsonText writes a JSON value as a cell would hold it.
func jsonText(raw json.RawMessage) string {
	var s string
	switch {
	case string(raw) == "null":
		return ""
	case json.Unmarshal(raw, &s) == nil:
		return s
	}
	var flat bytes.Buffer
	if json.Compact(&flat, raw) != nil {
		return ""
	}
	return flat.String()
}

// tag adds a tag that the row doesn't have.
func (row *Row) tag(t string) {
	if t != "" && !slices.Contains(row.Tags, t) {
		row.Tags = append(row.Tags, t)
	}
}

// fullName joins a name from its columns; beside is the one that stood beside
// the address.
func (c *columns) fullName(fields []string, beside string) string {
	at := func(i int) string {
		if i < 0 {
			return ""
		}
		return undefuse(strings.TrimSpace(fields[i]))
	}
	name, first, last := at(c.name), at(c.first), at(c.last)
	switch {
	case name == "":
	case first != "" && last == "" && !strings.HasPrefix(strings.ToLower(name), strings.ToLower(first)):
		last = name // "Vorname", "Name"
	case first == "" && last != "" && !strings.HasSuffix(strings.ToLower(name), strings.ToLower(last)):
		first = name // "Name", "Last name"
	default:
		return name
	}
	if first == "" && last == "" {
		return beside
	}
	return strings.TrimSpace(first + " " + last)
}

// splitName parts "Ines Okafor <ines@example.org>". What has no name before the
// brackets comes back as it is.
func splitName(s string) (name, address string) {
	i := strings.LastIndexByte(s, '<')
	if i <= 0 || !strings.HasSuffix(s, ">") {
		return "", s
	}
	return strings.Trim(strings.TrimSpace(s[:i]), `"'`), s[i:]
}

// isAddress says whether a cell holds an address, with a name or without.
func isAddress(cell string) bool {
	_, cell = splitName(strings.TrimSpace(cell))
	_, _, _, err := ParseAddress(cell)
	return err == nil
}

// listedTags reads a list of tags as JSON writes it; false: it is none.
func listedTags(s string) ([]string, bool) {
	var listed []string
	if s[0] != '[' || tooLong(s, maxTagList) || json.Unmarshal([]byte(s), &listed) != nil {
		return nil, false
	}
	var row Row
	for _, t := range listed {
		row.tag(cleanValue(cut(t, maxValue)))
	}
	return row.Tags, true
}

// splitTags reads a list of tags: parted by commas or semicolons, quoted or not.
func splitTags(s string) ([]string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, nil
	}
	if tags, ok := listedTags(s); ok {
		return tags, nil
	}
	if tooLong(s, maxTags) {
		return nil, fmt.Errorf("has more than %d characters of tags", maxTags)
	}
	s = strings.Trim(s, "[]") // a list as JSON writes it
	r := csv.NewReader(strings.NewReader(strings.ReplaceAll(cleanValue(s), ";", ",")))
	r.LazyQuotes, r.TrimLeadingSpace = true, true
	parts, err := r.Read()
	if err != nil {
		return nil, errors.New("has tags that can't be read")
	}
	var tags []string
	for _, t := range parts {
		if t = strings.TrimSpace(t); t != "" && !slices.Contains(tags, t) {
			tags = append(tags, t)
		}
	}
	return tags, nil
}
