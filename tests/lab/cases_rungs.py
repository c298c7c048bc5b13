"""Every rung of the data path's ladder moves files, and status says which one it is."""

import gateway
import godwit
from harness import case, require, require_equal

# The environment, and what status has to say of engine and crypto.
RUNGS = [
    ({}, "io_uring", {"tun-tcp", "tun-udp", "udp-segment"}, True),
    ({"GODWIT_THREADS": "1"}, "io_uring", {"tun-tcp", "tun-udp", "udp-segment"}, False),
    ({"GODWIT_RING": "udp"}, "io_uring", {"tun-tcp", "tun-udp", "udp-segment"}, True),
    ({"GODWIT_RING": "single"}, "io_uring", {"tun-tcp", "tun-udp", "udp-segment"}, True),
    ({"GODWIT_RING": "off"}, "epoll", {"tun-tcp", "tun-udp", "udp-segment"}, True),
    ({"GODWIT_RING": "off", "GODWIT_THREADS": "1"}, "epoll",
     {"tun-tcp", "tun-udp", "udp-segment"}, False),
    ({"GODWIT_TUN": "tcp"}, "io_uring", {"tun-tcp", "udp-segment"}, True),
    ({"GODWIT_TUN": "header"}, "io_uring", {"udp-segment"}, True),
    ({"GODWIT_TUN": "plain"}, "io_uring", {"udp-segment"}, True),
    ({"GODWIT_UDP": "send"}, "io_uring", {"tun-tcp", "tun-udp", "udp-segment"}, True),
    ({"GODWIT_UDP": "plain"}, "io_uring", {"tun-tcp", "tun-udp"}, True),
    ({"GODWIT_CRYPTO": "mbedtls"}, "io_uring", {"tun-tcp", "tun-udp", "udp-segment"}, True),
]


@case
def every_rung_moves_files(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    for variables, engine, offloads, threads in RUNGS:
        # Threads on one CPU too.
        rung = {"GODWIT_THREADS": "3", **variables}
        bench.lab.environment.update(rung)
        bench.connect(client)
        for name in rung:
            del bench.lab.environment[name]
        bench.fetch(client)
        said = client.status()
        shown = {word for word in said["engine"]["offloads"] if word != "udp-join"}
        require(said["engine"]["name"].startswith(engine), f"{variables}: {said['engine']}")
        require_equal(shown, offloads, f"offloads with {variables}")
        require_equal(said["engine"]["threads"], threads, f"threads with {variables}")
        crypto = said["esp"]["crypto"]
        require(crypto.startswith("mbedtls") == ("GODWIT_CRYPTO" in variables),
                f"{variables}: {crypto}")
        bench.disconnect(client)
