# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A name is the same with and without blanks around it; one that OpenNebula does not take is refused before a write."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from kinds import SUBJECTS

CREATED = sorted(set(SUBJECTS) - {"zone"})  # a stand-alone front-end creates no zones
LETTERS = "ab \t\n\u00e9:;/$&\"'#{}|<>\\.-_@"
NAMES = st.text(LETTERS, max_size=6) | st.sampled_from([" a", "a\n", "", " ", "a" * 64, "a" * 129, "\u00e9" * 65])
few = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("kind", CREATED)
@few
@example(" blank", True)
@example("blank ", True)
@example("", False)
@example("line\nbreak", False)
@given(NAMES, st.booleans())
def test_names(lab, kind, name, unique):
    """The law, and that check mode and the run agree."""
    subject = SUBJECTS[kind]
    whole = name.replace("a", lab.name() + "a", 1) if unique else name
    planned, first, second = lab.twice(subject.module, name=whole, **subject.options)
    assert planned.failed == first.failed, (whole, planned.message, first.message)
    assert not planned.writes
    if first.failed:
        assert not first.writes
        assert first.message.startswith(("The name of a", "With exact_count"))
    else:
        assert not second.failed, (whole, second.message)
        assert not second.changed, whole
        removed = {"state": "absent", **{key: value for key, value in subject.options.items() if key == "type"}}
        assert lab.run(subject.module, **dict({"name": whole.strip()}, **removed)).changed
