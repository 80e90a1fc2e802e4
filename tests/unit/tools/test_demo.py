# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The demonstration's opposite, where there is nothing to remove."""

from __future__ import annotations

import demo
import pytest
from project import link_collection
from with_simulator import simulator


def test_nothing_is_removed_from_an_empty_cloud(capfd):
    link_collection()
    with simulator() as access:
        demo.clean(access, [])
    assert capfd.readouterr().out.endswith("Done: 0 changes.\n")


def test_without_a_cloud_there_is_nothing_to_clean(monkeypatch):
    monkeypatch.delenv("ONE_URL", raising=False)
    monkeypatch.setattr("sys.argv", ["demo.py", "--clean"])
    monkeypatch.setattr(demo, "heed_signals", lambda: None)
    with pytest.raises(SystemExit, match="set ONE_URL"):
        demo.main()
