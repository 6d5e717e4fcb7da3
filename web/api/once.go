package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// staleAfter is when a request that has no answer counts as killed: longer than
// any may take.
const staleAfter = 20 * time.Minute

// codeUnderWay is the code of a request that is being worked on.
const codeUnderWay = "under_way"

// KeepAnswersFor is how long an Idempotency-Key is known.
const KeepAnswersFor = 24 * time.Hour

// once does an operation. A POST with an Idempotency-Key
// (draft-ietf-httpapi-idempotency-key-header-07) is done once: the same again is
// answered as it was then.
func (a *API) once(c *call, op route) (Answer, error) {
	keys := c.r.Header.Values("Idempotency-Key")
	if op.method != http.MethodPost || len(keys) == 0 {
		r, err := op.do(c)
		if err != nil {
			return Answer{}, err
		}
		return answerOf(r, nil), nil
	}
	key := keys[0]
	if len(keys) > 1 || key == "" || len(key) > 255 || strings.Trim(key, visible) != "" {
		return Answer{}, wrong("Idempotency-Key", "expected one key of 1 to 255 visible ASCII characters")
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s", op.method, c.r.URL.RequestURI(), c.r.Header.Get("Content-Type"), c.hash))
	asked := Asked{Token: c.token.ID, Key: key, Hash: hex.EncodeToString(sum[:])}
	was, found, err := a.Answers.BeginAnswer(c.ctx, asked, c.now, c.now.Add(-staleAfter))
	switch {
	case errors.Is(err, ErrOtherRequest):
		return Answer{}, &problem{Status: http.StatusUnprocessableEntity, Code: "key", Field: "Idempotency-Key", Detail: ErrOtherRequest.Error()}
	case errors.Is(err, ErrUnderWay):
		return Answer{}, conflict(codeUnderWay, ErrUnderWay.Error())
	case err != nil || found:
		return was, err
	}
	ctx := context.WithoutCancel(c.ctx)
	kept := false
	defer func() {
		if !kept {
			if err := a.Answers.DropAnswer(ctx, asked); err != nil {
				a.Log.Error("api", "err", err)
			}
		}
	}()
	r, err := op.do(c)
	var p *problem
	if err != nil {
		if p = a.problemOf(err); p == nil {
			return Answer{}, err // tried again, it may work
		}
	}
	answer := answerOf(r, p)
	if err := a.Answers.KeepAnswer(ctx, asked, answer, r.about); err != nil {
		return Answer{}, err
	}
	kept = true
	return answer, nil
}

const visible = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
