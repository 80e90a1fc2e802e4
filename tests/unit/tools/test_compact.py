# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Code without its documentation is the same code, and as well set out."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from compact import compact, compact_folder
from project import ROOT

UTILS = ROOT / "plugins" / "module_utils"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('# SPDX-X\n\n"""Of a module."""\n\nx = 1\n', "# SPDX-X\n\nx = 1\n"),
        ("# SPDX-X\n# other\nx = 1  # why\n", "# SPDX-X\nx = 1\n"),
        ("x = y  # pylint: disable=z\n", "x = y  # pylint: disable=z\n"),
        ('x = "# no comment"\n', 'x = "# no comment"\n'),
        ('x = """\n# no comment  \n\n"""\n', 'x = """\n# no comment  \n\n"""\n'),
        ("x = (\n    # why\n    1,\n)\n", "x = (\n    1,\n)\n"),
        ("x = 1\n# of y\ny = 1\n", "x = 1\ny = 1\n"),
        ("x = 1\n\n\n# ---- a part\n\n\ny = 1\n", "x = 1\n\n\ny = 1\n"),
        ("x = 1\n# of x\n\n\ny = 1\n", "x = 1\n\n\ny = 1\n"),
        ('def f():\n    """A\n\n    B"""\n\n    return 1\n', "def f():\n    return 1\n"),
        ('def f():\n    """Alone."""\n    # and why\n', "def f():\n    pass\n"),
        ('class A: """Beside."""\n', "class A: pass\n"),
        ('async def f():\n    "é" "è"\n    return "é"  # é\n', 'async def f():\n    return "é"\n'),
        ('class A:\n    """A."""  # a\n\n    x: int = 1\n    "of x"\n', 'class A:\n    x: int = 1\n    "of x"\n'),
        ("", ""),
    ],
)
def test_what_remains(source, expected):
    assert compact(source) == expected
    assert compact(expected) == expected


def test_what_cannot_be_told_from_code_is_refused(tmp_path):
    (tmp_path / "odd.py").write_text('def f():\n    """A."""; return 1\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"odd\.py: its documentation cannot be told from its code"):
        compact_folder(tmp_path)


def test_the_code_of_the_collection_stays_as_it_is(tmp_path):
    """Judged by its words and by a linter, for what is published is checked as sources are."""
    folder = tmp_path / "module_utils"
    shutil.copytree(UTILS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    compact_folder(folder)
    for path in UTILS.rglob("*.py"):
        source, published = path, folder / path.relative_to(UTILS)
        assert words(published.read_text("utf-8")) == words(source.read_text("utf-8")), path
    ruff = [
        Path(sys.executable).with_name("ruff"),
        "check",
        "--isolated",
        "--no-cache",
        "--preview",
        "--line-length=160",
    ]
    done = subprocess.run([*ruff, "--select=E1,E2,E3,E5,W", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def words(source):
    """All that is neither layout nor a text that stands alone; nor `pass`, which may stand for one."""
    begins, found = True, []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in LAYOUT:
            begins |= token.type == tokenize.NEWLINE
        else:
            if not (begins and token.type == tokenize.STRING) and token.string not in ("", "pass"):
                found.append(token.string)
            begins = False
    return found
