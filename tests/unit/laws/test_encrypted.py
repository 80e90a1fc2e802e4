# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Attributes that the server keeps encrypted are compared in clear text, or not at all by who must not see them."""

from __future__ import annotations

from typing import Any

import modules
import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.encrypted import NAMES
from kinds import SUBJECTS
from modules import Lab

OWNED = ("document", "template")  # which every user can create
# Those that oned.conf of one release alone has; the other stores them as they are, which is no difference to a task.
PLACES = [(kind, path) for kind in sorted(NAMES) for path in NAMES[kind]]


def template(path: str, value: str, **more: Any) -> dict[str, Any]:
    """A template with an attribute, or with a member of a vector."""
    vector, dummy, name = path.rpartition("/")
    return {vector: {name: value, "NOTE": "a"}, **more} if vector else {name: value, **more}


def given(kind: str, path: str, value: str) -> dict[str, Any]:
    """The options of a module."""
    options = dict(SUBJECTS[kind].options)
    return {**options, "template": {**options.get("template", {}), **template(path, value)}}


@pytest.mark.parametrize(("kind", "path"), PLACES)
def test_it_is_stored_once_and_changed_once(lab: Lab, kind: str, path: str) -> None:
    module, name = SUBJECTS[kind].module, lab.name()
    for value in ("first", "second, and of more bytes than a block"):
        planned, first, second = lab.twice(module, name=name, **given(kind, path, value))
        assert (planned.changed, first.changed, first.message) == (True, True, "")
        assert second is not None
        assert (second.failed, second.changed, second.writes) == (False, False, [])
        assert value not in str(second.data["template"])


@pytest.mark.parametrize(("kind", "path"), [place for place in PLACES if place[0] in OWNED])
def test_who_must_not_see_it_is_told_no_change(lab: Lab, kind: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    user, name = lab.name(), lab.name()
    lab.one.user.allocate(user, "secret12", "core", [])
    monkeypatch.setattr(modules, "SESSION", f"{user}:secret12")
    first = lab.run(SUBJECTS[kind].module, name=name, **given(kind, path, "first"))
    second = lab.run(SUBJECTS[kind].module, name=name, **given(kind, path, "first"))
    assert (first.changed, first.message, second.failed, second.changed) == (True, "", False, False)
