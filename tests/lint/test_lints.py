# SPDX-License-Identifier: BSD-3-Clause
"""Shows that every lint finds what it looks for, and leaves a good tree alone."""
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import lint
import tools
from tree import Skip, Tree

HERE = Path(__file__).parent
SPDX = "SPDX-License-Identifier: BSD-3-Clause"
HEAD = f"/* {SPDX} */\n/* What this file is for. */\n"
# In halves: this file is linted too.
MARK = "TO" + "DO"
SOURCE = "deb " + "http" + "://archive.invalid/debian stable main"

GOOD = {
    "lib/low/low.h": HEAD + "#pragma once\n\nint low_get(int value);\n",
    "lib/low/low.c": HEAD + '#include "low.h"\n\nint low_get(int value)\n{\n\treturn value;\n}\n',
    "drivers/net/card/card.h": HEAD + "#pragma once\n\nstruct card;\n",
    "drivers/net/card/card.c": HEAD + '#include "card.h"\n#include "low.h"\n'
                               "#include <rte_vfio.h>\n",
    "config/do": f"#!/usr/bin/env bash\n# {SPDX}\n# Does it.\necho ready\n",
    "tools/see.py": f"# SPDX-License-Identifier: BSD-3-Clause\n\"\"\"Sees it.\"\"\"\nimport os\n",
}

BAD = [
    ("file-length", "lib/low/long.c", HEAD + "int low_x;\n" * 499),
    ("file-length", "config/long", f"#!/bin/sh\n# {SPDX}\n# Long.\n" + "true\n" * 498),
    ("function-length", "lib/low/fn.c",
     HEAD + "int low_fn(int a,\n\t   int b)\n{\n" + "\ta++;\n" * 58 + "}\n"),
    ("function-length", "tools/fn.py", f"# {SPDX}\n\"\"\"X.\"\"\"\ndef f():\n" + "    f()\n" * 60),
    ("function-length", "config/fn.sh", f"# {SPDX}\n# X.\nf() {{\n" + "\ttrue\n" * 59 + "}\n"),
    ("file-head", "lib/low/bare.c", "int low_x;\n"),
    ("file-head", "lib/low/mute.c", f"/* {SPDX} */\nint low_x;\n"),
    ("file-head", "lib/low/other.c", HEAD.replace("BSD-3-Clause", "MIT")),
    ("file-head", "config/bare", "#!/usr/bin/env bash\ntrue\n"),
    ("marks", "lib/low/open.c", HEAD + f"/* {MARK}: finish */\n"),
    ("marks", "config/open", f"#!/bin/sh\n# {SPDX}\n# X.\n# FIX" + "ME\n"),
    ("places", "lib/low/home.c", HEAD + '/* see /ho' + 'me/somebody/notes */\n'),
    ("places", "config/source", f"#!/bin/sh\n# {SPDX}\n# X.\necho {SOURCE}\n"),
    ("places", "doc.md", "from http" + "s://pypi.invalid/simple\n"),
    ("no-captures", "data/some.pcap", "anything\n"),
    ("no-captures", "data/some.bin", b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00"),
    ("no-exit", "lib/low/end.c", HEAD + "void low_end(void)\n{\n\texit(1);\n}\n"),
    ("no-exit", "drivers/net/card/end.c", HEAD + 'void end(void)\n{\n\trte_panic("x");\n}\n'),
    ("upward-includes", "lib/low/up.c", HEAD + '#include "../high/high.h"\n'),
    ("lib-below-drivers", "lib/low/up.c", HEAD + '#include "card.h"\n'),
    ("pure-layers", "lib/iova/iova.c", HEAD + "#include <rte_mbuf.h>\n"),
    ("pure-layers", "lib/iotlb/iotlb.c", HEAD + "#include <sys/mman.h>\n"),
    ("one-vfio-file", "drivers/net/card/other.c", HEAD + "#include <rte_vfio.h>\n"),
    ("headers", "lib/low/half.h", HEAD + "#pragma once\n\nuint64_t low_half(void);\n"),
    ("headers", "lib/low/twice.h", HEAD + "struct low_twice {\n\tint x;\n};\n"),
    ("headers", "lib/low/taken.h", HEAD + "#pragma once\n\nstruct iommu_ioas_map {\n};\n"),
    ("headers", "lib/low/macro.h", HEAD + "#pragma once\n\nenum { VFIO_TYPE1_IOMMU };\n"),
    ("layout", "lib/low/wide.c", HEAD + "int low_wide(int a) { return a; }\n"),
    ("shell", "config/quote", f"#!/usr/bin/env bash\n# {SPDX}\n# X.\nrm $1\n"),
]


@pytest.fixture
def good(tmp_path):
    """A tree without a fault, as git and a build folder see it."""
    top = tmp_path / "tree"
    for name, content in GOOD.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(content)
    shutil.copy(lint.Path(lint.__file__).parents[2] / ".clang-format", top)
    subprocess.run(["git", "init", "-q", top], check=True)
    build = tmp_path / "build"
    build.mkdir()
    (build / "compile_commands.json").write_text(json.dumps([{
        "directory": str(build), "file": str(top / "lib/low/low.c"),
        "command": f"cc -I{top}/lib/low -std=gnu11 -Wall -c {top}/lib/low/low.c -o low.o"}]))
    return top, build


def findings(name, tree):
    top, build = tree
    try:
        return lint.findings(name, Tree(top), build)
    except Skip as why:
        pytest.skip(str(why))


@pytest.mark.parametrize("name", lint.CHECKS)
def test_a_good_tree_has_no_findings(name, good):
    assert findings(name, good) == []


@pytest.mark.parametrize("name, path, content", BAD,
                         ids=[f"{name}:{path}" for name, path, _ in BAD])
def test_a_fault_is_found(name, path, content, good):
    file = good[0] / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert [line.split(":")[0] for line in findings(name, good)] == [path]


def test_every_lint_has_a_fault_and_is_run_by_meson():
    registered = re.search(r"lints = \[(.*?)\]", (HERE / "meson.build").read_text(), re.S)
    assert set(re.findall(r"'(.+?)'", registered[1])) == set(lint.CHECKS)
    assert {name for name, _, _ in BAD} == set(lint.CHECKS)


def test_a_place_is_a_path_that_goes_on(good):
    above, file = good[0].parent, good[0] / "doc.md"
    file.write_text(f"what begins with {above}/ is looked for\n")
    assert findings("places", good) == []
    file.write_text(f"see {above}/notes\n")
    assert findings("places", good)


def test_lengths_at_the_limit_are_allowed(good):
    body = HEAD + "int low_fn(int a)\n{\n" + "\ta++;\n" * 57 + "}\n"
    (good[0] / "lib/low/limit.c").write_text(body + "int low_x;\n" * (500 - body.count("\n")))
    assert findings("file-length", good) == []
    assert findings("function-length", good) == []


def test_fix_lays_files_out(good):
    file = good[0] / "lib/low/wide.c"
    file.write_text(HEAD + "int low_wide(int a) { return a; }\n")
    assert findings("layout", good)
    tools.fix_layout(Tree(good[0]))
    assert findings("layout", good) == []


def test_an_unknown_check_is_a_usage_error():
    ended = subprocess.run([HERE / "lint.py", "no-such-check"], capture_output=True, text=True)
    assert ended.returncode == 2
    assert "no such check: no-such-check" in ended.stderr
