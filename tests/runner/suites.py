#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Builds, runs the suites that are named, and counts; tests/run calls it when all is installed."""
import concurrent.futures
import functools
import os
import subprocess
import sys
import time
from pathlib import Path

import builds
import tally
from builds import TOP, Broken

PYTEST_LIMIT_S = 1500
SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


def say(*words):
    print(*words, flush=True)


class Run:
    """One call of tests/run: what is built so far, what was counted."""

    def __init__(self):
        self.total = tally.Tally()
        self.built = {}
        self.env = dict(os.environ, **SANITIZER_ENV)
        for name, option in (("lsan", "LSAN_OPTIONS"), ("tsan", "TSAN_OPTIONS")):
            file = TOP / "tests" / f"{name}.supp"
            if file.exists():
                self.env[option] = ":".join(
                    filter(None, [self.env.get(option), f"suppressions={file}"]))

    def count(self, title, function):
        """Runs one step, says how long it took and what came of it."""
        began = time.monotonic()
        try:
            counted = function()
        except Broken as error:
            counted = tally.failure("build", str(error))
        say(f"{title:42} {time.monotonic() - began:7.1f} s   {counted.line()}")
        for name, said in counted.failures:
            say(f"FAILED {title}: {name}")
            say("\n".join(f"    | {line}" for line in said.splitlines()))
        self.total.add(counted.titled(title))

    def build(self, name, only=None):
        """The folder, built once a run; only: what the tests of that suite run. Raises Broken."""
        if (name, only) not in self.built:
            began, outcome = time.monotonic(), "built"
            try:
                folder = builds.set_up(name)
                targets = builds.programs(folder, only) if only else ()
                if targets or not only:
                    builds.ninja(folder, targets)
                self.built[name, only] = folder
            except Broken as error:
                self.built[name, only], outcome = error, "broken"
            say(f"{outcome + ' ' + name:42} {time.monotonic() - began:7.1f} s")
        if isinstance(self.built[name, only], Broken):
            raise self.built[name, only]
        return self.built[name, only]

    def meson(self, folder, name, *which, wrap=()):
        """`meson test` with its logs under a name of their own."""
        log = folder / "meson-logs" / name
        for suffix in ("json", "junit.xml"):
            Path(f"{log}.{suffix}").unlink(missing_ok=True)
        command = [*wrap, "meson", "test", "-C", folder, "--no-rebuild", "--logbase", name, *which]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               env=self.env)
        if not Path(f"{log}.json").exists():
            return tally.failure(name, f"no test ran:\n{tally.tail(ended.stdout + ended.stderr)}")
        counted = tally.of_meson(log)
        if ended.returncode != 0 and not counted.failures:
            counted.add(tally.failure(name, tally.tail(ended.stdout + ended.stderr)))
        return counted

    def pytest(self, folder, build, *options, name=None):
        """pytest on a folder of tests against a build; name: of its report."""
        report = build / "meson-logs" / f"pytest-{name or folder.name}.xml"
        report.unlink(missing_ok=True)
        command = ["/usr/bin/python3", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
                   "--color=no", "--junitxml", report, *options, "."]
        try:
            ended = subprocess.run(command, cwd=folder, env={**self.env, "IOPLANE_BUILD": build},
                                   stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                   timeout=PYTEST_LIMIT_S)
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode(errors="replace")
            return tally.failure(f"pytest {folder.name}", f"ran over {PYTEST_LIMIT_S} s\n"
                                 + tally.tail(said))
        counted = tally.of_pytest(report) if report.exists() else tally.Tally()
        # A status without a failed test is "no tests" (5), or pytest itself came to grief.
        if (ended.returncode or not report.exists()) and not counted.failures:
            counted.add(tally.failure(f"pytest {folder.name} (status {ended.returncode})",
                                      tally.tail(ended.stdout + ended.stderr)))
        return counted


def lint(run):
    run.count("lint", lambda: run.meson(run.build("build"), "lint", "--suite", "lint"))
    for title, folder in (("every lint finds its fault", "lint"),
                          ("tests are counted right", "runner")):
        run.count(f"lint, {title}",
                  lambda: run.pytest(TOP / "tests" / folder, run.build("build")))


def unit(run):
    run.count("unit, gcc", lambda: run.meson(run.build("build"), "unit", "--suite", "unit"))
    run.count("unit, clang",
              lambda: run.meson(run.build("build-clang"), "unit", "--suite", "unit"))
    run.count("unit, ASan and UBSan",
              lambda: run.meson(run.build("build-asan"), "unit", "--suite", "unit"))
    run.count("unit, TSan", lambda: tsan(run))


def tsan(run):
    """The tests of the suite tsan, which run several lcores at once."""
    folder = run.build("build-tsan", "tsan")
    # TSan's shadow has no place for some random layouts of the address space.
    fixed = ["setarch", "-R"]
    can = subprocess.run([*fixed, "true"], capture_output=True).returncode == 0
    return run.meson(folder, "tsan", "--suite", "tsan", wrap=fixed if can else ())


def contract(run):
    for title, name in (("gcc", "build"), ("ASan and UBSan", "build-asan")):
        run.count(f"contract, {title}",
                  lambda: run.meson(run.build(name), "contract", "--suite", "contract"))


def functional(run):
    tests = TOP / "tests/functional"
    run.count("functional", lambda: run.pytest(tests, run.build("build")))
    run.count("functional, ASan and UBSan",
              lambda: run.pytest(tests, run.build("build-asan"),
                                 "-m", "not upstream and not slow and not no_build"))


# What of the machines' tests runs side by side; a machine is booted in each that has tests of it.
VM_SHARES = {
    "vm, e1000e: ports, preflight; small ones": (
        "-k", "e1000e and (test_ports or test_preflight) or [virtio or [no-unit or [passthrough"),
    "vm, e1000e: all else": ("-k", "e1000e and not (test_ports or test_preflight)"),
    "vm, other machines": (
        "-k", "not e1000e and not [virtio and not [no-unit and not [passthrough"),
}


def vm(run):
    """The machine's parts are fetched here, where it is seen how long that takes."""
    fetch = TOP / "tests/vm/fetch"
    # The tests say why they are skipped where it fails.
    subprocess.run([fetch], stdin=subprocess.DEVNULL, check=False)
    build = run.build("build")
    # A machine waits more than it works: three at a time take little longer than one.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        shares = [pool.submit(run.count, title, functools.partial(
                      run.pytest, TOP / "tests/vm", build, *options, name=f"vm{number}"))
                  for number, (title, options) in enumerate(VM_SHARES.items())]
    for share in shares:
        share.result()


def fuzz(run):
    run.count("fuzz", lambda: run.meson(run.build("build-fuzz", "fuzz"), "fuzz",
                                        "--suite", "fuzz"))


SUITES = {"lint": lint, "unit": unit, "contract": contract, "functional": functional,
          "vm": vm, "fuzz": fuzz}


def main():
    began = time.monotonic()
    run = Run()
    wanted = sys.argv[1:]
    for name, suite in SUITES.items():
        if not wanted or name in wanted:
            suite(run)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    say(f"{'all':42} {minutes} min {seconds} s")
    for name, why in run.total.skips:
        say(f"skipped {name}: {why}")
    for name, what in run.total.notes:
        say(f"{name} was {what}")
    for name, _ in run.total.failures:
        say(f"failed {name}")
    say(run.total.line())
    return 1 if run.total.failures or not run.total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
