"""What only old gateways want: 3DES, MD5, hashes of another length; each behind its word."""

import dataclasses

import gateway
import godwit
from cases_connect import works
from harness import case, require, require_equal

OLD_WORDS = ["3des", "md5", "modp1024", "aggressive-psk"]


def shown_weak(client):
    """The weak words of `status --json`, each of which the text explains."""
    words = client.status()["weak"]
    text = client.command("status", client.name).stdout
    for word in words:
        require(f"{word}: " in text, f"status gives no reason for {word}: {text}")
    return set(words)


@case
def weak_3des_md5_modp1024_aggressive(bench):
    old = dataclasses.replace(gateway.VPNC, ike="3des-md5-modp1024", esp="3des-md5")
    profile = {**godwit.VPNC, "ike": ["3des-md5-modp1024"], "esp": ["3des-md5"],
               "allow-weak": OLD_WORDS}
    bench.raise_lab(old)
    client = bench.client(profile)
    said = bench.connect(client).stdout
    for word in OLD_WORDS:
        require(f"{word}: " in said, f"connect does not name {word}: {said}")
    require("3DES_CBC/HMAC_MD5_96" in bench.gateway.sas(), "the gateway uses other suites")
    require_equal(shown_weak(client), set(OLD_WORDS), "weak words of status")
    bench.fetch(client)
    bench.disconnect(client)


@case
def weak_3des_sha1_main(bench):
    works(bench, dataclasses.replace(gateway.MAIN, ike="3des-sha1-modp1024", esp="3des-sha1"),
          {**godwit.MAIN, "ike": ["3des-sha1-modp1024"], "esp": ["3des-sha1"],
           "allow-weak": ["3des", "modp1024"]},
          "3DES_CBC/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024", "3DES_CBC/HMAC_SHA1_96")


@case
def weak_md5_main(bench):
    works(bench, dataclasses.replace(gateway.MAIN, ike="aes128-md5-modp2048", esp="aes128-md5"),
          {**godwit.MAIN, "ike": ["aes128-md5-modp2048"], "esp": ["aes128-md5"],
           "allow-weak": ["md5"]},
          "AES_CBC-128/HMAC_MD5_96/PRF_HMAC_MD5/MODP_2048", "AES_CBC-128/HMAC_MD5_96")


@case
def weak_suites_need_their_words(bench):
    bench.raise_lab(gateway.MAIN)
    for weak in ("3des", "md5"):
        suite = {"3des": "3des-sha1", "md5": "aes128-md5"}[weak]
        for key, proposal in (("ike", suite + "-modp2048"), ("esp", suite)):
            client = bench.client({**godwit.MAIN, key: [proposal]})
            done = client.connect()
            require_equal(done.returncode, 3, f"exit code of {proposal} without its word")
            require(f'write "{weak}" in allow-weak' in done.stderr, f"no hint: {done.stderr}")
            bench.require_untouched(client)


@case
def sha256_cut_to_96_bits(bench):
    # The gateway means the draft's 96 bits by the number of SHA2-256, as old kernels do.
    # strongSwan can say so to a kernel only, not to its ESP in user space.
    bench.raise_scripted(icv=12)
    client = bench.connected({**godwit.SCRIPTED, "esp": ["aes256-sha256_96"]})
    bench.disconnect(client)
