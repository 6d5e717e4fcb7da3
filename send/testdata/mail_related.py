"""Reads the parts of mails with Python's email package.

Standard input: mails, each as its length in decimal on a line and its bytes.
Standard output: a line of JSON for each mail: the types of all parts, as they
stand, the defects that the reader found, and each picture as its Content-ID,
its disposition and its bytes in base64.
"""

import base64
import email
import email.policy
import json
import sys


def main():
    stdin = sys.stdin.buffer
    while line := stdin.readline():
        mail = email.message_from_bytes(stdin.read(int(line)), policy=email.policy.default)
        parts = list(mail.walk())
        print(json.dumps({
            "types": [p.get_content_type() for p in parts],
            "defects": [repr(d) for p in parts for d in p.defects],
            "pictures": [
                [p["content-id"], p.get_content_disposition(), base64.b64encode(p.get_payload(decode=True)).decode()]
                for p in parts if p.get_content_maintype() == "image"
            ],
        }))


main()
