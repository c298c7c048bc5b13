"""vpnc, the yardstick: it proves that the lab works, and the bench measures beside it."""

import time

import gateway
import lab
from lab import LabError, wait_until


class Vpnc:
    def __init__(self, host, interface="vpnc0"):
        self.host = host
        self.interface = interface
        self.process = None
        host.write("/etc/vpnc/lab.conf", f"""IPSec gateway {lab.GATEWAY}
IPSec ID {gateway.GROUP}
IPSec secret {gateway.PSK}
Xauth username {gateway.USER}
Xauth password {gateway.PASSWORD}
IKE DH Group dh2
Perfect Forward Secrecy nopfs
NAT Traversal Mode natt
Local Port 0
Interface name {interface}
Script /etc/vpnc/lab-script
""", mode=0o600)
        # Only what the measurement needs; DNS stays as it is.
        host.write("/etc/vpnc/lab-script", f"""#!/bin/sh
case "$reason" in
connect)
  ip addr add "$INTERNAL_IP4_ADDRESS/32" dev "$TUNDEV"
  ip link set "$TUNDEV" up mtu "${{INTERNAL_IP4_MTU:-1390}}"
  ip route add {lab.OFFICE_NET} dev "$TUNDEV"
  ;;
disconnect)
  ip route del {lab.OFFICE_NET} dev "$TUNDEV"
  ;;
esac
""", mode=0o755)

    def connect(self, timeout=20):
        """Connects and returns the seconds it took until the office answered."""
        begin = time.monotonic()
        self.process = self.host.start(["vpnc", "--no-detach", "/etc/vpnc/lab.conf"], "vpnc.log")
        route = ["ip", "-4", "route", "show", lab.OFFICE_NET]

        def up():
            if self.process.poll() is not None:
                raise LabError(f"vpnc ended: {lab.tail(self.process.log)}")
            return self.host.run(route).stdout.strip()
        wait_until(up, "vpnc's route", timeout, step=0.01)
        if not self.host.ping(lab.OFFICE):
            raise LabError("the office does not answer through vpnc")
        return time.monotonic() - begin

    def pid(self):
        return self.process.pid

    def disconnect(self):
        self.process.terminate()
        self.process.wait(timeout=10)
