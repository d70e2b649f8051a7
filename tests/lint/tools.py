# SPDX-License-Identifier: BSD-3-Clause
"""Checks that other programs make: clang-format and shellcheck."""
import re
import shutil
import subprocess

from tree import Skip

# Every version lays out a little differently: one is the judge.
CLANG_FORMAT = 14


def clang_format():
    for name in (f"clang-format-{CLANG_FORMAT}", "clang-format"):
        if shutil.which(name):
            said = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
            if f"version {CLANG_FORMAT}." in said:
                return name
    raise Skip(f"clang-format {CLANG_FORMAT} is not installed")


def layout(tree):
    """The layout is clang-format's; `lint.py layout --fix` applies it."""
    program = clang_format()
    for path in tree.named(".c", ".h"):
        ended = subprocess.run([program, "--dry-run", "-Werror", path],
                               capture_output=True, text=True, cwd=tree.top)
        found = re.search(r":(\d+):\d+: error: ", ended.stderr)
        if ended.returncode != 0:
            yield path, int(found.group(1)) if found else 1, (
                "not laid out by .clang-format: tests/lint/lint.py layout --fix")


def fix_layout(tree):
    subprocess.run([clang_format(), "-i", *tree.named(".c", ".h")], check=True, cwd=tree.top)


def shell(tree):
    """shellcheck has nothing to say."""
    if not shutil.which("shellcheck"):
        raise Skip("shellcheck is not installed")
    scripts = set(tree.scripts("bash", "sh")) | set(tree.named(".sh"))
    ended = subprocess.run(["shellcheck", "-x", "-f", "gcc", *sorted(scripts)],
                           capture_output=True, text=True, cwd=tree.top)
    for line in ended.stdout.splitlines():
        path, number, _, said = line.split(":", 3)
        yield tree.top / path, int(number), said.strip()
    if ended.returncode > 1:
        raise SystemExit(f"lint: shellcheck: {ended.stderr.strip()}")
