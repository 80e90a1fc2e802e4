# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What is wrong with a document is told at once, with its places."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.action import one_cloud
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import document


def test_lines_of_objects_are_known():
    text = "# c\nhosts:\n  - name: a\n\n  - name: b\nusers: []\ntext: x\n"
    assert document.lines(text) == {"hosts": [3, 5], "users": []}
    assert document.lines("- a\n") == {}


def test_parts_are_taken_together():
    entries, faults = document.merged(
        [("", {"hosts": [{"name": "a"}]}, {}), ("b.yml", {"hosts": [{"name": "b"}]}, {"hosts": [7]})]
    )
    assert faults == []
    assert [entry.place("cluster") for entry in entries] == ["hosts[0].cluster", "hosts[1].cluster (b.yml:7)"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"host": []}, "host (x.yml): there is no such kind; did you mean hosts?"),
        ({"hosts": {"name": "a"}}, "hosts (x.yml): it has to be a list of objects, not {'name': 'a'}."),
        ([], "x.yml: it has to be a dictionary of kinds, each a list of objects."),
    ],
)
def test_a_document_of_another_form_is_told(content, told):
    dummy, faults = document.merged([("x.yml", content, {})])
    assert [str(fault) for fault in faults] == [told]


@pytest.mark.parametrize(
    ("key", "one", "other", "same"),
    [
        ("hosts", {"name": "a"}, {"name": "a", "cluster": "c"}, True),
        ("hosts", {"name": "a"}, {"name": "b"}, False),
        ("images", {"name": "a", "owner": "x"}, {"name": "a", "owner": "y"}, False),
        ("images", {"name": "a", "owner": "x"}, {"name": "a", "owner": "x"}, True),
        ("hosts", {"id": 3}, {"id": 3}, True),
        ("acls", {"user": "a", "rules": []}, {"user": "a"}, True),
        ("acls", {"user": "a"}, {"group": "a"}, False),
        ("quota_defaults", {"kind": "user"}, {"kind": "user"}, True),
        ("documents", {"name": "a", "type": 100}, {"name": "a", "type": 101}, False),
        ("virtual_machines", {"attributes": {"A": 1}}, {"attributes": {"A": 1}}, False),
    ],
)
def test_what_is_declared_twice_is_told_with_both_places(key, one, other, same):
    entries, dummy = document.merged([("", {key: [one]}, {}), ("b.yml", {key: [other]}, {key: [2]})])
    kept, faults = document.distinct(entries)
    told = [f"{key}[1] (b.yml:2): it is declared already at {key}[0]."] if same else []
    assert ([str(fault) for fault in faults], len(kept)) == (told, 1 if same else 2)


def test_files_of_a_folder_come_by_name(tmp_path):
    for name in ("b.yml", "a.yaml", "c.txt", "d/e.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    assert [path.name for path in document.sources(str(tmp_path))] == ["a.yaml", "b.yml", "e.yml"]
    with pytest.raises(FileNotFoundError):
        document.sources(str(tmp_path / "nothing"))


def test_places_are_told_from_the_current_directory(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert one_cloud._from_here(tmp_path / "here" / "site" / "a.yml") == "site/a.yml"
    assert one_cloud._from_here(tmp_path / "a.yml") == str(tmp_path / "a.yml")
