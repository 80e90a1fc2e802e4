# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What a task costs that changes nothing: the calls of every module, and those of the peer's. The cloud counts them.

Each module does the task that its integration target registers as `again`, after what leads to it there. Where the peer
has the module, both do the tasks of SAME. The page docs/docsite/rst/calls.rst has what came out.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "docsite" / "rst" / "calls.rst"
INTEGRATION = ROOT / "tests" / "integration"
POOL, CHOSEN = 100, 5  # VMs in the pool, and those that tasks are about
NET = 'VN_MAD="dummy" BRIDGE="br0" AR=[TYPE="IP4", IP="10.0.0.1", SIZE="10"]'
FLEET = {"attributes": {"NAME": "web-#", "ROLE": "web"}, "template_name": "web", "exact_count": CHOSEN}
IMAGE = {"name": "disk", "create": True, "datastore_id": 1, "template": 'TYPE="DATABLOCK" SIZE="8"'}
# What both modules do, as the page says it: module and options.
SAME: dict[str, tuple[str, dict[str, Any]]] = {
    "a host": ("one_host", {"name": "seed-host-0", "state": "enabled"}),
    "a host in a cluster": (
        "one_host",
        {"name": "seed-host-0", "state": "enabled", "cluster_name": "default"},
    ),
    "a VM template": ("one_template", {"name": "small", "template": 'CPU="0.1" MEMORY="64"'}),
    "a network": ("one_vnet", {"name": "net", "template": NET}),
    "an image": ("one_image", IMAGE),
    "images by name": ("one_image_info", {"name": "seed-image-0"}),
    "5 VMs by ids, running": ("one_vm", {"instance_ids": list(range(POOL - CHOSEN, POOL)), "state": "running"}),
    "5 VMs by label, running": ("one_vm", {"labels": ["web"], "state": "running"}),
    "a fleet of 5 by attribute": ("one_vm", {**FLEET, "count_attributes": {"ROLE": "web"}}),
    "a fleet of 5 by label": ("one_vm", {**FLEET, "count_labels": ["web"]}),
    "a fleet of 5 by name": ("one_vm", {**FLEET, "count_attributes": {"NAME": "web-#"}}),
}


def measured() -> dict[str, Any]:
    """A case: all calls of the tasks of SAME; `tasks` has each, `modules` the calls of the targets."""
    tasks = {what: {who: len(calls) for who, calls in both.items()} for what, both in beside().items()}
    totals = {who: sum(each[who] for each in tasks.values()) for who in ("ours", "peer")}
    found = {"tasks": tasks, "modules": {name: alone(name) for name in targets()}}
    return {**totals, "floor": len(tasks), "floor_is": "one call a task", "unit": "calls", **found, **outdated(found)}


def outdated(found: dict[str, Any]) -> dict[str, list[list[str]]]:
    """The rows that the page has to have, but has not."""
    told = [row for table in page() for row in table]
    return {"outdated": [row for table in tables(found) for row in table if row not in told]}


# ---------------------------------------------------------------- beside the peer


def beside() -> dict[str, dict[str, list[str]]]:
    """The methods that each task of SAME calls, ours and the peer's, in a cloud with POOL VMs."""
    import plays

    with plays.counting(hosts=3, images=3, vms=POOL - CHOSEN) as cloud:
        return {what: {who: steady(cloud, who, what) for who in ("ours", "peer")} for what in SAME}


def steady(cloud: Any, who: str, what: str) -> list[str]:
    """The methods of the second run of a task, in a cloud made afresh."""
    import plays

    module, options = SAME[what]
    cloud.reset()
    template = cloud("template.allocate", 'NAME="web" CPU="0.1" VCPU="1" MEMORY="64"')
    for number in range(CHOSEN):
        cloud("template.instantiate", template, f"web-{number}", False, 'ROLE="web" LABELS="web"', False)
    collection = {"ours": plays.OURS, "peer": plays.PEER}[who]
    label = f"{who}-{what.replace(' ', '-').replace(',', '')}"
    plays.played([cloud.task(collection, module, on, **options) for on in ("first", label)])
    return cloud.calls[label]


# ---------------------------------------------------------------- our modules


WHOLE_CLOUDS = ("one_cloud", "one_export")  # which cost one call for each kind


def targets() -> list[str]:
    """The modules of one kind whose integration targets have a task that is done again."""
    names = sorted(path.parent.parent.name for path in (INTEGRATION / "targets").glob("one_*/tasks/main.yml"))
    return [name for name in names if "register: again\n" in source(name) and name not in WHOLE_CLOUDS]


def source(name: str) -> str:
    return (INTEGRATION / "targets" / name / "tasks" / "main.yml").read_text(encoding="utf-8")


def story(name: str) -> dict[str, Any]:
    """The block of a target, up to the task that is done again, without assertions and what cleans up."""
    (block,) = (block for block in yaml.safe_load(source(name)) if "block" in block)
    tasks = block["block"]
    last = next(number for number, task in enumerate(tasks) if task.get("register") == "again")
    chosen = [task for task in tasks[: last + 1] if "ansible.builtin.assert" not in task]
    return {**{key: block[key] for key in ("vars", "module_defaults") if key in block}, "block": chosen}


def done_again(name: str) -> dict[str, Any]:
    """The options of the task of a target that is done again."""
    block, module = story(name), f"privazio.opennebula.{name}"
    return {**block.get("module_defaults", {}).get(module, {}), **block["block"][-1][module]}


def asserted(name: str) -> int | None:
    """How many calls a target asserts of it."""
    found = re.search(r"\bagain\.api_calls == (\d+)", source(name))
    return found and int(found.group(1))


def alone(name: str) -> list[str]:
    """The methods that the task of a target calls when it is done again, in a cloud of its own."""
    import plays

    (play,) = yaml.safe_load((INTEGRATION / "run.yml").read_text(encoding="utf-8"))
    with plays.counting() as cloud:
        block = story(name)
        block["block"][-1] = cloud.task(plays.OURS, name, name, **done_again(name))
        defaults = {f"group/{plays.OURS}.one": cloud.access("before")}
        plays.played([block], vars=play["vars"], module_defaults=defaults)
        return cloud.calls[name]


# ---------------------------------------------------------------- the page

ROW = re.compile(r"^   \* - (.*(?:\n     .*)*)$", re.MULTILINE)


def page() -> list[list[list[str]]]:
    """The tables of the page: rows of cells, without their heads."""
    parts = PAGE.read_text(encoding="utf-8").split(".. list-table::\n")[1:]
    return [[cells(row) for row in ROW.findall(part)[1:]] for part in parts]


def cells(row: str) -> list[str]:
    return [" ".join(textwrap.dedent(cell).split()) for cell in re.split(r"\n     - ", row)]


def tables(found: dict[str, Any]) -> list[list[list[str]]]:
    """The tables that the page has to have for a case."""
    same = [
        [f"``{SAME[what][0]}``: {what}", str(each["ours"]), str(each["peer"])] for what, each in found["tasks"].items()
    ]
    return [same, [own(name, calls) for name, calls in found["modules"].items()]]


def own(name: str, calls: list[str]) -> list[str]:
    """The row of a module: what its task says, how many calls it takes, and which."""
    return [
        f"``{name}``",
        listed(done_again(name)),
        str(len(calls)),
        listed(call.removeprefix("one.") for call in calls),
    ]


def listed(words: Iterable[str]) -> str:
    return ", ".join(f"``{word}``" for word in words)
