"""Connecting: modes, suites, groups, and every way to be refused."""

import dataclasses
import re

import gateway
import godwit
from harness import case, require, require_equal

# godwit's word for an algorithm, and the words of strongSwan's status for it.
GROUPS = {"modp1024": "MODP_1024", "modp1536": "MODP_1536", "modp2048": "MODP_2048",
          "modp3072": "MODP_3072", "modp4096": "MODP_4096", "modp6144": "MODP_6144",
          "modp8192": "MODP_8192", "ecp256": "ECP_256",
          "ecp384": "ECP_384", "ecp521": "ECP_521"}
WEAK = ("modp1024", "modp1536")
HASHES = {"sha1": ("HMAC_SHA1_96", "PRF_HMAC_SHA1"),
          "sha256": ("HMAC_SHA2_256_128", "PRF_HMAC_SHA2_256"),
          "sha384": ("HMAC_SHA2_384_192", "PRF_HMAC_SHA2_384"),
          "sha512": ("HMAC_SHA2_512_256", "PRF_HMAC_SHA2_512")}


def require_suite(bench, ike=None, esp=None):
    """Requires the suites that the gateway says are in use."""
    sas = bench.gateway.sas()
    require(ike is None or f"  {ike}\n" in sas, f"the gateway does not use {ike} for IKE: {sas}")
    require(esp is None or f"ESP:{esp}\n" in sas, f"the gateway does not use {esp} for ESP: {sas}")


def works(bench, connection, profile, ike=None, esp=None):
    bench.raise_lab(connection)
    client = bench.connected(profile)
    require_suite(bench, ike, esp)
    bench.fetch(client)
    bench.disconnect(client)


@case
def aggressive_xauth(bench):
    bench.raise_lab(gateway.AGGRESSIVE)
    client = bench.client(godwit.AGGRESSIVE)
    said = bench.connect(client).stdout
    for word in ("Aggressive", "you are behind NAPT", "float", "10.60.0.1"):
        require(word in said, f"connect does not say '{word}': {said}")
    require(re.search(rf"{gateway.GROUP}' @ 203\.0\.113\.1\[[23]\d{{4}}\]", bench.gateway.sas()),
            "the gateway does not see the group behind a rewritten port")
    bench.fetch(client)
    bench.disconnect(client)
    require_equal(bench.gateway.established(), 0, "SAs at the gateway after disconnect")


@case
def aggressive_psk_only(bench):
    connection = dataclasses.replace(gateway.AGGRESSIVE, xauth=False)
    works(bench, connection, godwit.AGGRESSIVE_PSK)


@case
def main_psk(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    said = bench.connect(client).stdout
    for word in ("Main", "you are behind NAPT", "float"):
        require(word in said, f"connect does not say '{word}': {said}")
    bench.fetch(client)
    bench.disconnect(client)
    require_equal(bench.gateway.established(), 0, "SAs at the gateway after disconnect")


@case
def main_xauth(bench):
    works(bench, gateway.MAIN_XAUTH, godwit.MAIN_XAUTH)


@case
def main_without_mode_config(bench):
    connection = dataclasses.replace(gateway.MAIN, pool=False, remote_ts="10.60.0.77/32")
    works(bench, connection, {**godwit.MAIN, "mode-config": False, "address": "10.60.0.77",
                              "networks": ["10.50.0.0/24"]})


@case
def gateway_without_unity(bench):
    bench.raise_lab(gateway.MAIN, unity=False)
    client = bench.connected({**godwit.MAIN, "networks": ["10.50.0.0/24"]})
    bench.fetch(client)
    bench.disconnect(client)


@case
def vpnc_configuration(bench):
    works(bench, gateway.VPNC, godwit.VPNC, "AES_CBC-128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024",
          "AES_CBC-128/HMAC_SHA1_96")


@case
def vpnc_configuration_needs_weak_words(bench):
    bench.raise_lab(gateway.VPNC)
    for words in ([], ["modp1024"], ["aggressive-psk"]):
        client = bench.client({**godwit.VPNC, "allow-weak": words})
        missing = {"modp1024", "aggressive-psk"} - set(words)
        done = client.connect()
        require_equal(done.returncode, 3, "exit code without weak words")
        require(any(word in done.stderr for word in missing), f"no hint: {done.stderr}")
        bench.require_untouched(client)


@case
def every_identity_type(bench):
    identities = {"fqdn": "laptop.example", "user-fqdn": "ada@example.org", "key-id": "club",
                  "ipv4": "192.168.77.10"}
    prefixes = {"key-id": "keyid:"}
    bench.raise_lab(*[dataclasses.replace(gateway.AGGRESSIVE, name=kind, xauth=False,
                                          remote_id=prefixes.get(kind, "") + text)
                      for kind, text in identities.items()])
    for kind, text in identities.items():
        client = bench.connected({**godwit.AGGRESSIVE_PSK, "id": text, "id-type": kind})
        require(f"{kind}: #" in bench.gateway.sas(), f"the gateway did not recognise the {kind}")
        bench.disconnect(client)


def add_suite_cases(bits, digest):
    integrity, prf = HASHES[digest]

    @case(name=f"cbc_aes{bits}_{digest}")
    def _(bench):
        suite = f"aes{bits}-{digest}"
        works(bench, dataclasses.replace(gateway.MAIN, ike=f"{suite}-modp2048", esp=suite),
              {**godwit.MAIN, "ike": [f"{suite}-modp2048"], "esp": [suite]},
              f"AES_CBC-{bits}/{integrity}/{prf}/MODP_2048", f"AES_CBC-{bits}/{integrity}")


for key_bits, hash_word in ((128, "sha1"), (192, "sha256"), (256, "sha256"), (256, "sha384"),
                            (256, "sha512")):
    add_suite_cases(key_bits, hash_word)


def add_gcm_case(bits):
    @case(name=f"gcm_aes{bits}")
    def _(bench):
        suite = f"aes{bits}gcm16"
        works(bench, dataclasses.replace(gateway.MAIN, esp=suite),
              {**godwit.MAIN, "esp": [suite]}, esp=f"AES_GCM_16-{bits}")


for key_bits in (128, 192, 256):
    add_gcm_case(key_bits)


def add_group_case(group):
    @case(name=f"dh_{group}")
    def _(bench):
        suite = f"aes256-sha256-{group}"
        weak = {"allow-weak": [group]} if group in WEAK else {}
        works(bench, dataclasses.replace(gateway.MAIN, ike=suite),
              {**godwit.MAIN, "ike": [suite], **weak},
              f"AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/{GROUPS[group]}")


def add_pfs_case(group):
    @case(name=f"pfs_{group}")
    def _(bench):
        works(bench, dataclasses.replace(gateway.MAIN, esp=f"aes256-sha256-{group}"),
              {**godwit.MAIN, "esp": ["aes256-sha256"], "pfs": group},
              esp=f"AES_CBC-256/HMAC_SHA2_256_128/{GROUPS[group]}")


for group_word in GROUPS:
    add_group_case(group_word)
for group_word in ("modp2048", "ecp256"):
    add_pfs_case(group_word)


@case
def proposals_are_negotiated(bench):
    # The gateway takes one of the many that are offered by default, and not the first.
    works(bench, dataclasses.replace(gateway.MAIN, ike="aes128-sha256-modp2048",
                                     esp="aes128-sha256"),
          godwit.MAIN, "AES_CBC-128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048",
          "AES_CBC-128/HMAC_SHA2_256_128")


def fragments_both_ways(bench, connection, profile):
    suite = "aes256-sha256-modp4096"
    bench.raise_lab(dataclasses.replace(connection, ike=suite, fragmentation="force",
                                        esp="aes256-sha256-modp4096"), fragment_size=300)
    client = bench.connected({**profile, "ike": [suite], "esp": ["aes256-sha256"],
                              "pfs": "modp4096", "fragmentation": "always"})
    # Quick Mode at least; the first message of Aggressive Mode leaves before the gateway is known.
    require(bench.gateway.logged("received fragment #") >= 2, "the gateway read no fragments")
    require(bench.gateway.logged("splitting IKE message") >= 2, "the gateway sent no fragments")
    require_equal(client.drops().get("bad-fragment", 0), 0, "fragments that fit no message")
    bench.fetch(client)
    bench.disconnect(client)


@case
def fragments_main(bench):
    fragments_both_ways(bench, gateway.MAIN_XAUTH, godwit.MAIN_XAUTH)


@case
def fragments_aggressive(bench):
    fragments_both_ways(bench, gateway.AGGRESSIVE, godwit.AGGRESSIVE)


@case
def fragments_switched_off(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN, ike="aes256-sha256-modp4096"))
    client = bench.connected({**godwit.MAIN, "ike": ["aes256-sha256-modp4096"],
                              "fragmentation": "off"})
    require_equal(bench.gateway.logged("received fragment #"), 0, "fragments at the gateway")
    bench.fetch(client)
    bench.disconnect(client)


@case
def wrong_key_aggressive(bench):
    bench.raise_lab(gateway.AGGRESSIVE)
    client = bench.client(godwit.AGGRESSIVE, psk="another")
    bench.require_refused(client, godwit.GATEWAY_AUTH_FAILED, "pre-shared key")
    # The password of the user must not leave for a gateway that has not proved itself.
    require_equal(bench.gateway.logged("XAuth authentication of"), 0, "XAuth attempts")


@case
def wrong_key_main(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN, psk="another")
    bench.require_refused(client, (godwit.GATEWAY_AUTH_FAILED, godwit.WE_ARE_REFUSED,
                                   godwit.NO_ANSWER_AFTER_FLOAT), "key")


@case
def wrong_password(bench):
    for connection, profile in ((gateway.AGGRESSIVE, godwit.AGGRESSIVE),
                                (gateway.MAIN_XAUTH, godwit.MAIN_XAUTH)):
        bench.raise_lab(connection)
        client = bench.client(profile, password="guess")
        bench.require_refused(client, godwit.USER_REJECTED, "password")
        bench.close()


@case
def wrong_group_id(bench):
    bench.raise_lab(gateway.AGGRESSIVE)
    client = bench.client({**godwit.AGGRESSIVE, "id": "strangers"})
    bench.require_refused(client, (godwit.WE_ARE_REFUSED, godwit.NO_ANSWER,
                                   godwit.GATEWAY_AUTH_FAILED), "group")


@case(slow=True)
def silent_gateway(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    bench.lab.silence_gateway()
    bench.require_refused(client, godwit.NO_ANSWER, "500")


@case(slow=True)
def silent_after_float(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    bench.lab.silence_gateway(port=4500)
    bench.require_refused(client, godwit.NO_ANSWER_AFTER_FLOAT, "4500")


@case
def refused_phase_1_proposal(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN, ike="aes256-sha512-modp4096"))
    client = bench.client({**godwit.MAIN, "ike": ["aes128-sha256-modp2048"]})
    bench.require_refused(client, godwit.PROPOSAL_REFUSED, "aes128-sha256-modp2048")


@case
def refused_phase_2_proposal(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN, esp="aes256-sha512"))
    client = bench.client({**godwit.MAIN, "esp": ["aes128gcm16"]})
    bench.require_refused(client, godwit.PHASE2_REFUSED, "aes128gcm16")


@case
def connected_twice(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected(godwit.MAIN)
    require_equal(client.connect().returncode, godwit.ALREADY_CONNECTED, "exit code, second time")
    bench.fetch(client)
    bench.disconnect(client)
    require_equal(client.disconnect().returncode, godwit.NOT_CONNECTED, "exit code, disconnect")


@case
def ten_times_in_a_row(bench):
    bench.raise_lab(gateway.AGGRESSIVE)
    client = bench.client(godwit.AGGRESSIVE)
    for _ in range(10):
        bench.connect(client)
        bench.disconnect(client)
