# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Which objects the info modules return, and what they read for them."""

from __future__ import annotations

import warnings

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._engine import info
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Report
from fake_objects import Recorder, Store, read, resource, thing
from fake_vms import Element, refusal

POOL = ("vntemplatepool.info", -2, -1, -1)
RECORD = {"size": 1, "color": "red", "owner": "ann", "template": {}, "net_state": "ready", "id": 0, "name": "net"}
THINGS = (
    thing(3, "Db", LABELS=["a", "b"]),
    thing(1, "web", "bob", GNAME="other", UID=3, GID=4, LABELS=["b"]),
    thing(2, " db "),
)


def labelled(cloud, item):
    assert isinstance(cloud, Recorder)
    return dict(read(cloud, item), **({} if item.LABELS is None else {"labels": item.LABELS}))


def cloud_of(kind="vntemplate", items=THINGS):
    return Recorder(Store(kind, *items))


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({}, [1, 2, 3]),
        ({"ids": None, "name": None, "owner": None, "group": None, "labels": None}, [1, 2, 3]),
        ({"ids": [3, 1, 3, 9]}, [1, 3]),
        ({"ids": []}, []),
        ({"ids": [1, 2], "name": "db"}, [2]),
        ({"name": "db"}, [2]),
        ({"name": "~.b"}, [3]),
        ({"name": "~*d"}, [3]),
        ({"owner": "bob"}, [1]),
        ({"owner": "3"}, [1]),
        ({"owner": "ann", "name": "web"}, []),
        ({"group": "staff"}, [2, 3]),
        ({"group": "4"}, [1]),
        ({"group": "4", "owner": "ann"}, []),
        ({"labels": ["b"]}, [1, 3]),
        ({"labels": ["b", "a"]}, [3]),
        ({"labels": []}, [1, 2, 3]),
    ],
)
def test_what_matches_is_returned_in_order_of_the_ids(options, ids):
    found = info.records(cloud_of(), resource(read=labelled), options)
    assert [record["id"] for record in found] == ids


def test_a_record_is_that_of_the_kind():
    cloud = cloud_of(items=[thing(0)])
    assert info.records(cloud, resource(), {}) == [RECORD]
    assert cloud.one.calls == [POOL]


@pytest.mark.parametrize(
    ("kind", "options", "more", "asked"),
    [
        ("vntemplate", {}, {}, [POOL]),
        ("vntemplate", {}, {"pool_arguments": (-3, -1, -1)}, [("vntemplatepool.info", -3, -1, -1)]),
        ("vntemplate", {"name": "~*d"}, {"detailed": True}, [POOL, ("vntemplate.info", 3)]),
        ("vntemplate", {"ids": [2, 1]}, {"detailed": True}, [("vntemplate.info", 1), ("vntemplate.info", 2)]),
        ("vntemplate", {"ids": [2]}, {}, [("vntemplate.info", 2)]),
        ("backupjob", {"name": "~*d"}, {}, [("backupjobpool.info", -2, -1, -1), ("backupjob.info", 3)]),
        ("backupjob", {"ids": [3]}, {}, [("backupjob.info", 3)]),
    ],
)
def test_what_is_read(kind, options, more, asked):
    cloud = cloud_of(kind)
    info.records(cloud, resource(kind, **more), options)
    assert cloud.one.calls == asked


def test_what_is_gone_when_it_is_read_alone_is_left_out():
    cloud = cloud_of()
    cloud.pool("vntemplate")
    del cloud.one.items[2]
    found = info.records(cloud, resource(detailed=True), {})
    assert [record["id"] for record in found] == [1, 3]


@pytest.mark.parametrize(
    ("item", "options", "owned"),
    [
        (Element(UNAME="ann", UID=2), {"owner": "ann"}, True),
        (Element(UNAME="ann", UID=2), {"owner": "2"}, True),
        (Element(UNAME="ann", UID=2), {"owner": "ANN"}, False),
        (object(), {"owner": "ann"}, False),
        (object(), {"owner": ""}, True),
        (object(), {"group": "ann"}, False),
        (object(), {}, True),
    ],
)
def test_owner_and_group_are_told_by_name_or_id(item, options, owned):
    assert info.owned(item, options) is owned


@pytest.mark.parametrize(
    ("text", "fitting", "others"),
    [
        (None, ["", "x"], []),
        ("web", ["web", " web "], ["Web", "web1", "xweb"]),
        (" web ", ["web"], ["w e b"]),
        ("~we", ["we", "web"], ["xwe", "WE"]),
        ("~*we", ["we", "WEB"], ["xwe"]),
        ("~", ["", "x"], []),
    ],
)
def test_a_name_is_equal_or_fits_the_regular_expression(text, fitting, others):
    fits = info.pattern(text)
    assert [fits(name) for name in fitting] == [True] * len(fitting)
    assert [fits(name) for name in others] == [False] * len(others)


def test_a_regular_expression_that_cannot_be_read_is_told():
    message, data = refusal(info.pattern, "~a(b")
    assert message == ("The name '~a(b' is not a regular expression: missing ), unterminated subpattern at position 1.")
    assert data == {}
    message, data = refusal(info.pattern, "~(" + "x" * 500)
    assert f"'{'~(' + 'x' * 198}'" in message
    assert "x" * 199 not in message


def test_a_regular_expression_warns_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert info.pattern("~[[]a")("[a")


class Module:
    """What an info module is to the engine."""

    def __init__(self, cloud, **params):
        self.cloud = cloud
        self.params = params

    def run(self, work):
        self.report = work(self.cloud)


def test_a_task_ends_with_what_was_found_and_changes_nothing():
    module = Module(cloud_of(items=[thing(0), thing(1, "other")]), name="net")
    info.select(module, resource(), "networks")
    assert module.report == Report(False, None, None, {"networks": [RECORD]})
