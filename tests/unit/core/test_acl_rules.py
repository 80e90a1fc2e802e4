# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""ACL rules without a server: their texts, their records, and which of them people made."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Step
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds import acl
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneException
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import acl as notation
from fake_vms import Element, cloud, refusal


def rule(oid, text):
    user, resource, rights, zone = notation.parse_rule(text)
    return Element(ID=oid, USER=user, RESOURCE=resource, RIGHTS=rights, ZONE=zone)


def ids(*numbers):
    return Element(ID=list(numbers))


def vdc(groups=(), **resources):
    """A VDC; resources: hosts=[(zone, id)]."""
    found = {}
    for element in ("CLUSTER", "HOST", "DATASTORE", "VNET"):
        items = [Element(ZONE_ID=zone, **{f"{element}_ID": oid}) for zone, oid in resources.get(element.lower(), ())]
        found[f"{element}S"] = Element(**{element: items})
    return Element(GROUPS=ids(*groups), **found)


def named(oid, name, **more):
    return Element(ID=oid, NAME=name, UNAME="ann", **more)


def made(*texts, check=False, vdcs=(), **more):
    """A cloud with these rules, numbered from 0."""
    pools = {
        "acl_info": lambda: Element(ACL=[rule(number, text) for number, text in enumerate(texts)]),
        "userpool_info": Element(USER=[named(0, "oneadmin"), named(2, "ann")], QUOTAS=[]),
        "grouppool_info": Element(
            GROUP=[named(0, "oneadmin", ADMINS=ids()), named(100, "dev", ADMINS=ids(2))], QUOTAS=[]
        ),
        "vdcpool_info": Element(VDC=list(vdcs)),
        "zonepool_info": Element(ZONE=[named(0, "OpenNebula")]),
        "clusterpool_info": [named(0, "default")],
        "datastorepool_info": [named(1, "default")],
    }
    return cloud(check, **{**pools, **more})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"resources": ["vm"], "rights": ["use"]}, "@100 VM/* USE #0"),
        (
            {"resources": ["image", "vm"], "rights": ["create", "admin", "manage", "use"]},
            "@100 VM+IMAGE/* USE+MANAGE+ADMIN+CREATE #0",
        ),
        (
            {"resources": ["net", "secgroup", "marketplaceapp"], "rights": ["use"]},
            "@100 NET+SECGROUP+MARKETPLACEAPP/* USE #0",
        ),
        ({"resources": ["vmgroup", "scheduledaction"], "rights": ["use"]}, "@100 VMGROUP+SCHEDULEDACTION/* USE #0"),
        (
            {"resources": ["host", "vnet", "datastore"], "rights": ["use"], "cluster": "default"},
            "@100 HOST+NET+DATASTORE/%0 USE #0",
        ),
        ({"resources": ["vm", "image"], "rights": ["use"], "of_group": "dev"}, "@100 VM+IMAGE/@100 USE #0"),
        ({"resources": ["datastore"], "rights": ["use"], "object": "default"}, "@100 DATASTORE/#1 USE #0"),
        ({"resources": ["vm", "image"], "rights": ["use"], "object": 7}, "@100 VM+IMAGE/#7 USE #0"),
        ({"resources": ["document"], "rights": ["use"], "object": "7"}, "@100 DOCUMENT/#7 USE #0"),
        ({"resources": ["vm"], "rights": ["use"], "zone": "*"}, "@100 VM/* USE *"),
        ({"resources": ["vm"], "rights": ["use"], "zone": "OpenNebula"}, "@100 VM/* USE #0"),
    ],
)
def test_the_text_of_a_rule(given, text):
    before = dict(given)
    assert acl.canonical(made(), "@100", given) == text
    assert given == before


NEEDS = "An ACL rule needs at least one of resources, and one of rights."
BELONGING = (
    "vm, vnet, image, user, template, acl, datastore, document, security_group, vrouter, marketplace, marketapp, "
    "vm_group, vntemplate, hook, backupjob, scheduled_action"
)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"resources": [], "rights": ["use"]}, NEEDS),
        ({"resources": ["vm"], "rights": []}, NEEDS),
        (
            {"resources": ["vm", "host"], "rights": ["use"], "cluster": "default"},
            "An ACL rule cannot be for vm in a cluster; it can be for host, vnet, datastore.",
        ),
        (
            {"resources": ["host", "vm", "zone"], "rights": ["use"], "of_group": "dev"},
            f"An ACL rule cannot be for host, zone of a group; it can be for {BELONGING}.",
        ),
        (
            {"resources": ["vm", "image"], "rights": ["use"], "object": "web"},
            "The object 'web' of an ACL rule for vm, image needs its id, not its name.",
        ),
        *[
            (
                {"resources": [kind], "rights": ["use"], "object": "x"},
                f"The object 'x' of an ACL rule for {kind} needs its id, not its name.",
            )
            for kind in ("acl", "document", "scheduled_action")
        ],
    ],
)
def test_a_rule_that_is_none_is_told(given, said):
    assert refusal(acl.canonical, made(), "@100", given) == (said, {"object": "acl"})


def test_whose_rules_they_are():
    found = made()
    assert acl.subject(found) == "*"
    assert acl.subject(found, user="ann") == "#2"
    assert acl.subject(found, group="dev") == "@100"
    assert acl.subject(found, "ann", "dev") == "#2"
    assert acl.subject(made(check=True), user="new user") == "#newuser"


def test_the_record_of_a_rule():
    assert acl.read_rule("#2 VM+NET/@100 USE+MANAGE #0", 7) == {
        "rule": "#2 VM+NET/@100 USE+MANAGE #0",
        "resources": ["vm", "vnet"],
        "rights": ["use", "manage"],
        "user_id": 2,
        "of_group_id": 100,
        "zone_id": 0,
        "id": 7,
    }
    assert acl.read_rule("@100 HOST/%5 CREATE *") == {
        "rule": "@100 HOST/%5 CREATE *",
        "resources": ["host"],
        "rights": ["create"],
        "group_id": 100,
        "cluster_id": 5,
    }
    assert acl.read_rule("#new VM/#7 USE *")["user_id"] == "new"
    assert acl.read_rule("* VM/#7 ADMIN *", 0) == {
        "rule": "* VM/#7 ADMIN *",
        "resources": ["vm"],
        "rights": ["admin"],
        "object_id": 7,
        "id": 0,
    }


TEXTS = ("#2 VM/* USE #0", "@100 IMAGE/* USE #0", "* HOST/* USE #0", "#2 NET/* USE #0")


def test_rules_are_listed_for_whom_they_are():
    def numbers(**options):
        return [record["id"] for record in acl.select(made(*TEXTS), **options)]

    assert numbers() == [0, 1, 2, 3]
    assert numbers(user="ann") == [0, 3]
    assert numbers(group="dev") == [1]
    assert numbers(group="oneadmin") == []


# ---------------------------------------------------------------- rules that OpenNebula makes itself


VDC = vdc([100, 101], cluster=[(0, 5)], host=[(0, -10)], datastore=[(0, 1)], vnet=[(3, 7)])


def test_the_rules_of_vdcs():
    hosts = {"HOST", "NET", "DATASTORE"}
    expected = {
        (who, *place): types
        for who in ("@100", "@101")
        for place, types in {
            ("%5", "#0"): hosts,
            ("*", "#0"): {"HOST"},
            ("#1", "#0"): {"DATASTORE"},
            ("#7", "#3"): {"NET"},
        }.items()
    }
    assert acl.made_by_opennebula(made(vdcs=[VDC])) == expected
    two = made(vdcs=[vdc([100], host=[(0, -10)]), vdc([100], vnet=[(0, -10)])])
    assert acl.made_by_opennebula(two) == {("@100", "*", "#0"): {"HOST", "NET"}}


@pytest.mark.parametrize(
    ("text", "made_itself"),
    [
        ("@100 HOST+NET+DATASTORE/%5 USE #0", True),
        ("@100 HOST/%5 USE #0", True),
        ("@100 HOST+VM/%5 USE #0", False),
        ("@100 HOST/%6 USE #0", False),
        ("@100 HOST/* MANAGE #0", True),
        ("@100 HOST/* MANAGE *", False),
        ("@102 HOST/* MANAGE #0", False),
        # of the administrator of a group
        ("#2 USER/* CREATE *", True),
        ("#2 VROUTER/* CREATE *", True),
        ("#2 USER/* CREATE #0", False),
        ("#2 USER/* USE *", False),
        ("#2 VM/* CREATE *", False),
        ("#2 USER+VROUTER/* CREATE *", False),
        ("#2 GROUP/#100 MANAGE *", True),
        ("#2 GROUP/#101 MANAGE *", False),
        ("#2 VM/#100 MANAGE *", False),
        ("#2 VM+IMAGE/@100 USE+MANAGE *", True),
        ("#2 USER/@100 USE+MANAGE+ADMIN+CREATE *", True),
        ("#2 VM/@100 USE *", False),
        ("#2 VM/@101 USE+MANAGE *", False),
        ("#2 HOST/%100 USE+MANAGE *", False),
        ("#3 USER/* CREATE *", False),
    ],
)
def test_which_rules_people_made(text, made_itself):
    found = made(vdcs=[VDC])
    assert acl.own(found, [text, "* VM/* USE #0"]) == ([] if made_itself else [text]) + ["* VM/* USE #0"]


def test_nothing_is_asked_for_no_rules():
    found = made()
    assert acl.own(found, []) == []
    assert found.one.calls == []


# ---------------------------------------------------------------- changes

NOTHING = {"user": None, "group": None, "everyone": None, "rules": None, "purge": False, "state": "present"}
VMS = {"resources": ["vm"], "rights": ["use"]}
NETS = {"resources": ["net"], "rights": ["use"]}
IMAGES = {"resources": ["image"], "rights": ["use"]}


@pytest.mark.parametrize(
    ("options", "before", "after", "left"),
    [
        ({"rules": [VMS]}, (), (), ["VM", "NET"]),
        ({"rules": [VMS, IMAGES]}, (), ("IMAGE",), ["VM", "NET", "IMAGE"]),
        ({"rules": [IMAGES], "purge": True}, ("VM", "NET"), ("IMAGE",), ["IMAGE"]),
        ({"rules": [], "purge": True}, ("VM", "NET"), (), []),
        ({"rules": [VMS, IMAGES], "state": "absent"}, ("VM",), (), ["NET"]),
        ({"state": "absent"}, ("VM", "NET"), (), []),
        ({}, (), (), ["VM", "NET"]),
    ],
)
def test_what_would_change(options, before, after, left):
    found = made(*TEXTS)
    report = acl.ensure(found, {**NOTHING, "user": "ann", **options}, apply=False)

    def texts(words):
        return {"rules": [f"#2 {word}/* USE #0" for word in words]} if words else {}

    assert (report.changed, report.before, report.after) == (bool(before or after), texts(before), texts(after))
    assert [record["rule"] for record in report.record["rules"]] == [f"#2 {word}/* USE #0" for word in left]
    assert not [call for call in found.one.calls if call[0].endswith("rule")]


def test_new_rules_come_before_others_go():
    texts = list(TEXTS)

    def answer():
        return Element(ACL=[rule(number, text) for number, text in enumerate(texts) if text])

    def add(*numbers):
        texts.append(notation.rule_text(*numbers))
        return len(texts) - 1

    found = made(acl_info=answer, acl_addrule=add, acl_delrule=lambda oid: texts.__setitem__(oid, None))
    report = acl.ensure(found, {**NOTHING, "user": "ann", "rules": [IMAGES, VMS], "purge": True})
    assert report.changed
    assert [record["id"] for record in report.record["rules"]] == [0, 4]
    numbers = notation.parse_rule("#2 IMAGE/* USE #0")
    changes = [call for call in found.one.calls if call[0].endswith("rule")]
    assert changes == [("acl.addrule", *numbers), ("acl.delrule", 3)]


def test_steps_say_which_rule_they_add_or_remove():
    record = {"rules": {"a": {"id": 3}, "b": {"id": 4}}}
    assert acl.change_rules(record, {"c": {}, "b": {}}) == [
        Step("add the ACL rule c", run=acl.add_rule, arguments=("c",), option="c"),
        Step("remove the ACL rule a", "acl.delrule", (3,), option="a"),
    ]


def test_a_rule_that_cannot_be_added_is_told():
    message, dummy = refusal(acl.add_rule, made(), "#new VM/* USE #0")
    assert message.startswith("Cannot add the ACL rule #new VM/* USE #0: ")
    denied = made(acl_addrule=OneException("no", "one.acl.addrule", 0x1000))
    message, data = refusal(acl.add_rule, denied, "#2 VM/* USE #0")
    assert message == "Cannot add the ACL rule #2 VM/* USE #0: no."
    assert data["object"] == "acl"


def test_who_is_meant_has_to_be_said():
    assert refusal(acl.ensure, made(), NOTHING) == (
        "Say whose ACL rules these are: give user, group or everyone: true.",
        {"object": "acl"},
    )
    everyone = acl.ensure(made(*TEXTS), {**NOTHING, "everyone": True})
    assert [record["id"] for record in everyone.record["rules"]] == [2]


def test_rules_of_somebody_who_is_gone_are_gone():
    assert not acl.ensure(made(), {**NOTHING, "user": "gone", "state": "absent", "rules": [VMS]}).changed
    assert "no user 'gone'" in refusal(acl.ensure, made(), {**NOTHING, "user": "gone", "rules": [VMS]})[0]


def test_no_more_rules_go_than_may():
    options = {**NOTHING, "user": "ann", "state": "absent", "max_remove": 1}
    message = refusal(acl.ensure, made(*TEXTS), options, apply=False)[0]
    assert message.startswith("2 ")
    assert "max_remove is 1: #2 VM/* USE #0, #2 NET/* USE #0." in message
    assert acl.ensure(made(*TEXTS), {**options, "max_remove": 2}, apply=False).changed


def test_a_set_of_rules_is_found_and_read_again():
    found = made(*TEXTS)
    assert acl.find(found, None, None, "#2") == acl.RuleSet("#2", "set of #2", {TEXTS[0]: 0, TEXTS[3]: 3})
    assert acl.find(found, None, None, "#9") == acl.RuleSet("#9", "set of #9", {})
    assert acl.fetch(found, None, "@100") == acl.RuleSet("@100", "set of @100", {TEXTS[1]: 1})
    assert acl.fetch(found, None, "#9") == acl.RuleSet("#9", "set of #9", {})
    assert acl.read(None, acl.RuleSet("#2", "x", {TEXTS[0]: 0})) == {"rules": {TEXTS[0]: acl.read_rule(TEXTS[0], 0)}}
