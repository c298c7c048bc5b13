"""Configurations of other clients: imported, or connected as they are, against the gateway that
those clients were made for."""

import base64
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


VPN = f"""n:version:4
s:network-host:{lab.GATEWAY}
s:auth-method:mutual-psk-xauth
b:auth-mutual-psk:{base64.b64encode(gateway.PSK.encode()).decode()}
s:client-saved-username:{gateway.USER}
s:client-auto-mode:pull
s:ident-client-type:keyid
s:ident-client-data:{gateway.GROUP}
s:phase1-exchange:aggressive
s:phase1-cipher:aes
n:phase1-keylen:128
s:phase1-hash:sha1
n:phase1-dhgroup:2
s:phase2-transform:esp-aes
s:phase2-hmac:sha1
n:policy-list-auto:1
"""

MOBILECONFIG = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN"
  "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>PayloadContent</key><array><dict>
<key>PayloadType</key><string>com.apple.vpn.managed</string>
<key>UserDefinedName</key><string>the lab</string>
<key>VPNType</key><string>IPSec</string>
<key>IPSec</key><dict>
<key>AuthenticationMethod</key><string>SharedSecret</string>
<key>RemoteAddress</key><string>{lab.GATEWAY}</string>
<key>LocalIdentifier</key><string>{gateway.GROUP}</string>
<key>LocalIdentifierType</key><string>KeyID</string>
<key>SharedSecret</key><data>{base64.b64encode(gateway.PSK.encode()).decode()}</data>
<key>XAuthEnabled</key><integer>1</integer>
<key>XAuthName</key><string>{gateway.USER}</string>
<key>XAuthPassword</key><string>{gateway.PASSWORD}</string>
</dict></dict></array></dict></plist>
"""

IPSEC_CONF = f"""conn lab
  keyexchange=ikev1
  left=%defaultroute
  leftsourceip=%config
  leftauth=psk
  leftauth2=xauth
  right={lab.GATEWAY}
  rightid={gateway.GATEWAY_ID}
  rightauth=psk
  xauth_identity={gateway.USER}
  ike=aes256-sha256-modp2048!
  rightsubnet={lab.OFFICE_NET}
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


@case
def import_of_shrew_and_apple(bench):
    bench.raise_lab(gateway.VPNC)
    host = bench.lab.laptop
    client = bench.client(godwit.VPNC)
    host.write("/tmp/lab.vpn", VPN, mode=0o600)
    imported(client, "/tmp/lab.vpn")
    # Shrew's files hold no password of the user's.
    host.sh(f"echo 'password-file = \"/etc/godwit/{client.name}.password\"' > /tmp/password; "
            f"sed -i '/^user = /r /tmp/password' /etc/godwit/{client.name}.toml")
    connects(bench, client)

    host.write("/tmp/lab.mobileconfig", MOBILECONFIG, mode=0o600)
    imported(client, "/tmp/lab.mobileconfig")
    connects(bench, client)


@case
def import_of_strongswan(bench):
    bench.raise_lab(gateway.MAIN_XAUTH)
    host = bench.lab.laptop
    client = bench.client(godwit.MAIN_XAUTH)
    folder = "/tmp/strongswan"
    host.sh(f"mkdir -p {folder}")
    host.write(f"{folder}/ipsec.conf", IPSEC_CONF)
    host.write(f"{folder}/ipsec.secrets", f"{gateway.GATEWAY_ID} : PSK \"{gateway.PSK}\"\n"
               f"{gateway.USER} : XAUTH \"{gateway.PASSWORD}\"\n", mode=0o600)
    imported(client, f"{folder}/ipsec.conf")
    connects(bench, client)

    host.write(f"{folder}/swanctl.conf", f"""connections {{
  lab {{
    version = 1
    remote_addrs = {lab.GATEWAY}
    vips = 0.0.0.0
    proposals = aes256-sha256-modp2048
    local-psk {{
      auth = psk
    }}
    local-xauth {{
      auth = xauth
      xauth_id = {gateway.USER}
    }}
    remote {{
      auth = psk
      id = {gateway.GATEWAY_ID}
    }}
    children {{
      net {{
        remote_ts = {lab.OFFICE_NET}
      }}
    }}
  }}
}}
secrets {{
  ike {{
    secret = "{gateway.PSK}"
  }}
  xauth {{
    id = {gateway.USER}
    secret = "{gateway.PASSWORD}"
  }}
}}
""", mode=0o600)
    imported(client, f"{folder}/swanctl.conf")
    connects(bench, client)
