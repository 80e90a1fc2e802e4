# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""ACL rules: one form, sets of a user or group, and the rules that OpenNebula makes itself."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import acl
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import acl as notation

VMS = {"resources": ["vm"], "rights": ["use"]}
HOSTS = {"resources": ["host"], "rights": ["manage"], "cluster": "default"}


@pytest.fixture
def calls():
    return []


@pytest.fixture
def one(simulator, calls):
    client = OneServer(simulator.url, session="oneadmin:opennebula", on_call=calls.append)
    client.group.allocate("dev")
    client.vdc.delgroup(0, 100)  # whose rules it would have otherwise
    return client


def ensure(one, apply=True, on_missing=None, **options):
    given = {"user": None, "group": None, "everyone": None, "rules": None, "purge": False, "state": "present"}
    return acl.ensure(Cloud(one, on_missing=on_missing), {**given, **options}, apply)


def texts(report):
    return [rule["rule"] for rule in report.record["rules"]]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (VMS, "@100 VM/* USE #0"),
        ({"resources": ["image", "vm"], "rights": ["admin", "use"]}, "@100 VM+IMAGE/* USE+ADMIN #0"),
        (HOSTS, "@100 HOST/%0 MANAGE #0"),
        ({**VMS, "of_group": "dev"}, "@100 VM/@100 USE #0"),
        ({**VMS, "object": "*"}, "@100 VM/* USE #0"),
        ({**VMS, "object": "7", "resources": ["vm", "image"]}, "@100 VM+IMAGE/#7 USE #0"),
        ({**VMS, "object": "default", "resources": ["datastore"]}, "@100 DATASTORE/#1 USE #0"),
        ({**VMS, "zone": "*"}, "@100 VM/* USE *"),
        ({**VMS, "zone": "OpenNebula"}, "@100 VM/* USE #0"),
        ({**VMS, "resources": list(reversed(acl.RESOURCES))}, f"@100 {'+'.join(acl.RESOURCES.values())}/* USE #0"),
    ],
)
def test_a_rule_has_the_form_that_opennebula_shows(one, rule, text):
    assert acl.canonical(Cloud(one), "@100", rule) == text
    assert notation.rule_text(*notation.parse_rule(text)) == text


def test_the_types_are_those_of_the_notation():
    assert list(acl.RESOURCES.values()) == list(notation.RESOURCES)
    assert list(acl.RIGHTS.values()) == list(notation.RIGHTS)


def test_what_is_read_says_the_rule_again(one):
    cloud = Cloud(one)
    for text in acl.rules(cloud.pool("acl")):
        found = acl.read_rule(text)
        ids = {"object": "object_id", "of_group": "of_group_id", "cluster": "cluster_id"}
        again = {word: found.get(key) for word, key in ids.items()}
        rule = {**again, "resources": found["resources"], "rights": found["rights"], "zone": found.get("zone_id", "*")}
        assert acl.canonical(cloud, text.split()[0], rule) == text


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({**HOSTS, "resources": ["host", "vm"]}, "cannot be for vm in a cluster"),
        ({"resources": ["vdc"], "rights": ["use"], "of_group": "dev"}, "cannot be for vdc of a group"),
        ({**VMS, "resources": ["document"], "object": "x"}, "needs its id"),
        ({**VMS, "resources": ["host", "vm"], "object": "x"}, "needs its id"),
        ({**VMS, "rights": []}, "at least one"),
        ({**VMS, "zone": "Opennebula"}, "did you mean 'OpenNebula'"),
    ],
)
def test_what_opennebula_would_refuse_is_told_before(one, calls, rule, message):
    calls.clear()
    with pytest.raises(Failure, match=message):
        ensure(one, group="dev", rules=[VMS, rule])
    assert "one.acl.addrule" not in calls


def test_rules_are_a_set_and_the_plan_is_the_change(one, calls):
    options = {"group": "dev", "rules": [VMS, HOSTS, VMS]}
    planned = ensure(one, apply=False, **options)
    done = ensure(one, **options)
    assert (planned.before, planned.after) == (done.before, done.after)
    assert texts(planned) == texts(done) == ["@100 VM/* USE #0", "@100 HOST/%0 MANAGE #0"]
    calls.clear()
    assert not ensure(one, **options).changed
    assert sorted(calls) == [
        "one.acl.info",
        "one.clusterpool.info",
        "one.grouppool.info",
        "one.zonepool.info",
    ]


def test_purge_leaves_what_vdcs_and_administrators_of_groups_bring_about(one):
    user = one.user.allocate("boss", "secret", "core", [100])
    one.group.addadmin(100, user)
    one.vdc.addgroup(0, 100)
    vdc = one.vdc.allocate({"NAME": "edge"})
    one.vdc.addgroup(vdc, 100)
    one.vdc.adddatastore(vdc, 0, 1)
    for who in ({"group": "dev"}, {"user": "boss"}):
        made = texts(ensure(one, **who, rules=[]))
        assert made
        ensure(one, **who, rules=[VMS, HOSTS])
        assert texts(ensure(one, **who, rules=[HOSTS], purge=True)) == [
            *made,
            texts(ensure(one, **who, rules=[HOSTS]))[-1],
        ]
        assert texts(ensure(one, **who, state="absent")) == made


def test_a_rule_like_one_of_a_vdc_is_not_taken_for_it(one):
    one.vdc.addgroup(0, 100)
    ensure(one, group="dev", rules=[{"resources": ["vm", "host"], "rights": ["use"]}])
    assert len(ensure(one, group="dev", rules=[], purge=True).before["rules"]) == 1


def test_other_subjects_keep_their_rules(one):
    ensure(one, everyone=True, rules=[VMS])
    before = len(one.acl.info().ACL)
    ensure(one, group="dev", rules=[VMS], purge=True)
    ensure(one, group="dev", state="absent")
    assert len(one.acl.info().ACL) == before
    assert ensure(one, everyone=True, rules=[VMS], state="absent").changed


def test_a_check_run_speaks_of_a_group_that_is_not_there_yet(one):
    said = []
    report = ensure(one, apply=False, on_missing=said.append, group="soon", rules=[VMS])
    assert texts(report) == ["@soon VM/* USE #0"]
    assert report.record["rules"][0]["group_id"] == "soon"
    assert len(said) == 1


def test_a_failure_halfway_says_what_was_done(one):
    ensure(one, group="dev", rules=[VMS])
    cloud = Cloud(one)
    original = cloud.call

    def failing(doing, method, *arguments, **data):
        if method == "acl.delrule":
            raise Failure("Cannot remove.")
        return original(doing, method, *arguments, **data)

    cloud.call = failing
    options = {"user": None, "group": "dev", "everyone": None, "rules": [HOSTS], "purge": True, "state": "present"}
    with pytest.raises(Failure, match="Already changed: @100 HOST/%0 MANAGE #0") as caught:
        acl.ensure(cloud, options)
    assert caught.value.data["not_done"] == ["@100 VM/* USE #0"]
    assert texts(ensure(one, group="dev", rules=[HOSTS], purge=True)) == ["@100 HOST/%0 MANAGE #0"]


def test_nobody_is_not_everybody(one):
    with pytest.raises(Failure, match="everyone: true"):
        ensure(one, everyone=False, rules=[VMS])


def test_a_rule_that_is_not_stored_is_an_error(one):
    cloud = Cloud(one)
    original = cloud.call
    cloud.call = lambda doing, method, *given, **data: (
        None if method == "acl.addrule" else original(doing, method, *given, **data)
    )
    options = {"user": None, "group": "dev", "everyone": None, "rules": [VMS], "purge": False, "state": "present"}
    with pytest.raises(Failure, match="ACL rule set of @100, but did not store: rules"):
        acl.ensure(cloud, options)


# What OpenNebula makes for the administrator of a group, in several releases.
MADE = [
    "#%d USER/@100 USE+MANAGE+ADMIN+CREATE *",
    "#%d VM+NET+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VROUTER+VMGROUP+BACKUPJOB/@100 USE+MANAGE *",
    "#%d VM+NET+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VROUTER/@100 USE+MANAGE *",
    "#%d VM+IMAGE+VNTEMPLATE+SCHEDULEDACTION/@100 USE+MANAGE *",
    "#%d VROUTER/* CREATE *",
    "#%d USER/* CREATE *",
    "#%d GROUP/#100 MANAGE *",
    "#%d GROUP/#100 USE+MANAGE *",
]
OF_PEOPLE = [
    "#%d VM/* CREATE *",
    "#%d VROUTER/* CREATE #0",
    "#%d VM/@100 USE #0",
    "#%d IMAGE/@100 ADMIN *",
    "#%d VM/@101 USE+MANAGE *",
    "#%d GROUP/#101 MANAGE *",
    "#%d HOST/%%0 USE+MANAGE *",
    "#%d VM/#7 USE+MANAGE *",
]


@pytest.mark.parametrize(("text", "made"), [(one, True) for one in MADE] + [(one, False) for one in OF_PEOPLE])
def test_rules_of_administrators_are_known_by_what_they_are_for(text, made):
    admins = {("#2", 100), ("#3", 101)}
    assert acl.makes_administrator(admins, text % 2) is made
    assert acl.makes_administrator(admins, text % 4) is False


def test_rules_for_what_is_gone_are_gone(one):
    for who in ({"group": "nobody"}, {"user": "nobody"}, {"group": "dev"}):
        rules = [{"resources": ["host"], "rights": ["use"], "cluster": "gone", "zone": "gone"}]
        assert not ensure(one, **who, rules=rules, state="absent").changed
    assert not ensure(one, user="nobody", state="absent").changed
    with pytest.raises(Failure, match="There is no user 'nobody'"):
        ensure(one, user="nobody", rules=[])
