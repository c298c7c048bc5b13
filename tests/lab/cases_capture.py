"""tshark, given the negotiated keys, reads a whole run: nothing malformed, nothing undecoded."""

import os

import gateway
import godwit
import lab
from capture import Capture
from harness import case, require


def tshark(host, keys, capture, display, *fields):
    """The packets of a capture that match a filter, as rows of fields."""
    shown = [argument for field in fields or ("frame.number",) for argument in ("-e", field)]
    done = host.run(["env", f"WIRESHARK_CONFIG_DIR={keys}", "tshark", "-r", capture,
                     "-o", "esp.enable_encryption_decode:TRUE",
                     "-o", "esp.enable_authentication_check:TRUE",
                     "-Y", display, "-T", "fields", *shown], timeout=60)
    return [line.split("\t") for line in done.stdout.splitlines()]


def decoded(bench, connection, profile):
    bench.raise_lab(connection)
    capture = Capture(bench.lab.laptop, "wlan0")
    client = bench.client(profile)
    keys = os.path.join(client.host.folder, "keys")
    os.mkdir(keys)
    done = client.connect("--keylog", keys)
    require(done.returncode == godwit.OK, f"connect --keylog: {done.stdout}{done.stderr}")
    client.host.run(["ping", "-q", "-c", "10", "-i", "0.05", lab.OFFICE])
    bench.disconnect(client)
    path = capture.stop()

    def rows(display, *fields):
        return tshark(client.host, keys, path, display, *fields)
    for broken in ("_ws.malformed", "esp.icv_bad == 1", "isakmp.enc_data_length_mult_block_size"):
        require(not rows(broken), f"{broken}: frames {rows(broken)}")
    encrypted = rows("isakmp.flag_e == 1")
    # Every encrypted message of IKEv1 begins or ends with a HASH; a wrong key opens to noise.
    unread = rows("isakmp.flag_e == 1 && !isakmp.hash")
    require(len(encrypted) >= 5, f"{len(encrypted)} encrypted IKE messages in the capture")
    require(not unread, f"IKE messages that the keys do not open: frames {unread}")
    require(rows("isakmp.exchangetype == 32 && isakmp.id.data.ipv4_addr"),
            "Quick Mode's identities are not decoded")
    for kind in (8, 0):
        count = len(rows(f"esp && icmp.type == {kind}"))
        require(count >= 10, f"{count} of 10 pings of type {kind} decoded inside ESP")
    require(not rows("esp && !icmp"), "ESP packets that stayed closed")


@case
def tshark_decodes_aggressive_cbc(bench):
    decoded(bench, gateway.AGGRESSIVE, {**godwit.AGGRESSIVE, "esp": ["aes256-sha256"]})


@case
def tshark_decodes_main_gcm(bench):
    decoded(bench, gateway.MAIN, {**godwit.MAIN, "esp": ["aes256gcm16"]})
