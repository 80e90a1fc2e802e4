# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Python code without its documentation, line for line: what is zipped for every task needs none.

Comments and docstrings go, but for the licence; every statement stays on the line and in the column where it is, so
that tracebacks of what is published point at the sources.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

KEPT = ("# SPDX-", "#!")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def compact(source: str) -> str:
    """Return SOURCE without comments and docstrings.

    Raises:
        ValueError: something else would change with them, such as a statement behind a docstring on its line.
    """
    tree = ast.parse(source)
    lines = source.split("\n")
    for owner, docstring in docstrings(tree):
        alone = len(owner.body) == 1 and not isinstance(owner, ast.Module)
        blank(lines, docstring, "pass" if alone else "")
        owner.body[:1] = [ast.copy_location(ast.Pass(), docstring)] if alone else []
    for token in tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(KEPT):
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    found = "\n".join(lines)
    try:
        same = shape(ast.parse(found)) == shape(tree)
    except SyntaxError:
        same = False
    if not same:
        raise ValueError("its documentation cannot be told from its code")
    return found


def docstrings(tree: ast.Module) -> Iterator[tuple[ast.Module | ast.ClassDef | ast.FunctionDef, ast.Expr]]:
    """Each class, function or module that has a docstring, with it."""
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            yield node, node.body[0]


def blank(lines: list[str], node: ast.Expr, instead: str) -> None:
    """Put INSTEAD into LINES where NODE is, and leave the line ends."""
    first, last = node.lineno - 1, node.end_lineno - 1
    before = lines[first].encode()[: node.col_offset].decode()
    behind = lines[last].encode()[node.end_col_offset :].decode()
    lines[first : last + 1] = [(before + instead).rstrip(), *[""] * (last - first)]
    lines[last] += behind


def shape(tree: ast.Module) -> tuple[str, list[tuple[int, int]]]:
    """What TREE says, and where each part of it begins."""
    places = [(node.lineno, node.col_offset) for node in ast.walk(tree) if hasattr(node, "lineno")]
    return ast.dump(tree), places


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
