# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A plan as one HTML page that needs nothing else: a table to filter, the graph of references, before and after."""

from __future__ import annotations

from html import escape

import yaml

from ...module_utils._core.failure import one_line, printable

MOST_NODES = 400  # of a graph that a person can look at; with more, only what changes is drawn
WIDTH, HEIGHT, GAP_X, GAP_Y = 220, 26, 60, 10  # of the box of an object, in pixels, and between boxes
LONGEST = 26  # characters in a box, of 8 pixels at most

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Plan of an OpenNebula cloud</title>
<style>
:root {{ color-scheme: light dark; --create: #1a7f37; --update: #9a6700; --remove: #cf222e; --none: #6e7781; }}
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.15rem; margin-top: 2rem; }}
.counts span {{ display: inline-block; margin-right: 1.2rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #8884; }}
tr.create td:first-child, .create b {{ color: var(--create); }}
tr.update td:first-child, .update b {{ color: var(--update); }}
tr.remove td:first-child, .remove b {{ color: var(--remove); }}
tr.none td:first-child, .none b {{ color: var(--none); }}
td:first-child {{ font-weight: 600; }}
.sides {{ display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }}
pre {{ margin: .2rem 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 13px; }}
input, select {{ font: inherit; padding: .3rem .5rem; margin-right: .6rem; }}
.graph {{ overflow: auto; border: 1px solid #8884; max-height: 32rem; }}
svg text {{ font: 12px system-ui, sans-serif; fill: currentColor; }}
svg rect {{ fill: #8881; stroke-width: 1.5; }} svg path {{ fill: none; stroke: #8888; }}
svg .create rect {{ stroke: var(--create); }} svg .update rect {{ stroke: var(--update); }}
svg .remove rect {{ stroke: var(--remove); }} svg .none rect {{ stroke: var(--none); }}
</style>
</head>
<body>
<h1>Plan of an OpenNebula cloud</h1>
<p class="counts">{counts}</p>
<p><label>Filter <input id="words" type="search" placeholder="kind, name, place"></label>
<label>Action <select id="action"><option value="">all</option>{choices}</select></label></p>
<table id="plan">
<thead><tr><th>Action</th><th>Kind</th><th>Name</th><th>Id</th><th>Because</th><th>Place</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<h2>References</h2>
<p>An object is drawn to the right of those that it refers to. {note}</p>
<div class="graph">{graph}</div>
<script>
const words = document.getElementById("words"), action = document.getElementById("action");
function filter() {{
  const text = words.value.toLowerCase();
  for (const row of document.querySelectorAll("#plan tbody tr")) {{
    const fits = row.textContent.toLowerCase().includes(text) && (!action.value || row.className === action.value);
    row.hidden = !fits;
  }}
}}
words.addEventListener("input", filter);
action.addEventListener("change", filter);
</script>
</body>
</html>
"""
ACTIONS = {"create": "to create", "update": "to update", "remove": "to remove", "none": "as declared"}


def page(plan):
    """The HTML of a plan.

    Args:
        plan (planner.Plan)

    Returns:
        str
    """
    summary = plan.summary()
    shown = [one for one in plan.objects if len(plan.objects) <= MOST_NODES or one.action != "none"]
    return PAGE.format(
        counts="".join(
            '<span class="%s"><b>%d</b> %s</span>' % (word, summary[word], ACTIONS[word]) for word in ACTIONS
        ),
        choices="".join('<option value="%s">%s</option>' % (word, word) for word in ACTIONS),
        rows="\n".join(_row(one) for one in plan.objects),
        note="" if len(shown) == len(plan.objects) else "Only what changes is drawn.",
        graph=_graph(plan, shown),
    )


def _row(one):
    told = one.told()
    oid = "" if told["id"] is None else str(told["id"])
    kind, name, because, place = (_cell(told[word]) for word in ("kind", "name", "because", "place"))
    cells = (one.action, kind, name, oid, because + _sides(told), place)
    return '<tr class="%s">%s</tr>' % (one.action, "".join("<td>%s</td>" % cell for cell in cells))


def _cell(text):
    """A text in HTML: neither markup, nor what turns the direction of the text beside it."""
    return escape(one_line(text))


def _sides(told):
    """What differs, before and after side by side."""
    if told["action"] == "none":
        return ""
    sides = "".join("<div><b>%s</b><pre>%s</pre></div>" % (word, _yaml(told[word])) for word in ("before", "after"))
    return '<details><summary>before and after</summary><div class="sides">%s</div></details>' % sides


def _yaml(value):
    return escape(printable(yaml.safe_dump(_simple(value), sort_keys=True, allow_unicode=True))) if value else ""


def _simple(value):
    """A value of plain types, as YAML takes them."""
    if isinstance(value, dict):
        return {str(name): _simple(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_simple(inner) for inner in value]
    return value if isinstance(value, (int, float, bool)) or value is None else str(value)


# ---------------------------------------------------------------- graph


def _graph(plan, shown):
    """The references of objects as an SVG picture: a column for each wave."""
    places = _places(plan, shown)
    if not places:
        return ""
    width = max(x for x, dummy in places.values()) + WIDTH + GAP_X
    height = max(y for dummy, y in places.values()) + HEIGHT + GAP_Y
    boxes = "".join(_box(one, *places[one.number]) for one in shown)
    lines = "".join(_line(places[other], places[number]) for number, other in _edges(plan, places))
    return '<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%d" height="%d">%s%s</svg>' % (
        width,
        height,
        lines,
        boxes,
    )


def _places(plan, shown):
    """number → (x, y) of the box of an object."""
    numbers = {one.number for one in shown}
    places = {}
    for column, wave in enumerate(plan.waves):
        found = [node.number for node in wave if node.part == 0 and node.number in numbers]
        for row, number in enumerate(found):
            places[number] = (GAP_Y + column * (WIDTH + GAP_X), GAP_Y + row * (HEIGHT + GAP_Y))
    return places


def _edges(plan, places):
    """(number, number of an object that it refers to), both drawn."""
    return sorted(
        {
            (number, other)
            for number, options in plan.references.items()
            for others in options.values()
            for other in others
            if number in places and other in places and number != other
        }
    )


def _box(one, x, y):
    text = "%s %s" % (one.kind, one.declared.name)
    cut = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return (
        '<g class="%s"><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="4"/>'
        '<text x="%d" y="%d">%s</text></g>'
    ) % (one.action, _cell("%s: %s" % (text, one.action)), x, y, WIDTH, HEIGHT, x + 8, y + 17, _cell(cut))


def _line(start, end):
    x1, y1, x2, y2 = start[0] + WIDTH, start[1] + HEIGHT // 2, end[0], end[1] + HEIGHT // 2
    middle = (x1 + x2) // 2
    return '<path d="M%d %d C%d %d %d %d %d %d"/>' % (x1, y1, middle, y1, middle, y2, x2, y2)
