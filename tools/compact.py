# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Python code without its documentation: what is zipped for every task needs none.

Comments and docstrings go, but for the licence and what is said to ansible-test, and with them the lines that hold
nothing else. What is left is the same code, and as well set out.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

KEPT = ("# SPDX-", "# pylint:", "#!")  # what is published passes the same checks
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def compact(source: str) -> str:
    """Return SOURCE without comments and docstrings.

    Raises:
        ValueError: something else would change with them, such as a statement behind a docstring on its line.
    """
    tree = ast.parse(source)
    lines = source.split("\n")
    touched: set[int] = set()
    for row, column in comments(source):
        lines[row] = lines[row][:column].rstrip()
        touched.add(row)
    for owner, docstring in docstrings(tree):
        alone = len(owner.body) == 1 and not isinstance(owner, ast.Module)
        touched.update(cut(lines, docstring, "pass" if alone else ""))
        owner.body[:1] = [ast.Pass()] if alone else []
    found = "\n".join(kept(lines, {row for row in touched if not lines[row]}))
    try:
        same = ast.dump(ast.parse(found)) == ast.dump(tree)
    except SyntaxError:
        same = False
    if not same:
        raise ValueError("its documentation cannot be told from its code")
    return found


def comments(source: str) -> Iterator[tuple[int, int]]:
    """Where comments begin: line, from 0, and column."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(KEPT):
            yield token.start[0] - 1, token.start[1]


def docstrings(tree: ast.Module) -> Iterator[tuple[ast.Module | ast.ClassDef | ast.FunctionDef, ast.Expr]]:
    """Each class, function or module that has a docstring, with it."""
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            yield node, node.body[0]


def cut(lines: list[str], node: ast.Expr, instead: str) -> range:
    """Put INSTEAD into LINES where NODE is; return which lines that were."""
    rows = range(node.lineno - 1, node.end_lineno)
    before = lines[rows[0]].encode()[: node.col_offset].decode()
    behind = lines[rows[-1]].encode()[node.end_col_offset :].decode()
    for row in rows:
        lines[row] = ""
    lines[rows[0]] = (before + instead + behind).rstrip()
    return rows


def kept(lines: list[str], gone: set[int]) -> list[str]:
    """The LINES but for those that are GONE, and for blank ones behind them that set nothing apart."""
    found: list[str] = []
    behind = False
    for row, line in enumerate(lines):
        if row in gone:
            behind = True
        elif line or not behind or (found and found[-1] and not found[-1].endswith(":")):
            found.append(line)
            behind = False
    return found


def compact_folder(folder: Path) -> None:
    """Compact all Python files below FOLDER, in place.

    Raises:
        ValueError: it names the file that cannot be compacted.
    """
    for path in sorted(folder.rglob("*.py")):
        try:
            path.write_text(compact(path.read_text(encoding="utf-8")), encoding="utf-8")
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from None
