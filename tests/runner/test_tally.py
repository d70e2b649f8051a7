# SPDX-License-Identifier: BSD-3-Clause
"""Shows that tests/run counts what happened: failures, crashes, skips and tests that never ran."""
import subprocess
from pathlib import Path

import pytest

import suites

TAP = Path(__file__).parents[1] / "tap"
PROGRAMS = {
    "fine": 'echo 1..2; echo "ok 1 - one"; echo "ok 2 - two"',
    "bad": 'echo 1..2; echo "ok 1 - one"; echo "not ok 2 - two"; echo "# 0x1 != 0x2"; exit 1',
    "skips": 'echo 1..2; echo no hugepages; echo "not ok 1 # SKIP one"; echo "ok 2 - two"',
    "dies": 'echo 1..3; echo "ok 1 - one"; kill -SEGV $$',
    "stops": 'echo 1..3; echo "ok 1 - one"',
    "hangs": 'echo 1..1; exec sleep 60',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A meson project whose tests end in every way there is."""
    top = tmp_path_factory.mktemp("project")
    words = ["project('sample', 'c')", f"tap = find_program('{TAP}')"]
    for name, script in PROGRAMS.items():
        (top / name).write_text(f"#!/bin/bash\n{script}\n")
        (top / name).chmod(0o755)
        words.append(f"test('{name}', tap, args: files('{name}'), protocol: 'tap', timeout: 1,"
                     " suite: 'unit')")
    words += ["test('whole', find_program('true'), suite: 'unit')",
              "test('half', find_program('false'), suite: 'unit')",
              "test('later', find_program('bash'), args: ['-c', 'echo no tool; exit 77'],"
              " suite: 'unit')"]
    (top / "meson.build").write_text("\n".join(words) + "\n")
    subprocess.run(["meson", "setup", top / "build", top], check=True, capture_output=True)
    return top / "build"


def counted(folder, *names):
    return suites.Run().meson(folder, "-".join(names) or "all", *names)


@pytest.mark.parametrize("name, line", [
    ("fine", "2 passed, 0 failed, 0 skipped"),
    ("bad", "1 passed, 1 failed, 0 skipped"),
    ("skips", "1 passed, 0 failed, 1 skipped"),
    ("dies", "1 passed, 1 failed, 0 skipped"),
    ("stops", "1 passed, 1 failed, 0 skipped"),
    ("hangs", "0 passed, 1 failed, 0 skipped"),
    ("whole", "1 passed, 0 failed, 0 skipped"),
    ("half", "0 passed, 1 failed, 0 skipped"),
    ("later", "0 passed, 0 failed, 1 skipped"),
])
def test_each_way_to_end_is_counted(folder, name, line):
    assert counted(folder, name).line() == line


def test_all_at_once_is_the_sum(folder):
    assert counted(folder).line() == "7 passed, 5 failed, 2 skipped"


def test_a_failure_shows_what_was_said(folder):
    (name, said), = counted(folder, "bad").failures
    assert "2 - two" in name
    assert "0x1 != 0x2" in said


def test_a_skip_says_why(folder):
    assert [why for _, why in counted(folder, "skips").skips] == ["no hugepages"]
    assert [why for _, why in counted(folder, "later").skips] == ["no tool"]


def test_no_tests_is_a_failure(folder, tmp_path):
    assert counted(folder, "--suite", "none").line() == "0 passed, 1 failed, 0 skipped"
    (tmp_path / "meson-logs").mkdir()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert suites.Run().pytest(empty, tmp_path).line() == "0 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize("text, line", [
    ("def test_a():\n    pass\n", "1 passed, 0 failed, 0 skipped"),
    ("def test_a():\n    assert 0\n", "0 passed, 1 failed, 0 skipped"),
    ("import pytest\ndef test_a():\n    pytest.skip('why')\n", "0 passed, 0 failed, 1 skipped"),
    ("import pytest\n@pytest.fixture\ndef x():\n    assert 0\ndef test_a(x):\n    pass\n",
     "0 passed, 1 failed, 0 skipped"),
    ("import nonesuch\n", "0 passed, 1 failed, 0 skipped"),
    ("import os\ndef test_a():\n    os._exit(0)\n", "0 passed, 1 failed, 0 skipped"),
])
def test_pytest_is_counted(text, line, tmp_path):
    (tmp_path / "meson-logs").mkdir()
    (tmp_path / "test_it.py").write_text(text)
    assert suites.Run().pytest(tmp_path, tmp_path).line() == line


def test_what_happened_to_a_test_is_told(tmp_path):
    """A machine that was booted anew under it, of a test that passed in the end."""
    (tmp_path / "meson-logs").mkdir()
    (tmp_path / "test_it.py").write_text(
        "def test_a(record_property):\n    record_property('note', 'run again: why')\n"
        "    record_property('other', 1)\n")
    tally = suites.Run().pytest(tmp_path, tmp_path).titled("suite")
    assert tally.line() == "1 passed, 0 failed, 0 skipped"
    assert tally.notes == [("suite: test_it: test_a", "run again: why")]


def test_a_broken_build_is_a_failure(capsys):
    run = suites.Run()

    def broken():
        raise suites.Broken("error: it does not compile")
    run.count("unit", broken)
    assert run.total.line() == "0 passed, 1 failed, 0 skipped"
    assert "it does not compile" in capsys.readouterr().out


def test_a_suite_that_is_not_there_is_refused():
    ended = subprocess.run([Path(__file__).parents[1] / "run", "nonesuch"], capture_output=True,
                           text=True)
    assert ended.returncode == 2
    assert "usage:" in ended.stderr


@pytest.mark.parametrize("ends, status", [(0, 0), (1, 1), (77, 1)])
def test_a_fuzz_target_that_crashes_is_not_skipped(ends, status, tmp_path):
    program = tmp_path / "fuzz_sample"
    program.write_text(f"#!/bin/sh\nexit {ends}\n")
    program.chmod(0o755)
    ended = subprocess.run([TAP.parent / "fuzz" / "run-target", program, tmp_path / "none"])
    assert ended.returncode == status
    assert list(tmp_path.iterdir()) == [program]
