"""The user's machine: what a tunnel changes, and that all of it goes back whatever happens."""

import dataclasses
import os
import signal
import time

import gateway
import godwit
import lab
from harness import case, require, require_equal
from lab import wait_until


@case
def kill_9_then_disconnect(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected(godwit.MAIN)
    client.kill()
    require(lab.differences(client.before, client.host.snapshot()), "nothing to undo: no test")
    bench.disconnect(client)


@case
def kill_9_then_connect(bench):
    bench.raise_lab(gateway.AGGRESSIVE)
    client = bench.connected(godwit.AGGRESSIVE)
    for _ in range(3):
        client.kill()
        bench.connect(client)
        bench.fetch(client)
    bench.disconnect(client)


@case
def kill_9_half_way(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    bench.lab.silence_gateway(port=4500)
    process = client.start_connect()
    godwit.wait_for_line(process, "float")
    client.kill()
    process.wait(timeout=10)
    client.disconnect()
    bench.require_untouched(client)
    bench.lab.end_silence()
    bench.connect(client)
    bench.disconnect(client)


def interrupted(bench, port, line):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    bench.lab.silence_gateway(port=port)
    process = client.start_connect()
    godwit.wait_for_line(process, line)
    time.sleep(0.2)
    require_equal(godwit.interrupt(process), godwit.INTERRUPTED, "exit code after Ctrl-C")
    bench.require_untouched(client)
    bench.lab.end_silence()
    bench.connect(client)
    bench.disconnect(client)


@case
def ctrl_c_while_gateway_is_silent(bench):
    interrupted(bench, None, "Main Mode")


@case
def ctrl_c_after_float(bench):
    interrupted(bench, 4500, "float")


def foreground_ended_by(bench, number):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    process = client.start_connect("--foreground")
    godwit.wait_for_line(process, "tunnel is up")
    require(client.host.ping(lab.OFFICE), "the office does not answer")
    process.send_signal(number)
    require_equal(process.wait(timeout=10), godwit.OK, f"exit code after {number.name}")
    bench.require_untouched(client)
    require_equal(bench.gateway.established(), 0, "SAs at the gateway")


@case
def foreground_ended_by_ctrl_c(bench):
    foreground_ended_by(bench, signal.SIGINT)


@case
def foreground_ended_by_sigterm(bench):
    foreground_ended_by(bench, signal.SIGTERM)


@case
def background_survives_hangup(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.connected(godwit.MAIN)
    for pid in client.pids():
        os.kill(pid, signal.SIGHUP)
    time.sleep(0.5)
    bench.fetch(client)
    bench.disconnect(client)


@case
def split_tunnel(bench):
    bench.raise_lab(gateway.MAIN)
    bench.lab.open_bare_path()
    client = bench.connected(godwit.MAIN)
    route = client.host.run(["ip", "route", "get", lab.OFFICE]).stdout
    require(client.interface in route, f"the office is not behind the tunnel: {route}")
    route = client.host.run(["ip", "route", "get", lab.OTHER]).stdout
    require("dev wlan0" in route, f"another network went into the tunnel: {route}")
    require(client.host.ping(lab.OTHER), "the path outside the tunnel is cut")
    bench.fetch(client)
    bench.disconnect(client)


@case
def full_tunnel(bench):
    bench.raise_lab(dataclasses.replace(gateway.MAIN, local_ts="0.0.0.0/0"))
    client = bench.client({**godwit.MAIN, "networks": ["0.0.0.0/0"]})
    default = client.host.run(["ip", "route", "show", "default"]).stdout
    bench.connect(client)
    require_equal(client.host.run(["ip", "route", "show", "default"]).stdout, default,
                  "default route of the main table")
    require(client.host.ping(lab.INTERNET), "the internet is not reachable through the tunnel")
    route = client.host.run(["ip", "route", "get", lab.INTERNET]).stdout
    require(client.interface in route, f"the internet is not behind the tunnel: {route}")
    # A loop would feed the tunnel with its own datagrams: its packets would outnumber ours.
    before = transmitted(client)
    client.host.run(["ping", "-q", "-i", "0.02", "-c", "50", lab.INTERNET])
    sent = transmitted(client) - before
    require(50 <= sent < 60, f"{sent} packets entered the tunnel for 50 pings")
    bench.fetch(client)
    bench.disconnect(client)


def transmitted(client):
    path = f"/sys/class/net/{client.interface}/statistics/tx_packets"
    return int(client.host.run(["cat", path]).stdout)


def servers(host):
    words = [line.split() for line in host.read("/etc/resolv.conf").splitlines()]
    return [word[1] for word in words if word[:1] == ["nameserver"]]


@case
def two_tunnels_of_one_laptop(bench):
    other = dataclasses.replace(gateway.AGGRESSIVE, local_ts=lab.OTHER_NET)
    bench.raise_lab(gateway.MAIN, other)
    # kernel-libipsec installs a policy only for a network in which the gateway has an address.
    bench.lab.gateway.ip("addr", "add", "10.51.0.1/32", "dev", "lan")
    bench.lab.laptop.write("/etc/resolv.conf", "nameserver 192.0.2.53\n")
    first = bench.connected(godwit.MAIN)
    second = bench.client({**godwit.AGGRESSIVE, "interface": "gw-two", "dns": [lab.OTHER]},
                          name="other")
    require_equal(second.connect().returncode, godwit.OK, "exit code of the second tunnel")
    for address in (lab.OFFICE, lab.OTHER):
        require(first.host.ping(address), f"{address} does not answer")
    for client, server in ((first, lab.OFFICE), (second, lab.OTHER)):
        status = client.status()
        require_equal((status["name"], status["state"], status["device"]),
                      (client.name, "up", client.keys["interface"]), "a status")
        require_equal(status["dns"]["servers"], [server], f"the DNS of {client.name}")
    require_equal(first.command("disconnect").returncode, godwit.USAGE, "disconnect of either")
    # A resolv.conf cannot ask two offices: the newer tunnel's serves, also when the older one goes.
    require_equal(servers(first.host), [lab.OTHER], "the servers with both tunnels")
    require_equal(first.disconnect().returncode, godwit.OK, "exit code of disconnect")
    require(first.host.ping(lab.OTHER), "the second tunnel went down with the first")
    wait_until(lambda: servers(first.host) == [lab.OTHER], "the second tunnel's servers again")
    require_equal(first.connect().returncode, godwit.OK, "exit code of the first tunnel")
    require_equal(servers(first.host), [lab.OFFICE], "the servers with both tunnels")
    require_equal(first.disconnect().returncode, godwit.OK, "exit code of disconnect")
    wait_until(lambda: servers(first.host) == [lab.OTHER], "the second tunnel's servers again")
    require_equal(second.disconnect().returncode, godwit.OK, "exit code of disconnect")
    bench.require_untouched(first)


@case
def profile_given_as_file(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    client.host.run(["cp", "/etc/godwit/office.toml", "/run/elsewhere.toml"])
    done = client.command("connect", "/run/elsewhere.toml")
    require_equal(done.returncode, godwit.OK, "exit code of connect FILE")
    require(client.host.ping(lab.OFFICE), "the office does not answer")
    done = client.command("disconnect", "elsewhere")
    require_equal(done.returncode, godwit.OK, "exit code of disconnect")


@case
def secrets_from_standard_input(bench):
    bench.raise_lab(gateway.AGGRESSIVE)
    client = bench.client({**godwit.AGGRESSIVE, "password-source": "stdin", "password-file": None})
    done = client.host.run([client.program, "connect", client.name], check=False,
                           input=gateway.PASSWORD + "\n")
    require_equal(done.returncode, godwit.OK, f"exit code of connect: {done.stderr}")
    bench.fetch(client)
    for pid in client.pids():
        for file in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{file}", "rb") as content:
                seen = content.read()
            require(gateway.PASSWORD.encode() not in seen and gateway.PSK.encode() not in seen,
                    f"a secret stands in {file}")
    bench.disconnect(client)


@case
def up_down_and_list(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    require_equal(client.command("up", client.name).returncode, godwit.OK, "exit code of up")
    listed = client.command("list").stdout
    require("office" in listed, f"list does not show the tunnel: {listed}")
    require_equal(client.command("down", client.name).returncode, godwit.OK, "exit code of down")
    bench.require_untouched(client)


@case
def device_deleted_by_another(bench):
    # An administrator deletes the device; disconnect still puts the rest back.
    bench.raise_lab(gateway.MAIN)
    client = bench.connected(godwit.MAIN)
    client.host.run(["ip", "link", "delete", client.interface])
    wait_until(lambda: client.disconnect().returncode in (godwit.OK, godwit.NOT_CONNECTED),
               "disconnect")
    wait_until(lambda: not client.pids(), "the client to end")
    bench.require_untouched(client)


def move_laptop(laptop, old, new):
    """Another address and a default route, as another network gives them."""
    laptop.ip("addr", "del", f"{old}/24", "dev", "wlan0")  # takes the routes along
    time.sleep(1)
    laptop.ip("addr", "add", f"{new}/24", "dev", "wlan0")
    laptop.ip("route", "add", "default", "via", lab.NAPT_INSIDE)


@case
def laptop_changes_its_network(bench):
    bench.raise_lab(gateway.MAIN_XAUTH)
    client = bench.connected(godwit.MAIN_XAUTH)
    inner = client.address()
    move_laptop(bench.lab.laptop, lab.LAPTOP, "192.168.77.20")
    # The gateway that follows us answers at once; the new phase 1 takes a moment.
    wait_until(lambda: client.status()["local"].startswith("192.168.77.20"),
               "the client to notice", 15)
    wait_until(lambda: client.host.ping(lab.OFFICE, seconds=1), "traffic to resume", 15)
    require_equal(client.address(), inner, "inner address")
    bench.fetch(client)
    move_laptop(bench.lab.laptop, "192.168.77.20", lab.LAPTOP)
    wait_until(lambda: client.host.ping(lab.OFFICE, seconds=1), "traffic to resume", 15)
    bench.fetch(client)
    bench.disconnect(client)
