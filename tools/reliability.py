# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The figures of the page "Reliability": count them, keep them in FIGURES, and write the tables of PAGE from there.

    python tools/reliability.py [--check]      write the tables of the page, or tell whether they are as FIGURES says

FIGURES maps a section to its rows, a row to its numbers. What a run has counted lies in COUNTED, a line for each call
of tally(), until run_long.py brings it into FIGURES. In the page, the table follows a line `.. figures: SECTION`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import generated_pages
import yaml
from project import BUILD, ROOT, fail

FIGURES = ROOT / "tests/reliability.yml"
PAGE = ROOT / "docs/docsite/rst/reliability.rst"
COUNTED = BUILD / "tally.jsonl"
HEAD = """\
---
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# What the last `make test-long` counted; the page docs/docsite/rst/reliability.rst shows it.
"""
PLACE = re.compile(r"^\.\. figures: (.+)\n(?:\n|\Z)(?:\.\. list-table::\n(?:(?: .*)?\n)+?(?=\S|\Z))?", re.MULTILINE)
Figures = dict[str, dict[str, dict[str, int]]]


def tally(section: str, row: str, **numbers: int) -> None:
    """Add NUMBERS to those of a ROW in a SECTION, in the file that the variable TALLY names, else in COUNTED.

    The numbers must be the same in every run. A line is one write, so several processes may count at once.
    """
    path = Path(os.environ.get("TALLY") or COUNTED)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps([section, row, numbers]) + "\n")


def summed(lines: list[str]) -> Figures:
    """Return the sums of the lines that tally() wrote, sections and rows in the order of the alphabet."""
    found: Figures = {}
    for section, row, numbers in sorted(map(json.loads, lines), key=lambda line: line[:2]):
        sums = found.setdefault(section, {}).setdefault(row, {})
        for name, number in numbers.items():
            sums[name] = sums.get(name, 0) + number
    return found


def load() -> Figures:
    """Return the committed figures."""
    return (yaml.safe_load(FIGURES.read_text(encoding="utf-8")) if FIGURES.is_file() else None) or {}


def keep(counted: Figures, whole: bool) -> None:
    """Write what was COUNTED into FIGURES, in the place of the same rows or, if that was a WHOLE run, of everything."""
    known = {} if whole else load()
    merged = {name: {**known.get(name, {}), **counted.get(name, {})} for name in {**known, **counted}}
    ordered = {name: dict(sorted(merged[name].items())) for name in sorted(merged)}
    page = rendered(PAGE.read_text(encoding="utf-8"), ordered)
    FIGURES.write_text(HEAD + yaml.safe_dump(ordered, sort_keys=False, width=120), encoding="utf-8")
    PAGE.write_text(page, encoding="utf-8")


def rendered(page: str, figures: Figures) -> str:
    """Return the text PAGE with the table of FIGURES in each of its places."""
    absent = figures.keys() - set(PLACE.findall(page))
    if absent:
        fail(f"{PAGE.name} has no line '.. figures: {min(absent)}' for the figures of that section.")
    page = PLACE.sub(lambda place: f".. figures: {place[1]}\n\n{table(figures.get(place[1], {}))}", page)
    return page.rstrip("\n") + "\n"


def table(rows: dict[str, dict[str, int]]) -> str:
    """Return the table of a section with the sums below, or nothing without rows."""
    if not rows:
        return ""
    names = list(dict.fromkeys(name for numbers in rows.values() for name in numbers))
    total = {name: sum(numbers.get(name, 0) for numbers in rows.values()) for name in names}
    lines = [["What", *(name.capitalize().replace("_", " ") for name in names)]]
    lines += [[row, *(grouped(numbers.get(name)) for name in names)] for row, numbers in rows.items()]
    lines += [["**Total**", *(f"**{grouped(total[name])}**" for name in names)]] if len(rows) > 1 else []
    return generated_pages.list_table(lines)


def grouped(number: int | None) -> str:
    """Return NUMBER in groups of three digits."""
    return "" if number is None else f"{number:,}".replace(",", " ")


def main() -> None:
    """Write the tables of the page; with --check only tell whether it is as it should be."""
    generated_pages.write(PAGE, rendered(PAGE.read_text(encoding="utf-8"), load()), FIGURES, "tools/reliability.py")


if __name__ == "__main__":
    main()
