# SPDX-License-Identifier: BSD-3-Clause
"""The tree that the lints look at: which files it has, and findings about them."""
import subprocess
from pathlib import Path

CODE = (".c", ".h", ".py")


class Tree:
    """The files of a checkout that git tracks or would track."""

    def __init__(self, top):
        self.top = Path(top)
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={self.top}", "ls-files", "-z", "--cached",
             "--others", "--exclude-standard"],
            cwd=self.top, capture_output=True, text=True)
        if listed.returncode != 0:
            raise SystemExit(f"lint: git cannot list {self.top}: {listed.stderr.strip()}")
        self.files = sorted(self.top / name for name in set(listed.stdout.split("\0"))
                            if name and (self.top / name).is_file())

    def named(self, *suffixes, under=""):
        return [path for path in self.files
                if path.suffix in suffixes and self.name(path).startswith(under)]

    def scripts(self, *interpreters):
        """Files whose first line names one of the interpreters."""
        found = []
        for path in self.files:
            first = lines(path)[:1]
            if first and first[0].startswith("#!") and first[0].split("/")[-1].split()[-1] in (
                    interpreters):
                found.append(path)
        return found

    def name(self, path):
        return str(path.relative_to(self.top))


def lines(path):
    """The lines of a text file, [] of a binary one."""
    data = path.read_bytes()
    if b"\0" in data[:4096]:
        return []
    return data.decode(errors="replace").splitlines()


class Skip(Exception):
    """The check cannot be made here; the text says why."""
