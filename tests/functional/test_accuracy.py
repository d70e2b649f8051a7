# SPDX-License-Identifier: BSD-3-Clause
"""The tracker's model and the software unit against exact LRU; tests/bench/accuracy has more."""
import json
import subprocess
import sys

import pytest

import captures
import harness

sys.path.insert(0, str(harness.TOP / "tests" / "bench"))
import accuracy_verdict as verdict  # noqa: E402

pytestmark = pytest.mark.slow
PROGRAM = harness.BUILD / "tests" / "bench" / "bench_accuracy"
LIMIT_S = 120


def measure(*options):
    ended = subprocess.run([PROGRAM, "--captures", captures.SHARED, *options], text=True,
                           capture_output=True, timeout=LIMIT_S, check=False)
    assert ended.returncode == 0, harness.tail(ended.stdout + ended.stderr)
    return verdict.Found(json.loads(line) for line in ended.stdout.splitlines())


@pytest.fixture(scope="module")
def found():
    return measure("--quick", "--accesses", "4000000")


def test_the_unit_misses_exactly_what_a_list_in_order_of_use_misses(found):
    assert {unit["entries"] for unit in found.all("unit")} == {32, 64, 128, 256, 512}
    assert found.unequal == []
    # The control: these were misses to be counted, of caches that differ.
    for load in {unit["load"] for unit in found.all("unit")}:
        misses = [unit["unit"] for unit in found.all("unit") if unit["load"] == load]
        assert max(misses) > min(misses) > 0


def test_the_model_is_within_its_targets(found):
    late = [(what, value, limit) for what, value, limit in found.targets if value > limit]
    assert found.targets and late == []


def test_a_queue_has_touched_the_pages_that_the_unit_looked_up_for_it(found):
    for queue in found.all("queue"):
        if queue["mode"] == "full":
            assert queue["beyond"] == 0
            assert queue["touched"] == queue["pages"], queue


@pytest.mark.parametrize("what, load", [("half", "io-4q-64-4k-lifo"),
                                        ("pages", "io-32q-1024-2m-fifo")])
def test_a_model_that_does_not_see_all_is_outside_its_targets(what, load):
    blind = measure("--load", load, "--blind", what, "--accesses", "1000000",
                    "--unit-accesses", "10000")
    assert not blind.is_met
    assert max(blind.errors("full")) > verdict.FULL_WORST
