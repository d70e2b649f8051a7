# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks found: ratios and their medians, the table, and the same as JSON."""
import json
import os
import platform
import re
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

COLUMNS = ("name", "ours", "theirs", "unit", "ratio", "min-max", "target", "verdict")
RIGHT = ("ours", "ratio")
NEAR = 0.8


@dataclass
class Result:
    """One benchmark; lists hold one value a run. `needed` is the ratio that meets the target."""
    name: str
    unit: str
    target: str
    needed: float = None
    ours: list = field(default_factory=list)
    theirs: list = field(default_factory=list)
    reference: str = "-"
    ratios: list = field(default_factory=list)
    cycles: dict = field(default_factory=dict)
    costs: list = field(default_factory=list)
    reason: str = None

    @property
    def of_target(self):
        return median(self.ratios) / self.needed if self.ratios and self.needed else None

    @property
    def verdict(self):
        """met; near: 0.8 of the target or more; short: less; failed: did not run."""
        if self.reason:
            return "failed"
        if self.of_target is None:
            return "-"
        return "met" if self.of_target >= 1 else "near" if self.of_target >= NEAR else "short"

    @property
    def is_below(self):
        return self.verdict in ("near", "short")

    def row(self):
        spread = f"{min(self.ratios):.2f}-{max(self.ratios):.2f}" if self.ratios else "-"
        return dict(zip(COLUMNS, (
            self.name, middle(self.ours), middle(self.theirs, self.reference), self.unit,
            middle(self.ratios), spread, self.target, self.verdict)))

    def json(self):
        return {"name": self.name, "unit": self.unit, "ours": summary(self.ours),
                "theirs": summary(self.theirs) or (None if self.reference == "-"
                                                   else self.reference),
                "ratio": summary(self.ratios), "target": self.target,
                "of_target": self.of_target, "verdict": self.verdict, "reason": self.reason,
                "cycles_per_packet": self.cycles or None, "costs": self.costs}


def middle(values, otherwise="-"):
    return f"{median(values):.2f}" if values else otherwise


def summary(values):
    return {"median": median(values), "min": min(values), "max": max(values),
            "runs": values} if values else None


def print_table(results):
    rows = [dict(zip(COLUMNS, COLUMNS))] + [result.row() for result in results]
    widths = {column: max(len(row[column]) for row in rows) for column in COLUMNS}
    for row in rows:
        cells = [row[column].rjust(widths[column]) if column in RIGHT
                 else row[column].ljust(widths[column]) for column in COLUMNS]
        print("  ".join(cells).rstrip())
    for result in results:
        print_notes(result)


def print_notes(result):
    if result.reason:
        print(f"\n{result.name} could not run: {result.reason}")
        return
    if result.cycles:
        print(f"\n{result.name}: {result.cycles['ours']:.1f} cycles a packet, "
              f"theirs {result.cycles['theirs']:.1f}")
    if "accesses" in result.cycles:
        more = result.cycles["ours"] - result.cycles["theirs"]
        print(f"  {more / result.cycles['accesses']:.2f} cycles an access, "
              f"{result.cycles['accesses']:.2f} accesses a packet")
    if result.costs:
        print(f"\n{result.name}: {result.of_target:.2f} of its target; the largest costs:")
        for cost in result.costs:
            print(f"  {cost['percent']:5.1f} %  {cost['symbol']}  ({cost['object']})")


def machine():
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {"cpu": model.group(1) if model else platform.machine(),
            "cpus": len(os.sched_getaffinity(0)), "kernel": platform.release()}


def write_json(path, results):
    report = {"version": 1, "machine": machine(),
              "benchmarks": [result.json() for result in results]}
    Path(path).write_text(json.dumps(report, indent=2) + "\n")
