# SPDX-License-Identifier: BSD-3-Clause
"""Counts single tests from what meson and pytest write down, and keeps what failures said."""
import json
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field

TAIL_LINES = 30


@dataclass
class Tally:
    """Tests by outcome; failures are (name, what it said), skips are (name, why), notes are
    (name, what happened to it) of tests that may have passed all the same."""
    passed: int = 0
    failures: list = field(default_factory=list)
    skips: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failures += other.failures
        self.skips += other.skips
        self.notes += other.notes

    def titled(self, title):
        """The same with a title before each name."""
        return Tally(self.passed, *([(f"{title}: {name}", what) for name, what in told]
                                    for told in (self.failures, self.skips, self.notes)))

    def line(self):
        return f"{self.passed} passed, {len(self.failures)} failed, {len(self.skips)} skipped"


def failure(name, said):
    return Tally(failures=[(name, said)])


def tail(text, lines=TAIL_LINES):
    return "\n".join(text.rstrip().splitlines()[-lines:])


def outcomes(suite):
    """(name, outcome, why) of the test cases of one junit suite."""
    for case in suite.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            bad = case.find("failure") if case.find("failure") is not None else case.find("error")
            yield case, "failed", (bad.text or bad.get("message") or "")
        elif case.find("skipped") is not None:
            why = case.findtext("system-out") or case.find("skipped").get("message") or ""
            yield case, "skipped", why.strip() or "no reason given"
        else:
            yield case, "passed", ""


def add_cases(tally, title, suite, said=None):
    """Adds each case; said replaces what the cases themselves say about failures."""
    for case, outcome, text in outcomes(suite):
        name = f"{title}: {case.get('name')}"
        if outcome == "passed":
            tally.passed += 1
        elif outcome == "skipped":
            tally.skips.append((name, text))
        else:
            tally.failures.append((name, said or tail(text)))


def of_meson(log):
    """The tally of `meson test --logbase LOG`.

    Each line of a program that speaks TAP is a test; so is each program that does not.
    """
    # A program's suite is named "<project>.<test>".
    suites = {suite.get("name").partition(".")[2]: suite
              for suite in xml.parse(f"{log}.junit.xml").getroot().iter("testsuite")}
    total = Tally()
    with open(f"{log}.json") as lines:
        for test in map(json.loads, lines):
            name = test["name"].split(" / ")[-1]  # without "ioplane:unit / "
            said = tail((test.get("stdout") or "") + (test.get("stderr") or ""))
            tally = Tally()
            suite = suites.get(test["name"])
            if suite is not None:
                add_cases(tally, name, suite, said)
            elif test["result"] == "OK":
                tally.passed += 1
            elif test["result"] == "SKIP":
                tally.skips.append((name, said.splitlines()[-1] if said else "no reason given"))
            # A program that died has lines that passed and none that failed.
            if test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL") and not tally.failures:
                tally.failures.append((f"{name} ({test['result'].lower()})", said))
            total.add(tally)
    return total


def of_pytest(path):
    """The tally of `pytest --junitxml PATH`."""
    total = Tally()
    for suite in xml.parse(path).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            one = xml.Element("testsuite")
            one.append(case)
            title = case.get("classname").split(".")[-1]
            add_cases(total, title, one)
            total.notes += [(f"{title}: {case.get('name')}", said.get("value"))
                            for said in case.iter("property") if said.get("name") == "note"]
    return total
