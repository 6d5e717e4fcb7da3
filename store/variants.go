package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lede/audience/segment"
	"lede/compose"
)

// arguments are the parameters of a statement that is put together.
type arguments []any

// add appends a parameter and returns how the statement calls it.
func (a *arguments) add(v any) string {
	*a = append(*a, v)
	return "$" + strconv.Itoa(len(*a))
}

// clone returns arguments that may grow by themselves.
func (a arguments) clone() arguments { return slices.Clip(a) }

// mostValues is how many values the conditions of an edition may name: each is
// a parameter, of which neither engine takes more than some ten thousands.
const mostValues = 10_000

// variantOf is the expression for the number of the variant that a subscriber
// of table s gets at now. It is Split.Variant, told in SQL: an attribute has the
// text that it is stored with; what an import brought as a number, true or false
// has the text of JSON ("4.50", "true"); null, "" and none are the same.
func (s *Store) variantOf(split compose.Split, args *arguments, now time.Time) (string, error) {
	var terms []string
	stride, values := 1, 0
	for _, axis := range split.Axes {
		if axis.Segment != "" {
			e, err := segment.Parse(axis.Where)
			if err != nil {
				return "", fmt.Errorf("segment %s: %w", axis.Segment, err)
			}
			terms = append(terms, fmt.Sprintf("CASE WHEN %s THEN %d ELSE 0 END", s.meets(e, args, now), stride))
			stride *= 2
			continue
		}
		var whens strings.Builder
		for class, texts := range axis.Classes {
			for _, text := range texts {
				if text == "" || clean(text) != text {
					continue // no stored attribute has it
				}
				if values++; values > mostValues {
					return "", fmt.Errorf("the conditions by recipient name more than %d values", mostValues)
				}
				fmt.Fprintf(&whens, " WHEN %s THEN %d", args.add(text), stride*(class+1))
			}
		}
		if whens.Len() > 0 {
			terms = append(terms, "CASE "+s.dialect.attributeOf(args.add(s.dialect.attributeName(axis.Attribute)))+whens.String()+" ELSE 0 END")
		}
		stride *= len(axis.Classes) + 1
	}
	if len(terms) == 0 {
		return "0", nil
	}
	return strings.Join(terms, " + "), nil
}

// attributesOf are a person's, as the store keeps them. Imports write texts; any
// other JSON is the text that it is written as, and null is none.
type attributesOf map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (a *attributesOf) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	*a = make(attributesOf, len(members))
	for name, raw := range members {
		text := string(raw)
		if raw[0] == '"' {
			if err := json.Unmarshal(raw, &text); err != nil {
				return err
			}
		}
		if text != "null" || raw[0] == '"' {
			(*a)[name] = text
		}
	}
	return nil
}
