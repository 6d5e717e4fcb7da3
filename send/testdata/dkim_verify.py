"""Verifies DKIM signatures with dkimpy, an implementation that is not ours.

Standard input: a line of JSON with the DNS records by name, then mails, each
as its length in decimal on a line and its bytes. Standard output: a line for
each mail with the verdict on each of its signatures, from the top down: ok, or
what is wrong.
"""

import json
import sys

import dkim


def main():
    stdin = sys.stdin.buffer
    records = json.loads(stdin.readline())

    def lookup(name, timeout=5):
        record = records.get(name.decode().rstrip("."))
        return record and record.encode()

    while line := stdin.readline():
        mail = stdin.read(int(line))
        verdicts = []
        d = dkim.DKIM(mail)
        signatures = [h for h in d.headers if h[0].lower() == b"dkim-signature"]
        for i in range(len(signatures)):
            try:
                verdict = "ok" if d.verify(idx=i, dnsfunc=lookup) else "wrong"
            except dkim.DKIMException as e:
                verdict = f"{type(e).__name__}: {e}".replace("\n", " ").replace(",", ";")
            verdicts.append(verdict)
        print(",".join(verdicts) or "unsigned")


main()
