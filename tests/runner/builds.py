# SPDX-License-Identifier: BSD-3-Clause
"""The build folders that the suites run in: which compiler, which options, which programs."""
import json
import os
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# What the options mean is in meson_options.txt and meson's own list of base options.
# b_lundef: a plugin's sanitizer symbols come from the program that loads it.
SANITIZED = ["-Dbuildtype=debugoptimized", "-Db_lundef=false", "-Dlints=false"]
BUILDS = {
    "build": ("gcc", ["-Dwerror=true"]),
    "build-clang": ("clang", ["-Dwerror=true", "-Dlints=false"]),
    "build-asan": ("clang", [*SANITIZED, "-Doptimization=1", "-Db_sanitize=address,undefined"]),
    "build-tsan": ("clang", [*SANITIZED, "-Db_sanitize=thread"]),
    "build-fuzz": ("clang", [*SANITIZED, "-Db_sanitize=address,undefined", "-Dfuzz=true"]),
}


class Broken(Exception):
    """A folder could not be set up or built; the text is the end of what was said."""


def run(command, log, env=None):
    """Runs a command with its output in a file; raises Broken with the errors in it."""
    with open(log, "wb") as out:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, env=env,
                               stderr=subprocess.STDOUT, cwd=TOP)
    if ended.returncode != 0:
        said = Path(log).read_text(errors="replace").splitlines()
        errors = [line for line in said if "error" in line.lower() or "undefined ref" in line]
        raise Broken("\n".join((errors or said)[-20:]) + f"\n(the whole log is {log})")


def set_up(name):
    """Makes the folder what BUILDS says, and nothing when it is that already."""
    compiler, options = BUILDS[name]
    folder = TOP / name
    log = TOP / ".deps" / f"{name}.setup.log"
    log.parent.mkdir(exist_ok=True)
    env = dict(os.environ, CC=compiler)
    if (folder / "build.ninja").exists():
        # quickstart's folder is the same build, but for warnings: they are errors here.
        # Reconfiguring also finds packages that were installed since.
        command = ["meson", "setup", "--reconfigure", folder, *options]
    else:
        command = ["meson", "setup", folder, *options]
    run(command, log, env)
    return folder


def ninja(folder, targets=()):
    """Builds all, or some targets."""
    run(["ninja", "-C", folder, *targets], folder / "ninja.log")


def introspect(folder, what):
    said = subprocess.run(["meson", "introspect", folder, f"--{what}"], check=True,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return json.loads(said.stdout)


def programs(folder, suite):
    """ninja's names of the executables that the tests of a suite run."""
    built = {target["filename"][0] for target in introspect(folder, "targets")
             if target["type"] == "executable"}
    # meson names a program by its path in the folder, or by the whole path.
    used = {str(folder / word) for test in introspect(folder, "tests")
            if any(name.endswith(f":{suite}") for name in test["suite"])
            for word in test["cmd"]}
    return [str(Path(path).relative_to(folder)) for path in sorted(built & used)]
