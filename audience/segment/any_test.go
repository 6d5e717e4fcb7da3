package segment

import "pgregory.net/rapid"

// Any generates expressions as the parser makes them: chains are flat.
func Any(depth int) *rapid.Generator[Expr] {
	return rapid.Custom(func(t *rapid.T) Expr {
		if depth == 0 || rapid.IntRange(0, 2).Draw(t, "leaf") == 0 {
			return anyCondition().Draw(t, "condition")
		}
		switch rapid.IntRange(0, 2).Draw(t, "joint") {
		case 0:
			return Not{Any(depth-1).Draw(t, "term")}
		case 1:
			var flat []Expr
			for _, e := range rapid.SliceOfN(Any(depth-1), 2, 4).Draw(t, "terms") {
				if and, ok := e.(And); ok {
					flat = append(flat, and.Terms...)
				} else {
					flat = append(flat, e)
				}
			}
			return And{flat}
		}
		var flat []Expr
		for _, e := range rapid.SliceOfN(Any(depth-1), 2, 4).Draw(t, "terms") {
			if or, ok := e.(Or); ok {
				flat = append(flat, or.Terms...)
			} else {
				flat = append(flat, e)
			}
		}
		return Or{flat}
	})
}

func anyCondition() *rapid.Generator[Expr] {
	texts := rapid.SliceOfN(rapid.StringMatching(`[a-zA-Z"\\' äÖ%_&<.-]{0,6}`), 1, 3)
	attribute := rapid.SampledFrom([]string{"plan", "country", "home port", "list", "größe", "today", "n1-a"})
	return rapid.Custom(func(t *rapid.T) Expr {
		field := Field{Attribute, attribute.Draw(t, "attribute")}
		if kind := rapid.SampledFrom([]FieldKind{Attribute, Email, Domain, Name, Consent, Zone}).Draw(t, "kind"); kind != Attribute {
			field = Field{Kind: kind}
		}
		switch rapid.IntRange(0, 8).Draw(t, "condition") {
		case 0:
			op := rapid.SampledFrom([]TextOp{Equals, Contains, StartsWith, EndsWith}).Draw(t, "op")
			if field.Kind == Zone {
				op = Equals
			}
			return Text{field, op, texts.Draw(t, "values")}
		case 1:
			return Number{attribute.Draw(t, "attribute"), rapid.SampledFrom([]Comparison{Equal, Less, AtMost, Greater, AtLeast}).Draw(t, "op"), rapid.StringMatching(`-?[0-9]{1,8}(\.[0-9]{1,7})?`).Draw(t, "number")}
		case 2:
			if field.Kind != Attribute {
				field = Field{Kind: rapid.SampledFrom([]FieldKind{Subscribed, Mailed}).Draw(t, "date")}
			}
			op := rapid.SampledFrom([]DateOp{Before, Since, After, Until, On, Last, Next}).Draw(t, "op")
			n, unit := rapid.IntRange(0, 400).Draw(t, "offset"), rapid.SampledFrom([]string{"day", "week", "month", "year"}).Draw(t, "unit")
			switch op {
			case Last:
				return Date{field, op, Day{Offset: -1 - n, Unit: unit}}
			case Next:
				return Date{field, op, Day{Offset: 1 + n, Unit: unit}}
			}
			if rapid.Bool().Draw(t, "absolute") {
				return Date{field, op, Day{Date: rapid.SampledFrom([]string{"2027-03-01", "2024-02-29", "1999-12-31"}).Draw(t, "day")}}
			}
			if rapid.Bool().Draw(t, "past") {
				n = -n
			}
			return Date{field, op, counted(n, unit)}
		case 3:
			return Set{field}
		case 4:
			return Tag{texts.Draw(t, "tags")}
		case 5:
			return List{texts.Draw(t, "lists"), rapid.SampledFrom(states).Draw(t, "state")}
		case 6:
			return Language{rapid.SliceOfN(rapid.SampledFrom([]string{"de", "pt-BR", "zh-Hant-TW"}), 1, 2).Draw(t, "languages")}
		case 7:
			return Left{texts.Draw(t, "newsletters")}
		}
		return Suppressed{}
	})
}
