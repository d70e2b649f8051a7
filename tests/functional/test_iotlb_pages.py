# SPDX-License-Identifier: BSD-3-Clause
"""show iotlb pages: the pages that queues touched, as many as the report counts."""
import json

FORWARD = ["start tx_first", "stop"]


def pages_of(queue):
    return sum(run["pages"] for run in queue["ranges"])


def test_ranges_hold_as_many_pages_as_are_counted(ioplane):
    result = ioplane.run("--json", "--tracker", "full", "--page-size", "4k",
                         commands=[*FORWARD, "show iotlb pages all", "show iotlb pages 1"])
    said = [json.loads(line) for line in result.stdout.splitlines()[:2]]
    assert [queue for queue in said[0] if queue["port"] == 1] == said[1]
    counted = {(port["id"], direction, queue["queue"]): queue["iotlb"]["pages_touched"]
               for port in result.stats["ports"] for direction in ("rx", "tx")
               for queue in port[f"{direction}_queues"]}
    assert {(queue["port"], queue["direction"], queue["queue"]): pages_of(queue)
            for queue in said[0]} == counted
    assert sum(counted.values()) > 0
    assert {run["page_size"] for queue in said[0] for run in queue["ranges"]} == {4096}


def test_the_table_says_the_same(ioplane):
    result = ioplane.run("--tracker", "full", commands=[*FORWARD, "show iotlb pages 0"])
    rows = [line.split()[3:] for line in result.stdout.splitlines()
            if line.split()[1:3] == ["tx0", "model"] and line.split()[3].startswith("0x")]
    counted = result.port(0)["tx_queues"][0]["iotlb"]["pages_touched"]
    assert sum(int(pages) for _, pages, _ in rows) == counted > 0
    assert {size for _, _, size in rows} == {"2097152"}


def test_with_the_tracker_off_no_page_is_known(ioplane):
    text = ioplane.run("--tracker", "off", commands=[*FORWARD, "show iotlb pages all"]).stdout
    assert "No page was looked at: set tracker full" in text


def test_a_port_that_is_not_there_is_refused(ioplane):
    result = ioplane.run(status=1, commands=["show iotlb pages 7"])
    assert "7" in result.stderr.splitlines()[-1]
