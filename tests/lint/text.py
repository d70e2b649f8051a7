# SPDX-License-Identifier: BSD-3-Clause
"""Checks that need no more than the text of the files."""
import ast
import re

from tree import CODE, lines

MAX_FILE = 500
MAX_FUNCTION = 60
SPDX = "SPDX-License-Identifier: BSD-3-Clause"
# Spelled in two halves, so that this file does not hold what it looks for.
MARKS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
PLACES = re.compile(
    r"(?<![\w.])/home/\w|(?<![\w.])/root/\w|"
    r"\bdeb(-src)?\s[^#]*http" r"s?://|^URIs:\s*http|"
    r"https?://[^\s/\"']*(debian\.org|ubuntu\.com|pypi|pythonhosted|crates\.io|"
    r"npmjs|registry|artifact|mirror|proxy\.golang)")
CAPTURE_MAGIC = {bytes.fromhex(magic) for magic in (
    "d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "0a0d0d0a")}


def code(tree):
    return sorted(set(tree.named(*CODE, ".sh")) | set(tree.scripts("bash", "sh", "python3")))


def file_length(tree):
    """No file is longer than 500 lines."""
    for path in code(tree):
        count = len(lines(path))
        if count > MAX_FILE:
            yield path, 1, f"{count} lines, at most {MAX_FILE}: split it by object"


def c_functions(text):
    """(line of the name, lines) of each function; braces of bodies stand in column 0."""
    begin = None
    for number, line in enumerate(text, 1):
        if line.startswith("{"):
            # The name is on the first line of what precedes the brace.
            begin = number
            while begin > 1 and re.match(r"[\w\t *(),.\[\]]+$", text[begin - 2]):
                begin -= 1
        elif line.startswith("}") and begin:
            yield begin, number - begin + 1
            begin = None


def shell_functions(text):
    begin = None
    for number, line in enumerate(text, 1):
        if re.match(r"\w+\(\) \{$", line):
            begin = number
        elif line == "}" and begin:
            yield begin, number - begin + 1
            begin = None


def python_functions(text):
    for node in ast.walk(ast.parse("\n".join(text))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def function_length(tree):
    """No function is longer than 60 lines, from its name to its closing brace."""
    for path in code(tree):
        find = {".c": c_functions, ".h": c_functions, ".py": python_functions}.get(path.suffix)
        if find is None:
            is_python = lines(path)[0].endswith("python3")
            find = python_functions if is_python else shell_functions
        for number, count in find(lines(path)):
            if count > MAX_FUNCTION:
                yield path, number, f"function of {count} lines, at most {MAX_FUNCTION}"


def file_head(tree):
    """A file begins with the licence, then a sentence that says what it is for."""
    for path in code(tree):
        text = lines(path)
        if path.suffix in (".c", ".h"):
            head, sentence = f"/* {SPDX} */", r"/\* \S.*"
        else:
            head, sentence = f"# {SPDX}", r'#+ \S.*|""".+'
            if text and text[0].startswith("#!"):
                text = text[1:]
        if not text:
            continue
        if text[0] != head:
            yield path, 1, f"the first line is not: {head}"
        elif len(text) < 2 or not re.match(sentence, text[1]):
            yield path, 2, "the licence is not followed by a sentence that says what this is for"


def marks(tree):
    """Nothing is left open: open questions live in issues."""
    for path in tree.files:
        for number, line in enumerate(lines(path), 1):
            found = MARKS.search(line)
            if found:
                yield path, number, f"{found.group()}: finish it or open an issue"


def places(tree):
    """No path of somebody's machine and no package host."""
    # The folder that the tree lies in, unless it is one like / or /opt, which all have.
    above = re.compile(re.escape(f"{tree.top.parent}/") + r"\w")
    is_deep = len(str(tree.top.parent)) > 4
    for path in tree.files:
        for number, line in enumerate(lines(path), 1):
            if PLACES.search(line) or (is_deep and above.search(line)):
                yield path, number, f"a place that other machines do not have: {line.strip()}"


def no_captures(tree):
    """No capture is in the tree: they are made, or they are somebody's traffic."""
    for path in tree.files:
        is_seed = tree.name(path).startswith("tests/fuzz/corpus/")
        with open(path, "rb") as file:
            has_magic = file.read(4) in CAPTURE_MAGIC
        if path.suffix in (".pcap", ".pcapng", ".cap") or (has_magic and not is_seed):
            yield path, 1, "a capture: config/gen-capture.py makes one when it is needed"


def no_exit(tree):
    """Only the program ends the program."""
    for path in tree.named(".c", ".h", under="lib/") + tree.named(".c", ".h", under="drivers/"):
        for number, line in enumerate(lines(path), 1):
            found = re.search(r"\b(_?exit|_Exit|abort|rte_exit|rte_panic)\s*\(", line)
            if found and not re.match(r"\s*(/?\*|//)", line):
                yield path, number, f"{found.group(1)}() below main: return an error"
