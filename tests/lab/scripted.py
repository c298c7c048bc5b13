"""A gateway of few words, for what strongSwan cannot play: one client, Main Mode with a pre-shared
key, aes256-sha256-modp2048 in both phases, and an office that answers every ping itself.
Without NAT traversal it speaks plain ESP (IP protocol 50), or ESP in UDP on a port of its own.

    scripted.py JSON    the keys of DEFAULTS below; logs one line for each step

In transport mode (RFC 3947 5.2) there is no office: what comes for UDP port 1701 goes back.

What the client offers comes back as it is, so a profile for it names one suite for each phase.
"""

import hashlib
import hmac
import json
import os
import select
import socket
import struct
import sys

import scripted_xauth

SA, KE, ID, HASH, NONCE, NOTIFY, VENDOR = 1, 4, 5, 8, 10, 11, 13
ATTRIBUTES = 14
MAIN, INFORMATIONAL, TRANSACTION, QUICK = 2, 5, 6, 32
ENCRYPTED = 1
LOAD_BALANCE = 40501
PRIME = int("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22"
            "514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6"
            "F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3D"
            "C2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB"
            "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E8603"
            "9B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
            "15728E5A8AACAA68FFFFFFFFFFFFFFFF", 16)  # RFC 3526 3

DIALECTS = ("RFC 3947", "draft-ietf-ipsec-nat-t-ike-03", "draft-ietf-ipsec-nat-t-ike-02\n",
            "draft-ietf-ipsec-nat-t-ike-02")
IP4_ADDRESS, UNITY_NATT_PORT = 1, 28677

DEFAULTS = {
    "psk": "",
    "address": "",
    "natt": "RFC 3947",  # the vendor ID is the MD5 of it (RFC 3947 3.1); empty: none
    "nat_d": 20,
    "mode": 3,           # of encapsulation
    "nat_oa": 0,         # payload number; not 0: transport mode
    "icv": 16,           # octets of HMAC-SHA2-256 behind an ESP packet
    "vendors": [],       # more vendor IDs, in hexadecimal
    "plain6": False,     # the sixth message of Main Mode in the clear
    "esp_port": 4500,    # 10000: as Cisco; 0: plain ESP
    "inner": "",         # the address that Mode Config gives
    "redirect": "",      # to another gateway, once phase 1 is done (Cisco's load balancing)
    "xauth": None,       # the arguments of scripted_xauth.Questions
    "silent_at": "",     # one of STEPS, from which on nothing is answered
    "refuses_at": "",    # one of STEPS, which is answered with this notify
    "notify": 0,
}
# What comes from the client, in order.
STEPS = ("main 1", "main 3", "main 5", "transaction", "quick 1")
UDP = 17
L2TP = 1701


def prf(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def aes(key, iv, data, encrypt):
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv))
    way = cipher.encryptor() if encrypt else cipher.decryptor()
    return way.update(data) + way.finalize()


def chain(payloads):
    """RFC 2408 3.2: the type of the first payload, and all of them behind each other."""
    kinds = [kind for kind, _ in payloads[1:]] + [0]
    return payloads[0][0], b"".join(struct.pack(">BBH", kind, 0, 4 + len(body)) + body
                                    for kind, (_, body) in zip(kinds, payloads))


def split(first, octets):
    found = []
    while first:
        following, _, length = struct.unpack_from(">BBH", octets)
        found.append((first, octets[4:length]))
        first, octets = following, octets[length:]
    return found


def bodies(payloads, kind):
    return [body for found, body in payloads if found == kind]


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return 0xffff - ((total & 0xffff) + (total >> 16))


def echo_reply(packet):
    """RFC 792: the answer to a ping, whoever was asked."""
    header = packet[:12] + packet[16:20] + packet[12:16]
    icmp = bytes(4) + packet[24:]
    return header + struct.pack(">BBH", 0, 0, checksum(icmp)) + icmp[4:]


def udp_checksum(source, target, datagram):
    """RFC 768; 0 for a datagram whose own checksum is right for these addresses."""
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack(
        ">HH", UDP, len(datagram))
    return checksum(pseudo + datagram + bytes(len(datagram) % 2))


def l2tp_end(address):
    """An ID of UDP port 1701 of one address."""
    return struct.pack(">BBH", 1, UDP, L2TP) + socket.inet_aton(address)


def original(address):
    """The body of NAT-OA."""
    return b"\1\0\0\0" + socket.inet_aton(address)


def step_of(first, exchange, flags):
    """The one of STEPS that a message of the client is; None for any other."""
    if exchange == MAIN and flags & ENCRYPTED:
        return "main 5"
    if exchange == MAIN:
        return "main 1" if first == SA else "main 3"
    return {TRANSACTION: "transaction", QUICK: "quick 1"}.get(exchange)


class Gateway:
    def __init__(self, options):
        self.options = options
        self.sockets = {}
        for port in {500, 4500, options["esp_port"]}:
            if port:
                self.sockets[port] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self.sockets[port].bind(("", port))
            else:
                self.sockets[port] = socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                                   socket.IPPROTO_ESP)
        self.port = 500     # we answer from here
        self.peer = None    # and there
        self.answers = {}   # a copy of a message gets the same answer
        self.cookies = b""
        self.child = None
        asks = options["xauth"]
        self.xauth = scripted_xauth.Questions(self, **asks) if asks else None
        self.question = b""  # waits for its answer
        self.transactions = {}

    @staticmethod
    def log(*words):
        print(*words, flush=True)

    def run(self):
        self.log("ready")
        while True:
            readable = select.select(list(self.sockets.values()), [], [], 3)[0]
            if not readable and self.question:
                self.send(self.question)
            for port, ready in self.sockets.items():
                if ready in readable:
                    data, source = ready.recvfrom(65535)
                    self.on_datagram(port, data, source)

    def on_datagram(self, port, data, source):
        if port == 500:
            return self.on_message(port, data, source)
        if port == 0:  # the IP header is in front
            data = data[4 * (data[0] & 15):]
        if data[:4] == bytes(4):
            return self.on_message(port, data[4:], source)
        if len(data) > 1:
            packet = self.open_esp(data)
            answer = packet and (self.echo_l2tp if self.options["nat_oa"] else echo_reply)(packet)
            if answer:
                if port == 4500:
                    self.peer = source
                if not self.child["heard"]:
                    self.log(f"ESP on port {port}")
                self.child["heard"] = True
                self.sockets[port].sendto(self.seal_esp(answer), source)
        else:
            self.log(f"keepalive on port {port}")
        return None

    def echo_l2tp(self, datagram):
        """The sums are those of the ends' own views (RFC 3948 3.1.2)."""
        source, target, length, _ = struct.unpack_from(">HHHH", datagram)
        if (source, target, length) != (L2TP, L2TP, len(datagram)):
            return self.log(f"UDP {source} to {target}, {length} octets of {len(datagram)}")
        if datagram[6:8] != bytes(2) and udp_checksum(*self.child["inner"], datagram):
            return self.log("wrong UDP checksum")
        datagram = datagram[:6] + bytes(2) + datagram[8:]
        ours = udp_checksum(self.options["address"], self.peer[0], datagram) or 0xffff
        return datagram[:6] + struct.pack(">H", ours) + datagram[8:]

    def send(self, message):
        marker = bytes(4) if self.port == 4500 else b""
        self.sockets[self.port].sendto(marker + message, self.peer)

    def on_message(self, port, message, source):
        self.port, self.peer = port, source
        first, _, exchange, flags, number = struct.unpack_from(">BBBBI", message, 16)
        step = step_of(first, exchange, flags)
        if step and step == self.options["silent_at"]:
            return self.log(f"silent at {step}")
        if step and step == self.options["refuses_at"]:
            self.log(f"refused at {step}")
            return self.refuse(message[:8], exchange)
        if message not in self.answers:
            body = message[28:]
            if exchange == MAIN and not flags & ENCRYPTED:
                payloads = split(first, body)
                answer = self.main1(message[:8], payloads) if first == SA else self.main3(payloads)
            elif exchange == MAIN:
                answer = self.main5(first, body)
            elif exchange == TRANSACTION and self.xauth:
                answer = self.question = self.transaction(number, first, body)
            elif exchange == TRANSACTION:
                answer = self.configure(number, first, body)
            elif exchange == QUICK:
                answer = self.quick(number, first, body)
            else:
                return None
            self.answers[message] = answer
            if exchange == MAIN and flags & ENCRYPTED and answer and self.xauth:
                self.send(answer)
                self.question = self.answers[message] = self.xauth.begin()
        if self.answers[message]:
            self.send(self.answers[message])
        if self.options["redirect"] and exchange == MAIN and flags & ENCRYPTED:
            self.redirect()
        return None

    def plain(self, exchange, payloads):
        first, octets = chain(payloads)
        return self.cookies + struct.pack(">BBBBII", first, 0x10, exchange, 0, 0,
                                          28 + len(octets)) + octets

    def sealed(self, exchange, number, payloads, iv):
        """The message, and the IV of the next one (RFC 2409 appendix B)."""
        first, octets = chain(payloads)
        octets = aes(self.key_e, iv, octets + bytes(-len(octets) % 16), True)
        return self.cookies + struct.pack(">BBBBII", first, 0x10, exchange, ENCRYPTED, number,
                                          28 + len(octets)) + octets, octets[-16:]

    def opened(self, first, body, iv):
        return split(first, aes(self.key_e, iv, body, False)), body[-16:]

    def main1(self, initiator, payloads):
        self.cookies = initiator + os.urandom(8)
        self.offer = bodies(payloads, SA)[0]
        if not self.options["natt"]:
            known = [hashlib.md5(name.encode()).digest() for name in DIALECTS]
            if any(vendor in known for vendor in bodies(payloads, VENDOR)):
                self.log("the client speaks of NAT traversal")
            return self.plain(MAIN, [(SA, self.offer)])
        vendor = hashlib.md5(self.options["natt"].encode()).digest()
        if vendor not in bodies(payloads, VENDOR):
            self.log("no common NAT traversal")
        others = [(VENDOR, bytes.fromhex(text)) for text in self.options["vendors"]]
        return self.plain(MAIN, [(SA, self.offer), (VENDOR, vendor), *others])

    def nat_d(self, address, port):
        return hashlib.sha256(self.cookies + socket.inet_aton(address) +
                              struct.pack(">H", port)).digest()

    def main3(self, payloads):
        options = self.options
        own, theirs = self.nat_d(options["address"], 500), self.nat_d(*self.peer)
        found = bodies(payloads, options["nat_d"])
        self.log(f"{len(found)} NAT-D, gateway {'plain' if found[:1] == [own] else 'natted'}, "
                 f"client {'plain' if theirs in found[1:] else 'natted'}")
        secret = int.from_bytes(os.urandom(40), "big")
        g_xi, g_xr = bodies(payloads, KE)[0], pow(2, secret, PRIME).to_bytes(256, "big")
        g_xy = pow(int.from_bytes(g_xi, "big"), secret, PRIME).to_bytes(256, "big")
        nonce_i, nonce_r = bodies(payloads, NONCE)[0], os.urandom(16)
        self.skeyid = prf(options["psk"].encode(), nonce_i, nonce_r)
        self.key_d = prf(self.skeyid, g_xy, self.cookies, b"\0")
        self.key_a = prf(self.skeyid, self.key_d, g_xy, self.cookies, b"\1")
        self.key_e = prf(self.skeyid, self.key_a, g_xy, self.cookies, b"\2")
        self.publics = g_xi, g_xr
        self.iv = hashlib.sha256(g_xi + g_xr).digest()[:16]
        answer = [(KE, g_xr), (NONCE, nonce_r)]
        if options["natt"]:
            answer += [(options["nat_d"], theirs), (options["nat_d"], own)]
        return self.plain(MAIN, answer)

    def main5(self, first, body):
        payloads, iv = self.opened(first, body, self.iv)
        g_xi, g_xr = self.publics
        name, proof = bodies(payloads, ID)[0], bodies(payloads, HASH)[0]
        if proof != prf(self.skeyid, g_xi, g_xr, self.cookies, self.offer, name):
            return self.log("another key")
        own = b"\1\0\0\0" + socket.inet_aton(self.options["address"])
        turned = self.cookies[8:] + self.cookies[:8]
        proof = prf(self.skeyid, g_xr, g_xi, turned, self.offer, own)
        if self.options["plain6"]:
            answer, self.iv = self.plain(MAIN, [(ID, own), (HASH, proof)]), iv
        else:
            answer, self.iv = self.sealed(MAIN, 0, [(ID, own), (HASH, proof)], iv)
        self.log(f"phase 1 on port {self.port}")
        return answer

    def configure(self, number, first, body):
        """Mode Config: an address, and the port of ESP when it was asked for."""
        message_id = struct.pack(">I", number)
        payloads, iv = self.opened(first, body,
                                   hashlib.sha256(self.iv + message_id).digest()[:16])
        asked = bodies(payloads, ATTRIBUTES)[0]
        reply = b"\2\0" + asked[2:4] + struct.pack(">HH", IP4_ADDRESS, 4) + socket.inet_aton(
            self.options["inner"])
        if struct.pack(">HH", UNITY_NATT_PORT, 0) in asked:
            self.log("asked for the port of ESP")
            reply += struct.pack(">HH", 0x8000 | UNITY_NATT_PORT, self.options["esp_port"])
        rest = [(ATTRIBUTES, reply)]
        proof = prf(self.key_a, message_id, chain(rest)[1])
        answer, _ = self.sealed(TRANSACTION, number, [(HASH, proof), *rest], iv)
        return answer

    def redirect(self):
        self.log(f"redirect to {self.options['redirect']}")
        self.inform(struct.pack(">IBBH", 1, 1, 0, LOAD_BALANCE) + socket.inet_aton(
            self.options["redirect"]))

    def refuse(self, initiator, exchange):
        """A notify: in the clear as long as there is no phase 1."""
        notify = struct.pack(">IBBH", 1, 1 if exchange == MAIN else 3, 0, self.options["notify"])
        if exchange == MAIN:
            self.cookies = self.cookies or initiator + bytes(8)
            self.send(self.plain(INFORMATIONAL, [(NOTIFY, notify)]))
        else:
            self.inform(notify)

    def inform(self, notify):
        number = struct.unpack(">I", os.urandom(4))[0] | 1
        message_id = struct.pack(">I", number)
        rest = [(NOTIFY, notify)]
        proof = prf(self.key_a, message_id, chain(rest)[1])
        message, _ = self.sealed(INFORMATIONAL, number, [(HASH, proof), *rest],
                                 hashlib.sha256(self.iv + message_id).digest()[:16])
        self.send(message)

    def transaction_message(self, number, body):
        """HDR*, HASH, ATTR of a new exchange."""
        message_id = struct.pack(">I", number)
        rest = [(ATTRIBUTES, body)]
        proof = prf(self.key_a, message_id, chain(rest)[1])
        iv = hashlib.sha256(self.iv + message_id).digest()[:16]
        message, self.transactions[number] = self.sealed(TRANSACTION, number,
                                                         [(HASH, proof), *rest], iv)
        return message

    def transaction(self, number, first, body):
        if number not in self.transactions:
            return None
        payloads, _ = self.opened(first, body, self.transactions[number])
        rest = [(kind, found) for kind, found in payloads if kind == ATTRIBUTES]
        if bodies(payloads, HASH) != [prf(self.key_a, struct.pack(">I", number), chain(rest)[1])]:
            return self.log("wrong HASH of a transaction")
        return self.xauth.on_message(rest[0][1])

    def quick(self, number, first, body):
        message_id = struct.pack(">I", number)
        if self.child and self.child["id"] == message_id:  # message 3
            payloads, _ = self.opened(first, body, self.child["iv"])
            good = bodies(payloads, HASH)[0] == prf(self.key_a, b"\0", message_id,
                                                    self.child["nonces"])
            return self.log("phase 2" if good else "wrong HASH(3)")
        payloads, iv = self.opened(first, body,
                                   hashlib.sha256(self.iv + message_id).digest()[:16])
        if bodies(payloads, HASH)[0] != prf(self.key_a, message_id, chain(payloads[1:])[1]):
            return self.log("wrong HASH(1)")
        offer, nonce_i = bodies(payloads, SA)[0], bodies(payloads, NONCE)[0]
        mode = struct.pack(">HH", 0x8004, self.options["mode"])
        if mode not in offer:
            return self.log("another encapsulation mode")
        # DOI, situation, header of the proposal: the SPI stands at 16.
        spi_in, spi_out, nonce_r = os.urandom(4), offer[16:20], os.urandom(16)
        rest = [(SA, offer[:16] + spi_in + offer[20:]), (NONCE, nonce_r), *self.ends(payloads)]
        proof = prf(self.key_a, message_id, nonce_i, chain(rest)[1])
        answer, iv = self.sealed(QUICK, number, [(HASH, proof), *rest], iv)
        self.child = {"id": message_id, "iv": iv, "nonces": nonce_i + nonce_r, "sequence": 0,
                      "heard": False, "spi": spi_out, "inner": self.inner,
                      "in": self.keymat(spi_in, nonce_i + nonce_r),
                      "out": self.keymat(spi_out, nonce_i + nonce_r)}
        return answer

    def ends(self, payloads):
        """IDci and IDcr, and in transport mode what both ends' addresses are from here."""
        names, nat_oa = bodies(payloads, ID), self.options["nat_oa"]
        self.inner = None
        if not nat_oa:
            return [(ID, name) for name in names]
        views = [socket.inet_ntoa(body[4:]) for body in bodies(payloads, nat_oa)]
        self.log(f"transport mode, original addresses {' '.join(views)}")
        good = [name[:4] == struct.pack(">BBH", 1, UDP, L2TP) for name in names]
        if good != [True, True]:
            self.log(f"other IDs: {names}")
        own, theirs = self.options["address"], self.peer[0]
        self.inner = views[0], views[1] if len(views) > 1 else own
        seen = (theirs, own) if len(views) > 1 else (own,)  # a draft: the sender's alone
        return [(ID, l2tp_end(theirs)), (ID, l2tp_end(own)),
                *((nat_oa, original(address)) for address in seen)]

    def keymat(self, spi, nonces):
        """RFC 2409 5.5: keys of AES-256 and HMAC-SHA-256."""
        seed = b"\3" + spi + nonces
        first = prf(self.key_d, seed)
        return first, prf(self.key_d, first, seed)

    def open_esp(self, packet):
        if not self.child:
            return None
        cipher, integrity = self.child["in"]
        size = self.options["icv"]
        if packet[-size:] != prf(integrity, packet[:-size])[:size]:
            return self.log("ESP that is not ours")
        plain = aes(cipher, packet[8:24], packet[24:-size], False)
        return plain[:-2 - plain[-2]]

    def seal_esp(self, inner):
        cipher, integrity = self.child["out"]
        self.child["sequence"] += 1
        size = -(len(inner) + 2) % 16
        kind = UDP if self.options["nat_oa"] else 4
        plain = inner + bytes(range(1, size + 1)) + bytes([size, kind])
        iv = os.urandom(16)
        packet = (self.child["spi"] + struct.pack(">I", self.child["sequence"]) + iv +
                  aes(cipher, iv, plain, True))
        return packet + prf(integrity, packet)[:self.options["icv"]]


if __name__ == "__main__":
    Gateway({**DEFAULTS, **json.loads(sys.argv[1])}).run()
