# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Code without its documentation is the same code, in the same places."""

from __future__ import annotations

import io
import tokenize

import pytest
from compact import compact, compact_folder
from project import ROOT

UTILS = ROOT / "plugins" / "module_utils"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""Of a module."""\nx = 1\n', "\nx = 1\n"),
        ("# SPDX-License-Identifier: X\n# other\nx = 1  # why\n", "# SPDX-License-Identifier: X\n\nx = 1\n"),
        ('x = "# no comment"\n', 'x = "# no comment"\n'),
        ('x = """\n# no comment  \n"""\n', 'x = """\n# no comment  \n"""\n'),
        ('def f():\n    """A\n\n    B"""\n\n    return 1\n', "def f():\n\n\n\n\n    return 1\n"),
        ('def f():\n    """Alone."""\n    # and why\n', "def f():\n    pass\n\n"),
        ('class A: """Beside."""\n', "class A: pass\n"),
        ('async def f():\n    "é" "è"\n    return "é"  # é\n', 'async def f():\n\n    return "é"\n'),
        ('class A:\n    """A."""\n\n    x: int = 1\n    "of x"\n', 'class A:\n\n\n    x: int = 1\n    "of x"\n'),
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


@pytest.mark.parametrize("path", sorted(UTILS.rglob("*.py")), ids=lambda path: path.relative_to(UTILS).as_posix())
def test_the_code_of_the_collection_stays_where_it_is(path):
    source = path.read_text(encoding="utf-8")
    assert words(compact(source)) == words(source)


LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def words(source):
    """(word, place) of all that is neither layout nor a text that stands alone; nor `pass`, which may stand for one."""
    begins, found = True, []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in LAYOUT:
            begins |= token.type == tokenize.NEWLINE
        else:
            if not (begins and token.type == tokenize.STRING) and token.string not in ("", "pass"):
                found.append((token.string, token.start))
            begins = False
    return found
