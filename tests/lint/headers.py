# SPDX-License-Identifier: BSD-3-Clause
"""Compiles each header alone, and again after the kernel headers whose names are not ours."""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
from pathlib import Path

from tree import Skip

KEPT = re.compile(r"-(I|D|isystem|std|W(?!l,)|m|f(?!sanitize|diagnostics))")
NAMES = Path(__file__).with_name("iommufd-names.txt")


def compile_commands(build):
    """(folder of the source, compiler and flags, working folder) of each C file."""
    database = Path(build or "", "compile_commands.json")
    if not build or not database.exists():
        raise Skip("no build folder: give one with --build")
    for entry in json.loads(database.read_text()):
        words = shlex.split(entry["command"])
        if Path(words[0]).name == "ccache":
            words = words[1:]
        flags = []
        for word, following in zip(words, [*words[1:], ""]):
            if word in ("-isystem", "-include"):
                flags += [word, following]
            elif KEPT.match(word):
                flags.append(word)
        source = (Path(entry["directory"]) / entry["file"]).resolve()
        yield source.parent, words[0], flags, entry["directory"]


def taken_names():
    """Declares the names of <linux/iommufd.h>, for systems that lack it."""
    declare = {"struct": "struct {} {{ char taken; }};", "enum": "enum {0} {{ taken_{0} }};",
               "constant": "enum {{ {} }};", "macro": "#define {} taken"}
    for line in NAMES.read_text().splitlines():
        if not line.startswith("#"):
            kind, name = line.split()
            yield declare[kind].format(name)


def kernel_headers():
    stub = "\n".join(taken_names())
    return ("#include <linux/types.h>\n#include <linux/vfio.h>\n"
            "#if __has_include(<linux/iommufd.h>)\n#include <linux/iommufd.h>\n"
            f"#else\n{stub}\n#endif\n")


def compiles(compiler, flags, folder, text):
    """None when it compiles, else the first error."""
    ended = subprocess.run([compiler, *flags, "-Werror", "-fno-diagnostics-color",
                            "-fsyntax-only", "-x", "c", "-"],
                           input=text, capture_output=True, text=True, cwd=folder)
    if ended.returncode == 0:
        return None
    return next((line for line in ended.stderr.splitlines() if "error:" in line),
                ended.stderr.strip())


def headers(tree, build):
    """Each header stands alone, twice, and takes no name of iommufd's or vfio's."""
    commands = list(compile_commands(build))

    def commands_for(path):
        # As files of its folder see it, which in tests/ differ; without any, as the others do.
        own = [command for command in commands if command[0] == path.parent]
        return {str(flags): (compiler, flags, cwd)
                for _, compiler, flags, cwd in own or commands}.values()

    def check(path):
        error = None
        for command in sorted(commands_for(path), key=lambda command: -len(command[1])):
            error = check_with(path, *command)
            if error is None:
                break
        return error

    def check_with(path, compiler, flags, cwd):
        include = f'#include "{path}"\n'
        for title, text in (("alone", include + include),
                            ("after the kernel's headers", kernel_headers() + include)):
            error = compiles(compiler, flags, cwd, text)
            if error:
                return f"does not compile {title}: {error}"
        return None

    paths = [path for path in tree.named(".h") if not tree.name(path).startswith("tests/lint/")]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for path, error in zip(paths, pool.map(check, paths)):
            if error:
                yield path, 1, error
