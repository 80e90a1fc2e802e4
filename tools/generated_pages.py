# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the tools share that write tables of measured data into pages of the documentation."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from project import ROOT, fail


def list_table(lines: Iterable[Iterable[str]]) -> str:
    """Return LINES of cells, of which the first has the titles, as a table of reStructuredText."""
    body = "".join("   * - " + "\n     - ".join(line) + "\n" for line in lines)
    return f".. list-table::\n   :header-rows: 1\n\n{body}\n"


def write(page: Path, wanted: str, source: Path, tool: str) -> None:
    """Write WANTED, made from SOURCE, into PAGE; with --check given to TOOL only tell whether it is there."""
    parser = argparse.ArgumentParser(description=f"Write the tables of {page.name} from {source.name}.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a table is not as it should be")
    if not parser.parse_args().check:
        page.write_text(wanted, encoding="utf-8")
    elif page.read_text(encoding="utf-8") != wanted:
        fail(f"{page.relative_to(ROOT)} is not as {source.relative_to(ROOT)} says; run {tool}.")
