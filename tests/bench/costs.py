# SPDX-License-Identifier: BSD-3-Clause
"""Where the time goes: the largest costs that perf sees in a thread or a program."""
import re
import shutil
import subprocess

LARGEST = 3
# perf report's lines: "  41.27%  object  [.] symbol"
LINE = re.compile(r"^\s*([\d.]+)%\s+(\S+)\s+\[.\]\s+(\S+)", re.MULTILINE)


def missing():
    """Why there will be no costs, or None."""
    return None if shutil.which("perf") else "perf is not installed: apt-get install linux-perf"


def of_thread(task, seconds, path):
    """Records a thread (a folder of /proc/PID/task) for so long."""
    record(path, "-t", task.name, "--", "sleep", f"{seconds}")


def of_program(command, path):
    record(path, "--", *command)


def record(path, *what):
    subprocess.run(["perf", "record", "-q", "-F", "2000", "-o", path, *what],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def largest(path):
    """[{percent, symbol, object}], the largest first; empty when perf recorded nothing. An object
    without symbols has an address in place of each: those of one object are one cost."""
    said = subprocess.run(["perf", "report", "-i", path, "--stdio", "--no-children", "-g", "none",
                           "-F", "overhead,dso,sym"], capture_output=True, text=True, check=False)
    costs = {}
    for percent, name, symbol in LINE.findall(said.stdout):
        key = ("functions without a symbol" if symbol.startswith("0x") else symbol, name)
        costs[key] = costs.get(key, 0) + float(percent)
    ranked = sorted(costs.items(), key=lambda cost: -cost[1])
    return [{"percent": round(percent, 1), "symbol": symbol, "object": name}
            for (symbol, name), percent in ranked[:LARGEST]]
