"""Keys that are elsewhere than in a plain file, and gateways that are known by their keys."""

import os

import certificates
import gateway
from cases_certificates import CERTIFICATE, GATEWAY_CERTIFICATE, HYBRID, raise_signed, signing
from harness import Skipped, case, require, require_equal

SECRET = 7
PASSPHRASE = "sesame"
PIN = "4711"
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
MAIN_SIGNED = gateway.Connection("main", auth="pubkey")
MAIN_HYBRID = gateway.Connection("main", auth="hybrid")


def again(client):
    client.before = client.host.snapshot()


def passes(bench, client):
    """A whole life: connect, a file, disconnect."""
    said = bench.connect(client).stdout
    bench.fetch(client)
    bench.disconnect(client)
    return said


@case
def key_with_a_passphrase(bench):
    authority = raise_signed(bench, MAIN_SIGNED)
    client = signing(bench, authority, {**CERTIFICATE, "key-passphrase-file": "/etc/godwit/phrase"})
    client.host.write("/etc/godwit/laptop.key", authority.lock("laptop", PASSPHRASE), mode=0o600)
    client.host.write("/etc/godwit/phrase", "guess\n", mode=0o600)
    again(client)
    bench.require_refused(client, SECRET, "the passphrase does not open /etc/godwit/laptop.key")
    client.host.write("/etc/godwit/phrase", PASSPHRASE + "\n", mode=0o600)
    again(client)
    passes(bench, client)


def add_pkcs12(name, *options):
    @case(name=name)
    def _(bench):
        authority = raise_signed(bench, MAIN_SIGNED)
        client = signing(bench, authority, {
            **CERTIFICATE, "cert-file": "/etc/godwit/laptop.p12", "key-file": None,
            "ca-file": "/etc/godwit/laptop.p12", "key-passphrase-file": "/etc/godwit/phrase"})
        path = authority.pkcs12("laptop", PASSPHRASE, *options)
        client.host.sh(f"install -m 600 {path} /etc/godwit/laptop.p12")
        client.host.write("/etc/godwit/phrase", PASSPHRASE + "\n", mode=0o600)
        again(client)
        passes(bench, client)
        client.host.write("/etc/godwit/phrase", "guess\n", mode=0o600)
        again(client)
        bench.require_refused(client, SECRET, "does not open /etc/godwit/laptop.p12")


add_pkcs12("certificate_in_pkcs12")
add_pkcs12("certificate_in_old_pkcs12", "-legacy", "-certpbe", "PBE-SHA1-RC2-40")


def add_token(key):
    @case(name=f"certificate_on_token_{key}")
    def _(bench):
        if not os.path.exists(SOFTHSM):
            raise Skipped("softhsm2 is not installed")
        authority = raise_signed(bench, MAIN_SIGNED, key)
        client = signing(bench, authority, {
            **CERTIFICATE, "cert-file": "pkcs11:token=godwit;object=laptop", "key-file": None,
            "pkcs11-module": SOFTHSM, "key-passphrase-file": "/etc/godwit/pin"}, key)
        host = client.host
        host.write("/etc/softhsm/softhsm2.conf", "directories.tokendir = /etc/softhsm/tokens\n")
        host.sh("mkdir -p /etc/softhsm/tokens && softhsm2-util --init-token --free --label godwit "
                f"--so-pin 12345678 --pin {PIN}")
        for kind in ("privkey", "certificate"):
            file = authority.path("laptop.key" if kind == "privkey" else "laptop.pem")
            host.sh(f"p11tool --provider {SOFTHSM} --login --set-pin {PIN} --write --id 01 "
                    f"--label laptop --load-{kind} {file} pkcs11:token=godwit")
        host.sh("rm -f /etc/godwit/laptop.key /etc/godwit/laptop.pem")
        host.write("/etc/godwit/pin", "0815\n", mode=0o600)
        again(client)
        bench.require_refused(client, SECRET, "the token refuses the PIN")
        host.write("/etc/godwit/pin", PIN + "\n", mode=0o600)
        again(client)
        require("CN=gateway" in passes(bench, client), "connect does not name the gateway")


for key_word in ("rsa", "p256"):
    add_token(key_word)


@case
def token_signs_again_for_a_new_phase_1(bench):
    """The PIN is asked for once; a new phase 1 signs on the token all the same."""
    if not os.path.exists(SOFTHSM):
        raise Skipped("softhsm2 is not installed")
    authority = raise_signed(bench, MAIN_SIGNED)
    client = signing(bench, authority, {
        **CERTIFICATE, "key-file": "pkcs11:token=godwit;id=%01;type=private",
        "pkcs11-module": SOFTHSM, "key-passphrase-file": "/etc/godwit/pin", "dpd-delay": "2s",
        "dpd-attempts": 2})
    host = client.host
    host.write("/etc/softhsm/softhsm2.conf", "directories.tokendir = /etc/softhsm/tokens\n")
    host.sh("mkdir -p /etc/softhsm/tokens && softhsm2-util --init-token --free --label godwit "
            f"--so-pin 12345678 --pin {PIN}")
    host.sh(f"p11tool --provider {SOFTHSM} --login --set-pin {PIN} --write --id 01 --label laptop "
            f"--load-privkey {authority.path('laptop.key')} pkcs11:token=godwit")
    host.sh("rm -f /etc/godwit/laptop.key")
    host.write("/etc/godwit/pin", PIN + "\n", mode=0o600)
    again(client)
    bench.connect(client)
    host.sh("rm -f /etc/godwit/pin")
    bench.gateway.kill()
    bench.gateway.start()
    bench.gateway.wait_for("assigning virtual IP|INSTALLED|established with SPIs", seconds=60)
    bench.fetch(client)
    bench.disconnect(client)


def raise_self_signed(bench, connection, **options):
    made = {}

    def files(folder):
        made.update(certificates.self_signed(os.path.join(folder, "own"), **options))
        return made
    bench.raise_lab(connection, files=files)
    return made["x509/gateway.pem"]


@case
def gateway_with_a_pinned_key(bench):
    pem = raise_self_signed(bench, MAIN_HYBRID, names=(f"DNS:{gateway.GATEWAY_ID}",))
    pinned = {**HYBRID, "ca-file": None, "gateway-cert-pin": [certificates.pin(pem)]}
    client = bench.client(pinned)
    require(certificates.pin(pem) in passes(bench, client), "connect does not show the pin")
    client.write_profile(**{"gateway-cert-pin": ["sha256:" + 32 * "00"]})
    again(client)
    bench.require_refused(client, GATEWAY_CERTIFICATE, "none of those that the profile pins",
                          certificates.pin(pem))
    require_equal(bench.gateway.logged("XAuth authentication of"), 1, "XAuth attempts")


@case
def gateway_with_a_pinned_key_and_an_authority(bench):
    authority = raise_signed(bench, MAIN_HYBRID)
    client = signing(bench, authority, {
        **HYBRID, "gateway-cert-pin": [certificates.pin(authority.read("gateway.pem"))]})
    passes(bench, client)
    client.write_profile(**{"gateway-cert-pin": [certificates.pin(authority.pem)]})
    again(client)
    bench.require_refused(client, GATEWAY_CERTIFICATE, "none of those that the profile pins")


@case(slow=True)
def gateway_that_sends_no_certificate(bench):
    pem = raise_self_signed(bench, gateway.Connection("main", auth="hybrid", send_cert="never"),
                            names=(f"DNS:{gateway.GATEWAY_ID}",))
    client = bench.client({**HYBRID, "ca-file": None,
                           "gateway-cert-pin": [certificates.pin(pem)]})
    bench.require_refused(client, GATEWAY_CERTIFICATE, "sends no certificate", "gateway-cert-file")
    client.write_profile(**{"gateway-cert-pin": None, "gateway-cert-file": "/etc/godwit/gw.pem"})
    client.host.write("/etc/godwit/gw.pem", pem)
    again(client)
    passes(bench, client)


@case(slow=True)
def revocation_that_must_be_known(bench):
    authority = raise_signed(bench, MAIN_HYBRID)
    client = signing(bench, authority, {**HYBRID, "crl-file": "/etc/godwit/ca.crl",
                                        "revocation": "strict"})
    other = certificates.Authority(os.path.join(bench.lab.folder, "other"), name="Another CA")
    client.host.write("/etc/godwit/ca.crl", other.revocation_list())
    again(client)
    bench.require_refused(client, GATEWAY_CERTIFICATE, 'revocation = "strict"')
    client.write_profile(revocation="ifuri")
    again(client)
    passes(bench, client)
    client.write_profile(revocation="strict")
    client.host.write("/etc/godwit/ca.crl", authority.revocation_list())
    again(client)
    passes(bench, client)
