"""What scripts do with the command: codes, JSON, and several tunnels at once."""

import json
import os

import gateway
import godwit
import lab
from harness import Skipped, case, require, require_equal
from lab import wait_until

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "client", "schema",
                      "status-1.json")


def validate(status):
    try:
        import jsonschema
    except ImportError as why:
        raise Skipped("python3-jsonschema is not installed") from why
    with open(SCHEMA, encoding="utf-8") as schema:
        jsonschema.validate(status, json.load(schema))


@case
def connect_and_disconnect_if_needed(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    bench.connect(client)
    require_equal(client.connect().returncode, godwit.ALREADY_CONNECTED, "connect again")
    again = client.connect("--if-needed", "--json")
    require_equal(again.returncode, godwit.OK, "connect --if-needed")
    require_equal(json.loads(again.stdout)["result"], "up", "its answer")
    bench.disconnect(client)
    require_equal(client.disconnect().returncode, godwit.NOT_CONNECTED, "disconnect again")
    done = client.command("disconnect", client.name, "--if-needed")
    require_equal(done.returncode, godwit.OK, "disconnect --if-needed")
    bench.connect(client)
    bench.disconnect(client)


@case
def wait_is_over(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    bench.lab.silence_gateway()
    done = client.connect("--wait", "2", "--json")
    require_equal(done.returncode, godwit.WAIT_OVER, "exit code of connect --wait 2")
    require_equal(json.loads(done.stdout)["slug"], "wait-over", "the answer")
    bench.require_untouched(client)
    bench.lab.end_silence()
    bench.connect(client)
    bench.disconnect(client)


@case
def plan_changes_nothing(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client({**godwit.MAIN, "networks": [lab.OFFICE_NET]})
    plan = json.loads(client.command("plan", client.name, "--json").stdout)
    require_equal((plan["schema"], plan["device"], plan["routes"]),
                  (1, client.interface, [lab.OFFICE_NET]), "the plan")
    done = client.connect("--dry-run")
    require_equal(done.returncode, godwit.OK, "connect --dry-run")
    require("Nothing was changed" in done.stdout, f"it says: {done.stdout}")
    bench.require_untouched(client)


@case
def status_and_events_as_json(bench):
    bench.raise_lab(gateway.MAIN)
    client = bench.client(godwit.MAIN)
    bench.connect(client)
    readers = [client.host.start([client.program, "events", client.name, "--json"],
                                 f"events-{number}.log") for number in range(2)]
    def lines(reader):
        with open(reader.log, encoding="utf-8") as log:
            return [json.loads(line) for line in log.read().splitlines()]
    for reader in readers:
        wait_until(lambda: lines(reader), "the first line of events")
        require_equal(lines(reader)[0]["state"], "up", "the first line's state")
    validate(client.status())
    bench.disconnect(client)
    for reader in readers:
        require_equal(reader.wait(timeout=10), godwit.OK, "exit code of events")
    down = client.command("status", client.name, "--json")
    require_equal(down.returncode, godwit.NOT_CONNECTED, "exit code of status")
    validate(json.loads(down.stdout))
