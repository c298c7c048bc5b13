"""strongSwan as a client: the yardstick for Main Mode, which vpnc does not know."""

import time

import gateway
import lab
from lab import LabError


class Swanctl(gateway.Gateway):
    """charon of the laptop, started once; connect() measures no more than `swanctl --initiate`."""

    def __init__(self, host, ike, esp, files=None):
        """`files`: as Gateway takes them; with laptop.pem among them both ends sign."""
        self.ike = ike
        self.esp = esp
        self.signs = files is not None
        super().__init__(host, files=files)

    def _swanctl_conf(self, connections):
        del connections  # this one end is all there is
        ours = "auth = pubkey\n      certs = laptop.pem" if self.signs else "auth = psk"
        theirs = "pubkey" if self.signs else "psk"
        return f"""connections {{
  home {{
    version = 1
    remote_addrs = {lab.GATEWAY}
    vips = 0.0.0.0
    proposals = {self.ike}
    local-1 {{
      {ours}
    }}
    remote-1 {{
      auth = {theirs}
      id = {gateway.GATEWAY_ID}
    }}
    children {{
      net {{
        remote_ts = {lab.OFFICE_NET}
        esp_proposals = {self.esp}
      }}
    }}
  }}
}}
secrets {{
  ike-1 {{
    secret = "{gateway.PSK}"
  }}
}}
"""

    def connect(self):
        """Connects and returns the seconds it took until the office answered."""
        begin = time.monotonic()
        said = self.swanctl("--initiate", "--child", "net")
        if "initiate completed successfully" not in said:
            raise LabError(f"swanctl did not connect: {said}")
        if not self.host.ping(lab.OFFICE):
            raise LabError("the office does not answer through strongSwan")
        return time.monotonic() - begin

    def disconnect(self):
        self.swanctl("--terminate", "--ike", "home")
