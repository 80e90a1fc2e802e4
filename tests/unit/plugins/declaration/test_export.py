# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The law of exports: declared on the same cloud they change nothing, on an empty one they make the same cloud."""

from __future__ import annotations

import copy
import gzip

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.privazio.opennebula.plugins.action import one_export
from ansible_collections.privazio.opennebula.plugins.action.one_cloud import Modules
from ansible_collections.privazio.opennebula.plugins.module_utils._core import names
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneException, OneServer, element
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import document, export, objects, planner
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration.shared_cloud import SharedCloud
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator
from project import SHARED

from .conftest import CLOUD, Site

ALL = dict.fromkeys(("kinds", "document_types", *one_export.WHERE))


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


def test_what_came_with_opennebula_is_told_where_somebody_has_changed_it(site):
    cloud = {
        "clusters": [{"name": "edge"}],
        "datastores": [{"name": "system", "clusters": ["default", "edge"]}],
        "groups": [{"name": "users", "quotas": {"vm": {"vms": 3}}}],
    }
    assert exported(site)[0].keys() & {"datastores", "groups"} == set()
    assert site.apply(cloud)[1].failures == {}
    declared = exported(site)[0]
    assert {key: declared[key] for key in cloud} == {
        "clusters": [{"name": "edge"}],
        "datastores": [{"name": "system", "clusters": ["default", "edge"], "purge_clusters": True}],
        "groups": [{"name": "users", "quotas": {"vm": {"vms": 3}}}],
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"TYPE": "IP4", "IP": "10.0.0.1", "MAC": "02:00:0a:00:00:01", "SIZE": "9", "AR_ID": "0"}, {"ip": "10.0.0.1"}),
        ({"TYPE": "IP4", "IP": "10.0.0.1", "MAC": "02:00:0a:00:00:02", "SIZE": "9"}, {"mac": "02:00:0a:00:00:02"}),
        ({"TYPE": "IP4", "IP": "10.0.0.1", "SHARED": "NO", "SIZE": "9"}, {"ip": "10.0.0.1"}),
        ({"TYPE": "ETHER", "MAC": "02:00:0a:00:00:01", "SHARED": "YES", "SIZE": "9"}, {"shared": "YES"}),
        ({"TYPE": "IP4", "IP": "10.0.0", "MAC": "02:00:0a:00:00:00", "SIZE": "9"}, {"mac": "02:00:0a:00:00:00"}),
    ],
)
def test_of_a_range_what_opennebula_makes_is_left_out(given, told):
    (found,) = export.ranges({"address_ranges": [given]}, None)
    kept = {name.lower() for name in given} - {"ar_id"}
    assert {**found, **told} == found
    assert found["size"] == 9
    assert kept - set(found) <= {"mac", "shared"}
    assert ("mac" in found) == (given.get("MAC") not in (None, "02:00:0a:00:00:01") or given["TYPE"] == "ETHER")
    assert ("shared" in found) == (given.get("SHARED") == "YES")


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
        ("db", None),
        ("web", "ann"),
        ("web", "oneadmin"),
    ]
    assert left == []
    assert steady(site, declaration) == []


def test_each_file_has_the_comments_of_its_own_kinds(site):
    hidden = {"name": "t", "template": {"CPU": 1, "API_KEY": "hidden"}}
    site.apply({"users": [{"name": "ann", "password": "hidden"}], "templates": [hidden], "clusters": [{"name": "c"}]})
    declaration, left = exported(site, kinds=["users", "templates", "clusters"])
    left.append(one_export.export.Left("service", "*", "object", "OneFlow does not answer"))
    parts = one_export.parts("site/", declaration)
    told = {
        path.stem: {one.kind for one in one_export.remarks(part, declaration, left)} for path, part in parts.items()
    }
    assert told == {"users": {"user", "service"}, "templates": {"template", "service"}, "clusters": {"service"}}
    assert one_export.remarks(declaration, declaration, left) == left, "one file has them all"


NAMES = st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters="-_. "), min_size=1, max_size=8)
NAMES = NAMES.map(str.strip).filter(lambda name: name and not name.isdigit())  # which could be an id
PLAIN = st.from_regex(r"[a-z][a-z0-9_.-]{0,5}", fullmatch=True).filter(lambda name: name != "users")
TEXTS = st.text(st.characters(codec="latin-1", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12)
TEXTS = TEXTS.map(str.strip).filter(lambda text: text and "]]>" not in text)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["RACK", "NOTE", "OWNER", "ZIP"]),
    TEXTS | st.dictionaries(st.just("KEY"), TEXTS, min_size=1),
    max_size=3,
)
LABELS = st.lists(st.sampled_from(["a", "b/c", "d e"]), unique=True, max_size=2)
SIZES = {"size": st.integers(1, 99)}
RANGES = st.one_of(
    st.fixed_dictionaries({"type": st.just("IP4"), "ip": st.sampled_from(["10.0.0.1", "192.168.7.250"]), **SIZES}),
    st.fixed_dictionaries(
        {"type": st.just("IP4"), "ip": st.just("10.9.0.1"), "mac": st.just("02:00:0a:00:00:01"), **SIZES}
    ),
    st.fixed_dictionaries({"type": st.just("ETHER"), "mac": st.just("50:20:20:20:20:20"), **SIZES}),
)


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
            for name in draw(st.lists(PLAIN, unique=True, max_size=2))
        ],
        "datastores": [
            {"name": name, "clusters": [draw(somewhere)], "purge_clusters": draw(st.booleans())}
            for name in draw(st.lists(st.sampled_from(["system", "default", "files"]), unique=True, max_size=2))
        ],
        "virtual_networks": [
            {
                "name": name,
                "vn_mad": "dummy",
                "bridge": "br0",
                "clusters": [draw(somewhere)],
                "mode": "640",
                "address_ranges": draw(st.lists(RANGES, max_size=2)),
            }
            for name in networks
        ],
        "templates": [
            {"name": name, "template": {"CPU": 1, "MEMORY": 64, **draw(ATTRIBUTES)}, "labels": draw(LABELS)}
            for name in draw(st.lists(NAMES, unique=True, max_size=2))
        ],
        "virtual_machines": [
            {
                "name": name,
                "cpu": 0.5,
                "memory": "64",
                "state": "held",
                "attributes": draw(ATTRIBUTES),
                "labels": draw(LABELS),
            }
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


LIMITS = st.integers(0, 10**6)
QUOTAS = st.fixed_dictionaries(
    {},
    optional={
        "vm": st.dictionaries(st.sampled_from(["vms", "cpu", "memory", "running_vms"]), LIMITS, min_size=1),
        "datastore": st.fixed_dictionaries({"default": st.fixed_dictionaries({"size": LIMITS})}),
        "network": st.fixed_dictionaries({"net": st.fixed_dictionaries({"leases": LIMITS})}),
    },
)
RULES = st.one_of(
    st.fixed_dictionaries({"protocol": st.sampled_from(["all", "tcp", "udp", "icmp"])}),
    st.fixed_dictionaries({"protocol": st.just("tcp"), "range": st.sampled_from(["22", "80,443", "1:1024"])}),
    st.fixed_dictionaries(
        {"protocol": st.just("udp"), "ip": st.just("10.1.0.0"), "size": st.integers(1, 300), "range": st.just("53")}
    ),
    st.fixed_dictionaries({"protocol": st.just("all"), "network": st.just("net")}),
    st.fixed_dictionaries({"protocol": st.just("icmp"), "icmp_type": st.integers(0, 17)}),
)
RULES = st.builds(
    lambda rule, direction: {**rule, "direction": direction}, RULES, st.sampled_from(["inbound", "outbound"])
)
SCHEDULES = st.one_of(
    st.fixed_dictionaries({"time": st.just("2036-12-06 02:00")}),
    st.fixed_dictionaries(
        {
            "time": st.just("2036-12-06 02:00"),
            "repeat": st.just("weekly"),
            "days": st.lists(st.integers(0, 6), min_size=1, unique=True).map(sorted),
        },
        optional={"end_after": st.integers(1, 9)},
    ),
    st.fixed_dictionaries({"time": st.just("2036-12-06 02:00"), "repeat": st.just("hourly"), "days": st.just([6])}),
)


@st.composite
def people_and_things(draw):
    """Documents of users and of what they have: each kind that clouds() has not."""
    groups = draw(st.lists(PLAIN, unique=True, max_size=2))
    users = draw(st.lists(PLAIN, unique=True, max_size=2))
    anyone, any_group = st.sampled_from([*users, "oneadmin"]), st.sampled_from([*groups, "users"])
    found = {
        "groups": [{"name": name, "quotas": draw(QUOTAS), "template": draw(ATTRIBUTES)} for name in groups],
        "users": [
            {"name": name, "password": "p", "group": draw(any_group), "quotas": draw(QUOTAS), "labels": draw(LABELS)}
            for name in users
        ],
        "security_groups": [
            {"name": name, "rules": draw(st.lists(RULES, max_size=3, unique_by=str)), "owner": draw(anyone)}
            for name in draw(st.lists(NAMES.filter(lambda name: name != "default"), unique=True, max_size=2))
        ],
        "virtual_networks": [
            {
                "name": "net",
                "vn_mad": "dummy",
                "bridge": "br0",
                "address_ranges": [{"type": "IP4", "ip": "10.0.0.1", "size": 20}],
                "template": draw(ATTRIBUTES),
            }
        ],
        "images": [
            {
                "name": name,
                "datastore": "default",
                "type": "datablock",
                "size": draw(st.integers(1, 64)),
                "persistent": draw(st.booleans()),
                "owner": draw(anyone),
                "group": draw(any_group),
                "mode": draw(st.sampled_from(["600", "640", "644"])),
                "template": draw(ATTRIBUTES),
            }
            for name in draw(st.lists(NAMES, unique=True, max_size=2))
        ],
        "vdcs": [
            {"name": name, "groups": draw(st.lists(any_group, unique=True)), "clusters": ["default"], "vnets": ["net"]}
            for name in draw(st.lists(NAMES.filter(lambda name: name != "default"), unique=True, max_size=1))
        ],
        "virtual_routers": [
            {"name": name, "nics": [{"network": "net"}], "template": draw(ATTRIBUTES)}
            for name in draw(st.lists(NAMES, unique=True, max_size=1))
        ],
        "backup_jobs": [
            {
                "name": name,
                "datastore": "vault",
                "priority": draw(st.integers(0, 50)),
                "keep_last": draw(st.integers(1, 9)),
                "schedules": draw(st.lists(SCHEDULES, max_size=2, unique_by=str)),
            }
            for name in draw(st.lists(NAMES, unique=True, max_size=1))
        ],
        "datastores": [{"name": "vault", "type": "backup", "ds_mad": "dummy", "tm_mad": "-"}],
        "hooks": [
            {"name": name, "type": "api", "call": "one.vm.allocate", "command": "note", "arguments_stdin": True}
            for name in draw(st.lists(NAMES, unique=True, max_size=1))
        ],
    }
    return {key: objects for key, objects in found.items() if objects}


WORDS = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
INPUTS = st.dictionaries(WORDS, TEXTS.filter(lambda text: "|" not in text), max_size=2)


@st.composite
def flows(draw):
    """Documents with what OneFlow has, and with documents of two types."""
    roles = draw(st.lists(WORDS, unique=True, min_size=1, max_size=3))
    networks = {
        "inside": {"network": "net"},
        "own": {"template": "made", "description": draw(WORDS), "mandatory": False},
        "part": {"reserve_from": "net"},
    }
    used = draw(st.lists(st.sampled_from(list(networks)), unique=True))
    return {
        "templates": [{"name": "small", "template": {"CPU": "0.1", "MEMORY": "64"}}],
        "virtual_networks": [{"name": "net", "vn_mad": "dummy", "bridge": "br0"}],
        "vnet_templates": [{"name": "made", "template": {"VN_MAD": "dummy", "BRIDGE": "b"}}],
        "vm_groups": [{"name": "apart", "roles": [{"name": "all"}]}],
        "service_templates": [
            {
                "name": draw(NAMES),
                "description": draw(WORDS),
                "deployment": draw(st.sampled_from(["none", "straight"])),
                "ready_status_gate": draw(st.booleans()),
                "labels": draw(LABELS),
                "mode": draw(st.sampled_from(["600", "644"])),
                "networks": {name: networks[name] for name in used},
                "roles": [
                    {
                        "name": name,
                        "template": "small",
                        "cardinality": draw(st.integers(0, 3)),
                        "parents": draw(st.lists(st.sampled_from(roles[:number]), unique=True)) if number else [],
                        **draw(ROLE_OPTIONS),
                    }
                    for number, name in enumerate(roles)
                ],
            }
        ],
        "documents": [
            {"name": name, "type": number, "template": {"NOTE": "1", **draw(ATTRIBUTES)}, "labels": draw(LABELS)}
            for number in (200, 201)
            for name in draw(st.lists(NAMES, unique=True, min_size=1, max_size=2))
        ],
    }


ROLE_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "vm_group": st.just({"name": "apart", "role": "all"}),
        "template_contents": st.just({"NIC": [{"NETWORK": "net"}], "NOTE": "x"}),
        "cooldown": st.integers(1, 60),
        "shutdown_action": st.sampled_from(["terminate", "terminate-hard"]),
    },
)
EXPECTED = {("user", "password"), ("vm", "template")}  # what is left out of these clouds


@settings(max_examples=12)
@given(clouds().filter(bool) | people_and_things() | flows())
def test_the_law_of_exports(cloud):
    documents = []
    declared = cloud
    for dummy in range(2):
        simulator = Simulator(Options(delay=0)).start()
        try:
            site = Site(simulator.url, simulator.flow_url)
            assert site.apply(copy.deepcopy(declared))[1].failures == {}
            keys = [key for key in export.ALL_KEYS if key in cloud]
            declared, left = exported(site, kinds=keys, document_types=[200, 201])
            assert [one for one in left if (one.kind, one.what) not in EXPECTED] == []
            assert steady(site, copy.deepcopy(declared)) == []
            for user in declared.get("users", ()):
                user["password"] = "p"  # which nothing tells
            documents.append(copy.deepcopy(declared))
        finally:
            simulator.stop()
    assert documents[0] == documents[1]


# ---------------------------------------------------------------- what others have made

STRANGE_NAMES = st.text(st.characters(exclude_categories=("C", "Zl", "Zp"), codec="utf-8"), min_size=1, max_size=12)
STRANGE_NAMES = STRANGE_NAMES.map(str.strip).filter(lambda name: name and not set(name) & set(names.FORBIDDEN))
STRANGE = st.dictionaries(
    st.sampled_from(["NOTE", "LABELS", "CPU", "NIC", "DISK", "CONTEXT", "SCHED_REQUIREMENTS", "BRIDGE", "DNS", "X_Y"]),
    TEXTS
    | st.lists(TEXTS, min_size=2, max_size=3)
    | st.dictionaries(st.sampled_from(["KEY", "IP", "SIZE"]), TEXTS, min_size=1)
    | st.lists(st.dictionaries(st.sampled_from(["KEY", "SIZE"]), TEXTS, min_size=1), min_size=2, max_size=3),
    max_size=4,
)


def made(create, name, template):
    """Whether OpenNebula takes an object."""
    try:
        create({**template, "NAME": name})
    except OneException:
        return False
    return True


@settings(max_examples=20)
@example([(0, "0", {"NOTE": "{%"})])
@example([(0, "0", {"CPU": "0"})])
@given(st.lists(st.tuples(st.integers(0, 4), STRANGE_NAMES, STRANGE), min_size=1, max_size=6))
def test_the_law_holds_for_what_others_have_made(given_objects):
    simulator = Simulator(Options(delay=0)).start()
    try:
        one = OneServer(simulator.url, session="oneadmin:opennebula")
        ways = [
            one.template.allocate,
            one.secgroup.allocate,
            lambda body: one.vn.allocate({**body, "VN_MAD": "dummy", "BRIDGE": "b"}, -1),
            one.vntemplate.allocate,
            lambda body: one.vm.allocate({**body, "CPU": 1, "MEMORY": 64, "NIC": [], "DISK": []}, True),
        ]
        count = sum(made(ways[way], name, template) for way, name, template in given_objects)
        site = Site(simulator.url, simulator.flow_url)
        declaration, left = exported(site, kinds=EXPORTED)
        refused = [one for one in left if one.what == "object"]
        assert sum(map(len, declaration.values())) + len(refused) == count
        assert all("takes" in one.because for one in refused), "no VM could be created from it"
        assert steady(site, copy.deepcopy(declaration)) == []
        assert DataLoader().load(one_export.text(declaration, [])) == declaration
    finally:
        simulator.stop()


EXPORTED = ["templates", "security_groups", "virtual_networks", "vnet_templates", "virtual_machines"]


# ---------------------------------------------------------------- OneFlow

SHOP = {
    "templates": [{"name": "small", "template": {"CPU": "0.1", "MEMORY": "64"}}],
    "service_templates": [
        {
            "name": "shop",
            "deployment": "straight",
            "roles": [
                {"name": "db", "template": "small", "cardinality": 1},
                {"name": "web", "template": "small", "cardinality": 2, "parents": ["db"]},
            ],
        }
    ],
    "services": [{"name": "shop-1", "template": "shop", "on_hold": True, "state": "held"}],
}


def test_services_are_made_after_their_templates_and_exported_with_them(site):
    plan, outcome = site.apply(copy.deepcopy(SHOP))
    assert outcome.failures == {}
    assert [[plan.objects[node.number].kind for node in wave] for wave in plan.waves] == [
        ["template"],
        ["service_template"],
        ["service"],
    ]
    declaration, left = exported(site, kinds=list(SHOP))
    assert left == []
    assert declaration["service_templates"] == SHOP["service_templates"]
    assert declaration["services"][0]["template"] == "shop"
    assert declaration["services"][0]["state"] == "held"
    assert steady(site, declaration) == []


def test_a_service_without_the_template_that_it_was_made_from_says_so(site):
    site.apply(copy.deepcopy(SHOP))
    site.apply({"service_templates": [{"name": "shop", "state": "absent"}]})
    declaration, left = exported(site, kinds=["services"])
    assert "template" not in declaration["services"][0]
    assert [(one.kind, one.name, one.what) for one in left] == [("service", "shop-1", "template")]
    assert steady(site, declaration) == []


def test_without_oneflow_everything_else_is_exported(site):
    site.apply({"clusters": [{"name": "edge"}]})
    alone = type(site)(site.url, "http://127.0.0.1:9")
    declaration, left = exported(alone)
    assert declaration["clusters"] == [{"name": "edge"}]
    assert [(one.kind, one.what) for one in left] == [("service_template", "object"), ("service", "object")]
    with pytest.raises(Failure, match="OneFlow"):
        exported(alone, kinds=["services"])


# ---------------------------------------------------------------- what real servers have

POOLS = {path.name.removesuffix(".xml.gz"): path for path in (SHARED / "conformance" / "pools").glob("*.xml.gz")}


class Recorded(SharedCloud):
    """A cloud whose pools are those of a real server, where they were recorded; the others are those of a site."""

    def answer(self, method, *arguments):
        path = POOLS.get(method)
        if path is None:
            return super().answer(method, *arguments)
        return element.parse(gzip.decompress(path.read_bytes()))


@pytest.mark.skipif(not POOLS, reason="no ../shared")
def test_the_law_holds_for_the_pools_of_a_real_server(site):
    cloud = Recorded(site.cloud([]).one)
    keys = ["hosts", "images", "templates", "virtual_networks", "virtual_machines"]
    declaration, left = one_export.exported(cloud, dict(ALL, kinds=keys))
    assert {key: len(objects) for key, objects in declaration.items()} == {
        "hosts": 10,
        "images": 31,
        "templates": 41,
        "virtual_networks": 2,
        "virtual_machines": 251,
    }
    assert {(one.kind, one.what) for one in left} <= EXPECTED
    entries, dummy = document.distinct(document.merged([("", declaration, {})])[0])
    declared, faults = objects.declared(entries, Modules())
    plan, wrong = planner.plan(Recorded(site.cloud([]).one), declared)
    assert faults + wrong == []
    assert {one.action for one in plan.objects} == {"none"}
