#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Looks at the tree for what the design does not want; one finding a line, exit status 1."""
import argparse
import sys
from pathlib import Path

import headers
import includes
import text
import tools
from tree import Skip, Tree

CHECKS = {
    "file-length": text.file_length,
    "function-length": text.function_length,
    "file-head": text.file_head,
    "marks": text.marks,
    "places": text.places,
    "no-captures": text.no_captures,
    "no-exit": text.no_exit,
    "upward-includes": includes.upward,
    "lib-below-drivers": includes.lib_below_drivers,
    "pure-layers": includes.pure_layers,
    "one-vfio-file": includes.one_vfio_file,
    "headers": headers.headers,
    "layout": tools.layout,
    "shell": tools.shell,
}


def findings(name, tree, build=None):
    """Lines that say what one check finds."""
    check = CHECKS[name]
    found = check(tree, build) if check is headers.headers else check(tree)
    return [f"{tree.name(path)}:{number}: {said}" for path, number, said in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog="\n".join(
        f"  {name:18} {check.__doc__.splitlines()[0]}" for name, check in CHECKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="those below; none: all")
    parser.add_argument("--top", default=Path(__file__).resolve().parents[2], type=Path,
                        help="the tree to look at")
    parser.add_argument("--build", type=Path, help="a build folder of it, for `headers`")
    parser.add_argument("--fix", action="store_true", help="lay the files out (with `layout`)")
    args = parser.parse_args()
    unknown = set(args.checks) - set(CHECKS)
    if unknown:
        parser.error(f"no such check: {', '.join(sorted(unknown))}")
    tree = Tree(args.top.resolve())
    if args.fix:
        tools.fix_layout(tree)
    failed, skipped = False, False
    for name in args.checks or CHECKS:
        try:
            for line in findings(name, tree, args.build):
                print(f"{line} [{name}]")
                failed = True
        except Skip as why:
            print(f"{name}: skipped: {why}")
            skipped = True
    return 1 if failed else 77 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
