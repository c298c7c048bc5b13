"""XAuth on the side of the scripted gateway (draft-beaulieu-ike-xauth-02): questions one after the
other, and the verdict. A question is

    {"ask": {ATTRIBUTE: text, ...}, "want": {ATTRIBUTE: WANTED, ...}, "type": N}

with the names of ATTRIBUTES below; WANTED is the text itself, {"chap": password}, or
{"totp": base32, "period": N, "before": text} for a code that was not given before, behind a text.
"""

import base64
import hashlib
import hmac
import os
import struct
import time

ATTRIBUTES = {"type": 16520, "name": 16521, "password": 16522, "passcode": 16523,
              "message": 16524, "challenge": 16525, "domain": 16526, "status": 16527,
              "next-pin": 16528, "answer": 16529}
NAMES = {number: name for name, number in ATTRIBUTES.items()}
BASIC = 0x8000
REQUEST, REPLY, SET, ACK = 1, 2, 3, 4


def encoded(kind, identifier, attributes):
    """dukes-ike-mode-cfg-02 3.2."""
    body = struct.pack(">BBH", kind, 0, identifier)
    for name, value in attributes.items():
        if isinstance(value, int):
            body += struct.pack(">HH", BASIC | ATTRIBUTES[name], value)
        else:
            octets = value.encode("latin-1")
            body += struct.pack(">HH", ATTRIBUTES[name], len(octets)) + octets
    return body


def decoded(body):
    """The kind of message and what it holds."""
    kind, found, rest = body[0], {}, body[4:]
    while len(rest) >= 4:
        number, value = struct.unpack_from(">HH", rest)
        if number & BASIC:
            found[NAMES.get(number & 0x7fff)], rest = value, rest[4:]
        else:
            found[NAMES.get(number)], rest = rest[4:4 + value], rest[4 + value:]
    return kind, found


def totp(secret, step):
    """RFC 6238 with its defaults: SHA-1, six digits."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack_from('>I', digest, at)[0] & 0x7fffffff) % 1000000:06}"


class Questions:
    def __init__(self, gateway, questions, tries=1, verdict=""):
        self.gateway, self.questions, self.tries = gateway, questions, tries
        self.verdict = verdict
        self.used = set()  # codes that were given

    def begin(self):
        self.at, self.wrong, self.identifier = 0, 0, os.urandom(1)[0]
        return self.ask()

    def say(self, kind, attributes):
        number = int.from_bytes(os.urandom(4), "big") | 1
        self.open = True
        return self.gateway.transaction_message(number, encoded(kind, self.identifier, attributes))

    def ask(self):
        if not self.questions:  # no honest gateway is content so soon
            return self.end(True)
        question = self.questions[self.at]
        typed = {"type": question["type"]} if "type" in question else {}
        return self.say(REQUEST, {**typed, **question["ask"]})

    def end(self, good):
        self.gateway.log("user", "accepted" if good else "refused")
        text = {"message": self.verdict} if self.verdict else {}
        return self.say(SET, {"status": int(good), **text})

    def on_message(self, body):
        kind, found = decoded(body)
        if kind == ACK:
            self.open = False
        if kind != REPLY:
            return None
        question = self.questions[self.at]
        good = "status" not in found and found.get("type") == question.get("type") and all(
            self.is_right(found.get(name, b""), wanted, question)
            for name, wanted in question["want"].items())
        self.gateway.log("answer", self.at + 1, "right" if good else "wrong")
        if good and self.at + 1 == len(self.questions):
            return self.end(True)
        if good:
            self.at += 1
            return self.ask()
        self.wrong += 1
        return self.ask() if self.wrong < self.tries else self.end(False)

    def is_right(self, value, wanted, question):
        if isinstance(wanted, str):
            return value == wanted.encode()
        if "chap" in wanted:  # example A-8
            secret = wanted["chap"].encode() + question["ask"]["challenge"].encode("latin-1")
            return value[1:] == hashlib.md5(value[:1] + secret).digest()
        if value in self.used:
            self.gateway.log("a code twice")
            return False
        self.used.add(value)
        step = int(time.time()) // wanted.get("period", 30)
        return value in [(wanted.get("before", "") + totp(wanted["totp"], near)).encode()
                         for near in (step - 1, step, step + 1)]
