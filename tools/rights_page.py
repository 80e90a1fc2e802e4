# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The table of the rights that modules need: write it into PAGE from RIGHTS, which the tests have measured.

python tools/rights_page.py [--check]      write the table of the page, or tell whether it is as RIGHTS says
RIGHTS=write pytest -m long tests/unit/laws/test_rights.py      measure the rights anew, and write both
"""

from __future__ import annotations

import re
from typing import Any

import generated_pages
import yaml
from project import ROOT, fail

RIGHTS = ROOT / "tests/rights.yml"
PAGE = ROOT / "docs/docsite/rst/security.rst"
HEAD = """\
---
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# What tests/unit/laws/test_rights.py has measured; the page docs/docsite/rst/security.rst shows it.
"""
PLACE = re.compile(r"^\.\. rights\n\n(?:\.\. list-table::\n(?:(?: .*)?\n)+?(?=\S|\Z))?", re.MULTILINE)
TITLES = ("Module", "State", "Rights", "Owner", "Administrator of the group")
Row = dict[str, Any]


def load() -> list[Row]:
    """Return the committed rows."""
    return yaml.safe_load(RIGHTS.read_text(encoding="utf-8"))


class _Indented(yaml.SafeDumper):
    """YAML with the items of lists below their key, as yamllint has it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def keep(rows: list[Row]) -> None:
    """Write what was measured, and the page."""
    RIGHTS.write_text(HEAD + yaml.dump(rows, Dumper=_Indented, sort_keys=False, width=120), encoding="utf-8")
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8"), rows), encoding="utf-8")


def rendered(page: str, rows: list[Row]) -> str:
    """Return the text PAGE with the table of ROWS in its place."""
    if not PLACE.search(page):
        fail(f"{PAGE.name} has no line '.. rights' for the table.")
    return PLACE.sub(lambda dummy: f".. rights\n\n{table(rows)}", page)


def table(rows: list[Row]) -> str:
    """Return the table of the page."""
    return generated_pages.list_table([TITLES, *map(cells, rows)])


def cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a row."""
    rights = ", ".join(f"``{right}``" if right.isupper() else right for right in row["rights"]) or "none"
    words = ("yes" if row[who] else "no" for who in ("owner", "group_admin"))
    return (f"``{row['module']}``", row["state"] or "\\-", rights, *words)


def main() -> None:
    """Write the table of the page; with --check only tell whether it is as it should be."""
    generated_pages.write(PAGE, rendered(PAGE.read_text(encoding="utf-8"), load()), RIGHTS, "tools/rights_page.py")


if __name__ == "__main__":
    main()
