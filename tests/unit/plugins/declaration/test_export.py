# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The law of exports: declared on the same cloud they change nothing, on an empty one they make the same cloud."""

from __future__ import annotations

import copy

import yaml
from ansible_collections.privazio.opennebula.plugins.action import one_export
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import export
from hypothesis import given, settings
from hypothesis import strategies as st
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator

from .conftest import CLOUD, Site

ALL = dict.fromkeys(("kinds", *one_export.WHERE))


def exported(site, **params):
    return one_export.exported(site.cloud([]), {**ALL, **params})


def steady(site, declaration):
    """What a document would change."""
    dummy, plan, faults = site.plan(declaration)
    assert faults == []
    return [one.told() for one in plan.objects if one.action != "none"]


def test_an_export_changes_nothing_on_the_same_cloud(site):
    site.apply(CLOUD)
    declaration, left = exported(site)
    assert set(CLOUD) <= set(declaration)
    assert steady(site, declaration) == []
    assert {(one.kind, one.name, one.what) for one in left} == {("user", "ann", "password")}
    assert "secret" not in yaml.safe_dump(declaration)


def test_only_what_is_asked_for_is_exported(site):
    site.apply(CLOUD)
    declaration, dummy = exported(site, kinds=["hosts", "clusters"], label="a")
    assert declaration == {
        "hosts": [{"name": "node1", "im_mad": "dummy", "vm_mad": "dummy", "cluster": "edge", "labels": ["a"]}]
    }


def test_secrets_of_templates_are_named_and_not_written(site, simulator):
    one = OneServer(simulator.url, session="oneadmin:opennebula")
    one.template.allocate(
        {"NAME": "t", "CPU": 1, "API_KEY": "hidden", "CONTEXT": {"ROOT_PASSWORD": "hidden", "A": "b"}}
    )
    declaration, left = exported(site, kinds=["templates"])
    assert declaration["templates"] == [{"name": "t", "template": {"CPU": "1", "CONTEXT": {"A": "b"}}}]
    assert sorted(one.what for one in left) == ["template.API_KEY", "template.CONTEXT.ROOT_PASSWORD"]


def test_objects_of_one_name_are_exported_with_their_owners(site, simulator):
    one = OneServer(simulator.url, session="oneadmin:opennebula")
    ann = one.user.allocate("ann", "secret", "core")
    one.template.chown(one.template.allocate({"NAME": "web", "CPU": 1}), ann, -1)
    one.template.allocate({"NAME": "web", "CPU": 2})
    one.template.allocate({"NAME": "db", "CPU": 3})
    declaration, left = exported(site, kinds=["templates"])
    assert [(each["name"], each.get("owner")) for each in declaration["templates"]] == [
        ("web", "ann"),
        ("web", "oneadmin"),
        ("db", None),
    ]
    assert left == []
    assert steady(site, declaration) == []


NAMES = st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters="-_. "), min_size=1, max_size=8)
NAMES = NAMES.map(str.strip).filter(bool)
TEXTS = st.text(st.characters(codec="latin-1", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12)
TEXTS = TEXTS.map(str.strip).filter(lambda text: text and "]]>" not in text)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["RACK", "NOTE", "OWNER", "ZIP"]),
    TEXTS | st.dictionaries(st.just("KEY"), TEXTS, min_size=1),
    max_size=3,
)
LABELS = st.lists(st.sampled_from(["a", "b/c", "d e"]), unique=True, max_size=2)


@st.composite
def clouds(draw):
    """Documents of several kinds that refer to each other."""
    clusters = draw(st.lists(NAMES, unique_by=str.lower, max_size=2))
    clusters = [name for name in clusters if name != "default"]
    somewhere = st.sampled_from([*clusters, "default"])
    drivers = {"im_mad": "dummy", "vm_mad": "dummy"}
    networks = draw(st.lists(NAMES, unique=True, max_size=2))
    found = {
        "clusters": [{"name": name, "template": draw(ATTRIBUTES)} for name in clusters],
        "hosts": [
            {"name": name, "cluster": draw(somewhere), "template": draw(ATTRIBUTES), "labels": draw(LABELS), **drivers}
            for name in draw(st.lists(NAMES, unique=True, max_size=2))
        ],
        "virtual_networks": [
            {"name": name, "vn_mad": "dummy", "bridge": "br0", "clusters": [draw(somewhere)], "mode": "640"}
            for name in networks
        ],
        "templates": [
            {"name": name, "template": {"CPU": 1, "MEMORY": 64, **draw(ATTRIBUTES)}, "labels": draw(LABELS)}
            for name in draw(st.lists(NAMES, unique=True, max_size=2))
        ],
        "vm_groups": [
            {
                "name": name,
                "roles": [{"name": "web"}, {"name": "db", "policy": "anti_affined"}],
            }
            for name in draw(st.lists(NAMES, unique=True, max_size=1))
        ],
    }
    return {key: objects for key, objects in found.items() if objects}


@settings(max_examples=12)
@given(clouds().filter(bool))
def test_the_law_of_exports(cloud):
    documents = []
    declared = cloud
    for dummy in range(2):
        simulator = Simulator(Options(delay=0)).start()
        try:
            site = Site(simulator.url)
            assert site.apply(copy.deepcopy(declared))[1].failures == {}
            declared, left = exported(site, kinds=[key for key in export.ALL_KEYS if key in cloud])
            assert left == []
            assert steady(site, copy.deepcopy(declared)) == []
            documents.append({key: sorted(objects, key=lambda one: one["name"]) for key, objects in declared.items()})
        finally:
            simulator.stop()
    assert documents[0] == documents[1]
