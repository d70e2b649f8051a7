# SPDX-License-Identifier: BSD-3-Clause
"""Reads the tables that the program prints."""


def tables(text):
    """The tables by their titles: a list of rows, each a list of (column, cell)."""
    found, title, columns = {}, None, None
    for line in text.splitlines():
        if not line.startswith("  "):
            title, columns = line, None
        elif columns is None:
            columns = line.split()
            found[title] = []
        else:
            cells = line.split(None, len(columns) - 1)
            if len(cells) == len(columns):
                found[title].append(list(zip(columns, cells)))
    return found


def number(cell):
    """A cell as JSON has it: n/a is null."""
    return None if cell == "n/a" else int(cell)
