"""A strongSwan gateway inside a host of the lab, configured by the test that wants it."""

import dataclasses
import os
import re
import shutil

import lab
from lab import LabError, wait_until

GROUP = "road-warriors"          # the KEY_ID that vpnc-style clients call the group
GATEWAY_ID = "gw.example"
PSK = "swallow-4711-island"
USER = "ada"
PASSWORD = "correct horse battery"
OFFICE_DOMAIN = "office.example"
BANNER = "Welcome to the lab"

# OpenSSL stands first: strongSwan's own AES and GCM are several times slower.
PLUGINS = ("random nonce openssl aes sha1 sha2 md5 hmac gmp gcm pem pkcs1 pkcs8 x509 revocation "
           "pubkey constraints curve25519 kdf drbg xcbc cmac chapoly kernel-libipsec "
           "kernel-netlink socket-default vici updown xauth-generic eap-identity eap-mschapv2 "
           "unity attr resolve mgf1")

# Every suite that godwit offers without a weak word.
STRONG_IKE = ",".join(f"{cipher}-{prf}-{group}"
                      for cipher in ("aes256", "aes192", "aes128")
                      for prf in ("sha512", "sha384", "sha256", "sha1")
                      for group in ("modp2048", "modp3072", "modp4096", "ecp256", "ecp384",
                                    "ecp521"))
STRONG_ESP = "aes256gcm16,aes128gcm16,aes256-sha256,aes128-sha256,aes128-sha1,aes256-sha512"
# What vpnc, and the gateways it was written for, speak.
VPNC_IKE = "aes128-sha1-modp1024"
VPNC_ESP = "aes128-sha1"


@dataclasses.dataclass(frozen=True)
class Connection:
    """One swanctl connection. Everything a test varies is a field."""
    name: str = "office"
    aggressive: bool = False
    auth: str = "psk"                     # pubkey, or hybrid: XAuth is all that proves the client
    xauth: bool = False
    pool: bool = True                     # an address by Mode Config
    pool6: bool = False                   # an IPv6 one
    pull: bool = True                     # waits to be asked for it; False: pushes it
    ike: str = STRONG_IKE
    esp: str = STRONG_ESP                 # with -modpNNNN or -ecpNNN for PFS
    remote_id: str = "%any"
    local_ts: str = lab.OFFICE_NET
    mode: str = "tunnel"                  # of ESP; transport needs a kernel gateway
    remote_ts: str = ""                   # for clients that bring their own inner address
    rekey_time: int = 0                   # seconds, of the ESP SAs; 0: the gateway never starts one
    life_time: int = 0                    # seconds, of the ESP SAs; 0: strongSwan's default
    rekey_bytes: int = 0                  # of the ESP SAs; 0: the gateway never starts one
    life_bytes: int = 0                   # of the ESP SAs; 0: no limit
    dpd_delay: int = 0                    # seconds; 0: no probes
    fragmentation: str = "yes"            # of IKE messages: yes, force, no
    send_cert: str = ""                   # never, always; else when the client asks for it
    encap: bool = False                   # claim a NAT, so that ESP goes in UDP without one

    def proofs(self):
        if self.auth == "psk":
            return [f"local-1 {{\n auth = psk\n id = {GATEWAY_ID}\n}}",
                    f"remote-1 {{\n auth = psk\n id = {self.remote_id}\n}}"]
        theirs = "xauth" if self.auth == "hybrid" else "pubkey"
        return [f"local-1 {{\n auth = pubkey\n certs = gateway.pem\n id = {GATEWAY_ID}\n}}",
                f"remote-1 {{\n auth = {theirs}\n id = {self.remote_id}\n}}"]

    def lines(self):
        child = [f"mode = {self.mode}", f"local_ts = {self.local_ts}",
                 f"esp_proposals = {self.esp}",
                 f"rekey_time = {self.rekey_time}s", "rand_time = 0s", "dpd_action = clear"]
        if self.life_time:
            child.append(f"life_time = {self.life_time}s")
        if self.rekey_bytes or self.life_bytes:
            child += [f"rekey_bytes = {self.rekey_bytes}", f"life_bytes = {self.life_bytes}",
                      "rand_bytes = 0"]
        if self.remote_ts:
            child.append(f"remote_ts = {self.remote_ts}")
        body = ["version = 1", f"aggressive = {'yes' if self.aggressive else 'no'}",
                f"proposals = {self.ike}", f"dpd_delay = {self.dpd_delay}s", "rekey_time = 0s",
                "unique = never", f"pull = {'yes' if self.pull else 'no'}",
                f"fragmentation = {self.fragmentation}", f"encap = {'yes' if self.encap else 'no'}",
                *self.proofs()]
        pools = ["inner"] * self.pool + ["inner6"] * self.pool6
        if pools:
            body.append(f"pools = {','.join(pools)}")
        if self.send_cert:
            body.append(f"send_cert = {self.send_cert}")
        if self.xauth:
            body.append("remote-2 {\n auth = xauth\n}")
        body.append("children {\n net {\n" + "\n".join(child) + "\n}\n}")
        return f"{self.name} {{\n" + "\n".join(body) + "\n}\n"


# The configuration that vpnc needs: KEY_ID group, DH group 2, AES-128-SHA1, XAuth.
VPNC = Connection("vpnc", aggressive=True, xauth=True, ike=VPNC_IKE, esp=VPNC_ESP,
                  remote_id=f"keyid:{GROUP}")
AGGRESSIVE = Connection("aggressive", aggressive=True, xauth=True, remote_id=f"keyid:{GROUP}")
MAIN = Connection("main")
# What Windows and routers offer: ESP around UDP port 1701, and the rest is PPP's.
L2TP = Connection("l2tp", pool=False, mode="transport", local_ts="dynamic[udp/1701]",
                  remote_ts="dynamic[udp/1701]")
MAIN_XAUTH = Connection("main-xauth", xauth=True)


class Gateway:
    """charon with the user-space ESP of kernel-libipsec, running until the lab ends."""

    plugins = PLUGINS

    def __init__(self, host, *connections, dns=lab.OFFICE, unity=True, fragment_size=1280,
                 files=None, attributes=None, half_open=5):
        self.host = host
        self.attributes = attributes or {}  # of Mode Config: strongSwan's names, or numbers
        self.fragment_size = fragment_size
        self.half_open = half_open  # connects of one address that may be unfinished at once
        self.folder = os.path.join(host.folder, "strongswan")
        os.mkdir(self.folder)
        self.log = os.path.join(self.folder, "charon.log")
        self.socket = self._socket()
        self.charon = self._program("/usr/lib/ipsec/charon")
        self.swanctl_program = self._program("/usr/sbin/swanctl")
        # By name below the folder, as files(folder) gives them: certificates and keys.
        for name, text in (files(self.folder) if files else {}).items():
            os.makedirs(os.path.join(self.folder, os.path.dirname(name)), exist_ok=True)
            self._write(name, text)
        self._write("strongswan.conf", self._strongswan_conf(dns, unity))
        self._write("swanctl.conf", self._swanctl_conf(connections))
        self.process = None
        self.start()

    def _socket(self):
        return f"{self.folder}/gw.vici"

    def _program(self, path):
        """A copy of a program: AppArmor confines the installed path to the installed files."""
        return shutil.copy(path, self.folder)

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def _strongswan_conf(self, dns, unity):
        attributes = f"dns = {dns}\n" if dns else ""
        if unity:
            # 28672 and 28674 are UNITY_BANNER and UNITY_DEF_DOMAIN.
            attributes += f"28672 = {BANNER}\n28674 = {OFFICE_DOMAIN}\n"
        attributes += "".join(f"{key} = {value}\n" for key, value in self.attributes.items())
        return f"""charon {{
  load_modular = no
  load = {self.plugins if unity else self.plugins.replace('unity ', '')}
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
  cisco_unity = {'yes' if unity else 'no'}
  retransmit_tries = 3
  block_threshold = {self.half_open}
  fragment_size = {self.fragment_size}
  filelog {{
    file {{
      path = {self.log}
      default = 1
      ike = 2
      cfg = 2
      time_format = %H:%M:%S
      flush_line = yes
    }}
  }}
  plugins {{
    vici {{
      socket = unix://{self.socket}
    }}
    kernel-libipsec {{
      allow_peer_ts = yes
    }}
    attr {{
      {attributes}
    }}
  }}
}}
"""

    @staticmethod
    def _swanctl_conf(connections):
        return ("connections {\n" + "".join(c.lines() for c in connections) + "}\n"
                f"pools {{\n inner {{\n addrs = {lab.POOL}\n }}\n"
                f" inner6 {{\n addrs = {lab.POOL6}\n }}\n}}\n"
                f'secrets {{\n ike-1 {{\n secret = "{PSK}"\n }}\n'
                f' xauth-1 {{\n id = {USER}\n secret = "{PASSWORD}"\n }}\n}}\n')

    def start(self):
        self.process = self.host.start(["env", f"STRONGSWAN_CONF={self.folder}/strongswan.conf",
                                        self.charon], "charon.out")
        self.host.sh(f"until test -S {self.socket}; do sleep 0.1; done", timeout=60)
        loaded = self.swanctl("--load-all", "--file", f"{self.folder}/swanctl.conf")
        if "successfully loaded" not in loaded or "failed loading" in loaded:
            raise LabError(f"swanctl did not load the configuration: {loaded}")

    def kill(self):
        """The gateway loses power: no goodbye is sent."""
        self.process.kill()
        self.process.wait()
        self.host.run(["rm", "-f", self.socket])

    def swanctl(self, *arguments, check=True):
        done = self.host.run(["env", f"SWANCTL_DIR={self.folder}",
                              f"STRONGSWAN_CONF={self.folder}/strongswan.conf",
                              self.swanctl_program, *arguments,
                              "--uri", f"unix://{self.socket}"], check=check)
        return done.stdout + done.stderr

    def sas(self):
        return self.swanctl("--list-sas")

    def established(self):
        """How many phase 1 SAs are up."""
        return len(re.findall(r"ESTABLISHED", self.sas()))

    def installed(self):
        """How many pairs of ESP SAs are up."""
        return len(re.findall(r"INSTALLED", self.sas()))

    def wait_for(self, pattern, seconds=10.0):
        return wait_until(lambda: self.logged(pattern), f"'{pattern}' in charon's log", seconds)

    def logged(self, pattern):
        """How often a pattern stands in charon's log."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return sum(1 for line in log if re.search(pattern, line))


class KernelGateway(Gateway):
    """charon with the ESP of a kernel; its host is a guest."""

    plugins = PLUGINS.replace("kernel-libipsec ", "")

    def _socket(self):
        return "/run/gw.vici"  # sockets do not work in the folder that is shared with the guest

    def _program(self, path):
        return path  # no AppArmor in there
