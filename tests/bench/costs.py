# SPDX-License-Identifier: BSD-3-Clause
"""Where the time goes: the largest costs that perf sees in a thread or a program."""
import bisect
import re
import shutil
import subprocess
from pathlib import Path

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
    """[{percent, symbol, object}], the largest first; empty when perf recorded nothing."""
    said = run("perf", "report", "-i", path, "--stdio", "--no-children", "-g", "none",
               "-F", "overhead,dso,sym")
    files = {Path(line.split()[-1]).name: line.split()[-1]
             for line in run("perf", "buildid-list", "-i", path).splitlines()}
    functions = {}
    costs = {}
    for percent, name, symbol in LINE.findall(said):
        if symbol.startswith("0x"):
            if name not in functions:
                functions[name] = starts(files.get(name))
            symbol = nearest(functions[name], int(symbol, 16))
        costs[symbol, name] = costs.get((symbol, name), 0) + float(percent)
    ranked = sorted(costs.items(), key=lambda cost: -cost[1])
    return [{"percent": round(percent, 1), "symbol": symbol, "object": name}
            for (symbol, name), percent in ranked[:LARGEST]]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def starts(file):
    """Where the functions of an object begin that has no symbols but can be unwound."""
    frames = run("readelf", "-wF", file) if file else ""
    return sorted(int(start, 16) for start in re.findall(r"FDE .* pc=(\w+)\.\.", frames))


def nearest(functions, address):
    index = bisect.bisect(functions, address)
    return f"function at {functions[index - 1]:#x}" if index else "a function without a symbol"
