"""Certificates: who proves himself how, and which gateway is not to be believed."""

import os

import certificates
import gateway
import godwit
from harness import case, require, require_equal

CERTIFICATE = {"auth": "cert", "psk-file": None, "cert-file": "/etc/godwit/laptop.pem",
               "key-file": "/etc/godwit/laptop.key", "ca-file": "/etc/godwit/ca.pem"}
HYBRID = {"auth": "hybrid", "psk-file": None, "ca-file": "/etc/godwit/ca.pem",
          "user": gateway.USER}
GATEWAY_CERTIFICATE = 28


def raise_signed(bench, connection, key="rsa", **options):
    """A lab whose gateway has a certificate of its authority; returns the authority."""
    made = {}

    def files(folder):
        made["authority"] = certificates.Authority(os.path.join(folder, "ca"), key=key)
        return made["authority"].gateway_files(key=key, **options)
    bench.raise_lab(connection, files=files)
    return made["authority"]


def signing(bench, authority, profile, key="rsa", believed=None, **options):
    """A client with a certificate of the authority."""
    client = bench.client(profile)
    certificate, secret = authority.issue("laptop", "DNS:laptop.example", key=key, **options)
    client.host.write("/etc/godwit/laptop.pem", certificate)
    client.host.write("/etc/godwit/laptop.key", secret, mode=0o600)
    client.host.write("/etc/godwit/ca.pem", (believed or authority).pem)
    client.before = client.host.snapshot()
    return client


def connects(bench, connection, profile, key="rsa"):
    authority = raise_signed(bench, connection, key)
    client = signing(bench, authority, profile, key)
    said = bench.connect(client).stdout
    require("CN=gateway" in said, f"connect does not name the certificate: {said}")
    bench.fetch(client)
    bench.disconnect(client)


def add_cases(key):
    @case(name=f"certificate_main_{key}")
    def _(bench):
        connects(bench, gateway.Connection("main", auth="pubkey"), CERTIFICATE, key)


for key_word in ("rsa", "p256", "p384", "p521"):
    add_cases(key_word)


@case
def certificate_aggressive(bench):
    connects(bench, gateway.Connection("aggressive", auth="pubkey", aggressive=True),
             {**CERTIFICATE, "mode": "aggressive", "ike": ["aes256-sha256-modp2048"]})


@case
def certificate_and_xauth(bench):
    connects(bench, gateway.Connection("main", auth="pubkey", xauth=True),
             {**CERTIFICATE, "auth": "xauth-cert", "user": gateway.USER})


@case
def hybrid_main(bench):
    connects(bench, gateway.Connection("main", auth="hybrid"), HYBRID)


@case
def hybrid_aggressive(bench):
    connects(bench, gateway.Connection("aggressive", auth="hybrid", aggressive=True),
             {**HYBRID, "mode": "aggressive", "ike": ["aes256-sha256-modp2048"],
              "id": gateway.GROUP, "id-type": "key-id"})


@case
def hybrid_with_a_wrong_password(bench):
    authority = raise_signed(bench, gateway.Connection("main", auth="hybrid"))
    client = signing(bench, authority, HYBRID)
    client.host.write("/etc/godwit/office.password", "guess\n", mode=0o600)
    bench.require_refused(client, godwit.USER_REJECTED, "password")


@case
def certificate_of_another_authority(bench):
    authority = raise_signed(bench, gateway.Connection("main", auth="hybrid"))
    other = certificates.Authority(os.path.join(bench.lab.folder, "other"), name="Another CA")
    client = signing(bench, authority, HYBRID, believed=other)
    bench.require_refused(client, GATEWAY_CERTIFICATE, "/etc/godwit/ca.pem", "CN=gateway")
    # The user's password must not leave for it.
    require_equal(bench.gateway.logged("XAuth authentication of"), 0, "XAuth attempts")


@case
def certificate_of_another_gateway(bench):
    authority = raise_signed(bench, gateway.Connection("main", auth="hybrid"),
                             names="DNS:gw.example")
    client = signing(bench, authority, HYBRID)
    bench.require_refused(client, GATEWAY_CERTIFICATE, "does not name 203.0.113.2", "remote-id")
    client.write_profile(**{"remote-id": gateway.GATEWAY_ID})
    client.before = client.host.snapshot()
    bench.connect(client)
    bench.disconnect(client)


@case
def certificate_that_expired(bench):
    authority = raise_signed(bench, gateway.Connection("main", auth="hybrid"),
                             dates=("-startdate", "20200101000000Z",
                                    "-enddate", "20210101000000Z"))
    client = signing(bench, authority, HYBRID)
    bench.require_refused(client, GATEWAY_CERTIFICATE, "has expired", "date")


@case
def certificate_that_was_revoked(bench):
    authority = raise_signed(bench, gateway.Connection("main", auth="hybrid"))
    client = signing(bench, authority, {**HYBRID, "crl-file": "/etc/godwit/ca.crl"})
    client.host.write("/etc/godwit/ca.crl", authority.revocation_list())
    client.before = client.host.snapshot()
    bench.connect(client)
    bench.disconnect(client)
    authority.revoke("gateway")
    client.host.write("/etc/godwit/ca.crl", authority.revocation_list())
    client.before = client.host.snapshot()
    bench.require_refused(client, GATEWAY_CERTIFICATE, "was revoked")


@case
def certificate_of_ours_unknown_to_the_gateway(bench):
    raise_signed(bench, gateway.Connection("main", auth="pubkey"))
    other = certificates.Authority(os.path.join(bench.lab.folder, "other"), name="Another CA")
    client = signing(bench, other, CERTIFICATE)
    bench.require_refused(client, (godwit.WE_ARE_REFUSED, godwit.NO_ANSWER_AFTER_FLOAT), "refused")


@case
def key_files_that_do_not_fit(bench):
    authority = raise_signed(bench, gateway.Connection("main", auth="pubkey"))
    client = signing(bench, authority, CERTIFICATE)
    for file, text, words in (
            ("laptop.key", authority.read("gateway.key"), "does not belong to the certificate"),
            ("laptop.key", "nothing\n", "holds no private key"),
            ("laptop.pem", "nothing\n", "holds no certificate"),
            ("ca.pem", "nothing\n", "holds no certificate")):
        before = client.host.read(f"/etc/godwit/{file}")
        client.host.write(f"/etc/godwit/{file}", text, mode=0o600)
        bench.before = client.before = client.host.snapshot()
        bench.require_refused(client, 7, words)
        client.host.write(f"/etc/godwit/{file}", before, mode=0o600)
