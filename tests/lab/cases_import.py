"""Configurations of other clients: imported, or connected as they are, against the gateway that
those clients were made for."""

import hashlib

import gateway
import godwit
import lab
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from harness import case, require, require_equal
from vpnc import Vpnc

try:  # newer versions keep it there
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES


def hidden(password):
    """As Cisco's client hides it in a .pcf; core/importers/obfuscation.cc tells how."""
    first = hashlib.sha1(b"any date").digest()

    def derived(step):
        return hashlib.sha1(first[:19] + bytes([(first[19] + step) & 0xff])).digest()

    count = 8 - len(password) % 8
    text = password.encode() + bytes([count]) * count
    key = derived(1) + derived(3)[:4]
    cipher = Cipher(TripleDES(key), modes.CBC(first[:8])).encryptor()
    encrypted = cipher.update(text) + cipher.finalize()
    return (first + hashlib.sha1(encrypted).digest() + encrypted).hex().upper()


PCF = f"""[main]\r
Description=the lab\r
!Host={lab.GATEWAY}\r
AuthType=1\r
GroupName={gateway.GROUP}\r
GroupPwd=\r
enc_GroupPwd={hidden(gateway.PSK)}\r
Username={gateway.USER}\r
enc_UserPassword={hidden(gateway.PASSWORD)}\r
EnableISPConnect=1\r
DHGroup=2\r
"""


def connects(bench, client):
    bench.connect(client)
    bench.fetch(client)
    bench.disconnect(client)


def imported(client, file, *words):
    """Imports a file as the client's profile; returns what was said on standard error."""
    done = client.command("import", file, "--name", client.name, "--force")
    require_equal(done.returncode, 0, f"exit code of import: {done.stderr}")
    for word in words:
        require(word in done.stderr, f"import does not say '{word}': {done.stderr}")
    for secret in (gateway.PSK, gateway.PASSWORD):
        require(secret not in done.stdout + done.stderr, "import says a secret")
    rights = client.host.run(["stat", "-c", "%a", f"/etc/godwit/{client.name}.toml",
                              f"/etc/godwit/{client.name}.psk"]).stdout.split()
    require_equal(rights, ["600", "600"], "modes of the profile and its key")


@case
def import_of_vpnc_and_cisco(bench):
    """One gateway, and a file of vpnc's imported, a .pcf imported, and vpnc's own as it is."""
    bench.raise_lab(gateway.VPNC)
    host = bench.lab.laptop
    Vpnc(host)  # writes /etc/vpnc/lab.conf
    client = bench.client(godwit.VPNC)
    host.write(f"/etc/godwit/{client.name}.psk", "no key\n", mode=0o600)
    imported(client, "/etc/vpnc/lab.conf")
    connects(bench, client)

    host.write("/tmp/lab.pcf", PCF, mode=0o600)
    imported(client, "/tmp/lab.pcf", "lab.pcf:10: EnableISPConnect")
    connects(bench, client)

    host.run(["cp", "/etc/vpnc/lab.conf", f"/etc/godwit/{client.name}.conf"])
    host.run(["rm", f"/etc/godwit/{client.name}.toml", f"/etc/godwit/{client.name}.psk"])
    connects(bench, client)
