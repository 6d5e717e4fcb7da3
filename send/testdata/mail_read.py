"""Reads mails with Python's email package, a MIME reader that is not ours.

Standard input: mails, each as its length in decimal on a line and its bytes.
Standard output: a line of JSON for each mail with what was read: subject, to,
the names of the headers, the bodies, and the defects that the reader found.
"""

import email
import email.policy
import json
import sys


def main():
    stdin = sys.stdin.buffer
    while line := stdin.readline():
        mail = email.message_from_bytes(stdin.read(int(line)), policy=email.policy.default)
        to = mail["to"].addresses
        parts = list(mail.iter_parts())
        defects = [mail.defects, mail["to"].defects, mail["subject"].defects, *(p.defects for p in parts)]
        print(json.dumps({
            "subject": mail["subject"],
            "to": [[a.display_name, a.addr_spec] for a in to],
            "headers": mail.keys(),
            "types": [p.get_content_type() for p in parts],
            "bodies": [p.get_payload(decode=True).decode() for p in parts],
            "defects": [repr(d) for group in defects for d in group],
        }))


main()
