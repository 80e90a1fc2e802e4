# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Draw the picture of the guide to the architecture, from the layers in pyproject.toml that imports are checked for."""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path
from typing import NamedTuple

from project import ROOT

CONTRACT = "Imports only go down the layers of module_utils"
ABOVE = {
    "playbook": "tasks with options",
    "plugins/action/one.py": "runs the module in the controller, or ships it to the host",
    "plugins/modules/one_*.py": "documentation and options of one kind of objects",
}
LAYERS = {
    "_module": "the face to Ansible: options in, result or failure out",
    "_kinds": "one file for each kind of objects: how it is read, created, changed and removed",
    "_vm": "virtual machines: many at once, through their states",
    "_attributes": "what kinds share: templates, owners, labels, quotas, address ranges",
    "_engine": "reads, plans the difference, carries out the steps, verifies",
    "_core": "the connection, names, comparison of values, waiting, failures",
    "pyone": "PyONE, the client of the API: a package of its own",
}
BELOW = {"oned": "OpenNebula, by XML-RPC"}

WIDTH, HEIGHT, GAP, NAME = 760, 44, 22, 200  # of the picture, of a box, between two, of the column of names
MARGIN = 16
FRAME = "plugins/module_utils"


class Box(NamedTuple):
    """A part of the collection, or of what it stands between."""

    name: str
    text: str
    inner: bool  # whether it belongs to module_utils


def boxes() -> list[Box]:
    """Return the parts from top to bottom; a layer that has no words here is a mistake."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    contracts = settings["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["name"] == CONTRACT)
    return [
        *(Box(name, text, False) for name, text in ABOVE.items()),
        *(Box(name, LAYERS[name], True) for name in layers),
        *(Box(name, text, False) for name, text in BELOW.items()),
    ]


def draw(path: Path) -> None:
    """Write the picture to PATH."""
    parts = boxes()
    step = HEIGHT + GAP
    tall = len(parts) * step - GAP + 2 * MARGIN
    inner = [number for number, part in enumerate(parts) if part.inner]
    rows = "".join(box(part, MARGIN + number * step) for number, part in enumerate(parts))
    arrows = "".join(arrow(MARGIN + number * step + HEIGHT) for number in range(len(parts) - 1))
    framed = frame(inner[0] * step, len(inner) * step)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}" font-family="sans-serif" font-size="14">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#333"/></marker></defs>'
        f'<rect width="{WIDTH}" height="{tall}" fill="#fff"/>{framed}{arrows}{rows}</svg>\n',
        encoding="utf-8",
    )


def frame(top: int, tall: int) -> str:
    """Return what goes around module_utils."""
    return (
        f'<rect x="4" y="{top + MARGIN - GAP // 2}" width="{WIDTH - 8}" height="{tall}" rx="8" fill="#eef6f8"/>'
        f'<text x="{WIDTH - 14}" y="{top + MARGIN + 8}" text-anchor="end" font-size="12" fill="#555">{FRAME}</text>'
    )


def box(part: Box, top: int) -> str:
    """Return a part with its name and what it does."""
    middle = top + HEIGHT // 2 + 5
    fill = "#5bbdbf" if part.inner else "#d9d9d9"
    return (
        f'<rect x="{MARGIN}" y="{top}" width="{NAME}" height="{HEIGHT}" rx="5" fill="{fill}"/>'
        f'<text x="{MARGIN + NAME // 2}" y="{middle}" text-anchor="middle" font-weight="bold">'
        f"{escape(part.name)}</text>"
        f'<text x="{MARGIN + NAME + 16}" y="{middle}" fill="#222">{escape(part.text)}</text>'
    )


def arrow(top: int) -> str:
    """Return the way from a part to the one below it."""
    x = MARGIN + NAME // 2
    return f'<path d="M{x} {top}V{top + GAP - 1}" stroke="#333" stroke-width="1.5" marker-end="url(#tip)"/>'
