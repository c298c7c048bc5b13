"""L2TP and PPP, as users have them: xl2tpd and pppd on both ends, each in a guest."""

import gateway
import lab

GATEWAY_PPP = "10.70.0.1"
PASSWORD = "two wrongs & a right"  # of PPP; IPsec has its own secret
CONTROL = "/run/xl2tpd/l2tp-control"
# What pppd needs of both ends. 1400 octets fit into L2TP, ESP and UDP without being cut.
COMMON = "mtu 1400\nmru 1400\nnoccp\nnodefaultroute\nlcp-echo-interval 0\n"


def start(host):
    """xl2tpd, ready for commands."""
    host.run(["mkdir", "-p", "/run/xl2tpd"])
    process = host.start(["xl2tpd", "-D", "-c", "/etc/xl2tpd/lab.conf"], "xl2tpd.log")
    host.sh(f"until test -p {CONTROL}; do sleep 0.1; done", timeout=60)
    return process


def serve(host):
    """An L2TP server, which asks for MS-CHAP v2, on the gateway."""
    host.write("/etc/xl2tpd/lab.conf", f"""[global]
port = 1701
[lns default]
ip range = 10.70.0.10-10.70.0.20
local ip = {GATEWAY_PPP}
require chap = yes
refuse pap = yes
name = {gateway.GATEWAY_ID}
pppoptfile = /etc/ppp/options.lab
""")
    host.write("/etc/ppp/options.lab", f"name {gateway.GATEWAY_ID}\nauth\nrequire-mschap-v2\n"
                                       + COMMON)
    host.write("/etc/ppp/chap-secrets", f'{gateway.USER} {gateway.GATEWAY_ID} "{PASSWORD}" *\n',
               mode=0o600)
    start(host)


class Caller:
    """The client's end of L2TP."""

    def __init__(self, host):
        self.host = host
        host.write("/etc/xl2tpd/lab.conf", f"""[global]
port = 1701
[lac office]
lns = {lab.GATEWAY}
pppoptfile = /etc/ppp/options.lab
""")
        host.write("/etc/ppp/options.lab", f'name {gateway.USER}\npassword "{PASSWORD}"\nnoauth\n'
                                           f"logfile {host.folder}/pppd.log\ndebug\n" + COMMON,
                   mode=0o600)
        self.process = None

    def call(self, seconds=90):
        """Connects, and routes the office's network through PPP."""
        self.process = start(self.host)
        self.host.run(["xl2tpd-control", "connect-lac", "office"], timeout=seconds)
        self.host.sh("until ip -4 addr show dev ppp0 | grep -q inet; do sleep 0.5; done",
                     timeout=seconds)
        self.host.ip("route", "add", lab.OFFICE_NET, "dev", "ppp0")

    def hang_up(self):
        """Ends the connection and xl2tpd."""
        self.host.run(["xl2tpd-control", "disconnect-lac", "office"])
        self.host.sh("while test -e /sys/class/net/ppp0; do sleep 0.5; done", timeout=60)
        self.process.terminate()
        self.process.wait(60)
