# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The cloud of a task: what it asks, what it keeps of the answers, and what it says of failures."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import cloud as module
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure, Unreachable
from ansible_collections.privazio.opennebula.plugins.module_utils._core.secrets import Secrets
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneAuthorizationException,
    OneException,
    OneNoExistsException,
    OneProtocolException,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.element import Element as Answer
from fake_vms import Element, Server, Steps, cloud, refusal

IMAGES = ("imagepool.info", -2, -1, -1)
RIGHT = "Ask for the right (owner, group, ACL), or use another user."


def image(oid, name="os", owner="ann", **more):
    return Element(ID=oid, NAME=name, UNAME=owner, GNAME="staff", TEMPLATE={}, **more)


# ---------------------------------------------------------------- calls


def test_a_call_passes_its_arguments_and_returns_the_answer():
    one = cloud(image_rename=lambda oid, name: [oid, name])
    assert one.call("rename it", "image.rename", 3, "new", object="image") == [3, "new"]
    assert one.one.calls == [("image.rename", 3, "new")]


def test_a_call_that_fails_says_what_was_being_done():
    one = cloud(image_rename=OneException("[one.image.rename] No such thing.", "one.image.rename", 0x1000))
    message, data = refusal(one.call, "rename it", "image.rename", 3, object="image", id=3)
    assert message == "Cannot rename it: No such thing."
    assert data == {"object": "image", "id": 3, "method": "one.image.rename", "code": 0x1000}


def denial(words):
    return OneAuthorizationException(f"[one.x] User [3] : {words}.", "one.x", 0x0200)


NOBODY = {"name": None, "owner": None, "group": None}


@pytest.mark.parametrize(
    ("said", "denied", "text"),
    [
        (
            "Not authorized to perform MANAGE IMAGE [7]",
            [{"name": "os", "owner": "ann", "group": "staff", "right": "MANAGE", "object": "image", "id": 7}],
            "This needs the right MANAGE on image os, which belongs to ann (group staff).",
        ),
        (
            "Not authorized to perform USE NET [9]",
            [dict(NOBODY, right="USE", object="vnet", id=9)],
            "This needs the right USE on virtual network 9.",
        ),
        (
            "Not authorized to perform CREATE VMGROUP",
            [dict(NOBODY, right="CREATE", object="vm_group", id=None)],
            "This needs the right CREATE for VM groups.",
        ),
        (
            "Not authorized to perform USE IMAGE [8]. Not authorized to perform ADMIN HOST [1]",
            [
                dict(NOBODY, right="USE", object="image", id=8),
                dict(NOBODY, right="ADMIN", object="host", id=1),
            ],
            "This needs the right USE on image 8. This needs the right ADMIN on host 1.",
        ),
    ],
)
def test_a_right_that_is_missing_is_told_with_its_object(said, denied, text):
    one = cloud(image_info=lambda oid: image(7) if oid == 7 else None, x=denial(said))
    message, data = refusal(one.call, "do it", "x")
    assert message == f"Cannot do it: User [3] : {said}. {text} {RIGHT}"
    assert data["denied"] == denied
    assert sorted(data) == ["code", "denied", "method"]


def test_a_right_for_what_oneflow_keeps_is_told_with_its_kind():
    for name, kind in (("POST /service/4/action", "service"), ("PUT /service_template/4", "service_template")):
        error = denial("Not authorized to perform MANAGE DOCUMENT [4]")
        error.method = name
        assert refusal(cloud(x=error).call, "do it", "x")[1]["denied"] == [
            dict(NOBODY, right="MANAGE", object=kind, id=4)
        ]
    assert refusal(cloud(x=denial("Not authorized to perform USE DOCUMENT [4]")).call, "do it", "x")[1]["denied"] == [
        dict(NOBODY, right="USE", object="document", id=4)
    ]


def test_what_is_no_kind_is_not_read_for_a_right():
    one = cloud(x=denial("Not authorized to perform USE THING [4]"))
    assert refusal(one.call, "do it", "x")[0].startswith("Cannot do it: User [3]")
    assert one.one.calls == [("x",)]


def test_the_name_of_what_a_right_is_missing_for_may_come_from_a_pool():
    one = cloud(imagepool_info=[image(7), image(8, "data", "bob")], x=denial("Not authorized to perform USE IMAGE [8]"))
    one.pool("image")
    assert refusal(one.call, "do it", "x")[1]["denied"][0]["owner"] == "bob"
    assert one.one.calls == [IMAGES, ("x",)]


def test_what_another_zone_does_is_told_with_its_endpoint():
    zones = [
        Element(ID=0, NAME="master", TEMPLATE={"ENDPOINT": "http://master:2633/RPC2"}),
        Element(ID=100, NAME="slave", TEMPLATE={}),
    ]
    one = cloud(
        zonepool_info=Element(ZONE=zones),
        user_allocate=OneException("Cannot do this: on a master zone", "one.user.allocate", 0x1000),
    )
    assert refusal(one.call, "create user ann", "user.allocate")[0] == (
        "Cannot create user ann: Cannot do this: on a master zone. "
        "Run this with api_url http://master:2633/RPC2, the endpoint of zone master."
    )


def test_a_right_for_a_zone_is_told_with_the_endpoint_of_that_zone():
    zones = [Element(ID=0, NAME="master", TEMPLATE={}), Element(ID=100, NAME="slave", TEMPLATE={})]
    error = OneException("only through the target zone", "one.zone.x", 0x1000)
    one = cloud(zonepool_info=Element(ZONE=zones), zone_x=error)
    assert refusal(one.call, "do it", "zone.x", 100)[0] == (
        "Cannot do it: only through the target zone. Run this with the endpoint of zone slave as api_url."
    )


class Tree:
    """What an answer of the API is made of."""

    def __init__(self, tag):
        self.tag = tag


def answer(tag, **fields):
    found = Answer.__new__(Answer)
    found.__dict__.update(_node=Tree(tag), **fields)
    return found


@pytest.mark.parametrize(
    ("method", "given", "fits"),
    [
        ("image.info", answer("IMAGE"), True),
        ("image.info", answer("VM"), False),
        ("imagepool.info", answer("IMAGE_POOL", IMAGE=[]), True),
        ("imagepool.info", answer("IMAGE", IMAGE=5), False),
        ("imagepool.info", answer("IMAGE"), False),
        ("vmpool.infoextended", answer("VM_POOL", VM=[]), True),
        ("vmpool.infoset", answer("VM", VM=None), False),
        ("acl.info", answer("ACL_POOL", ACL=[]), True),
        ("acl.info", answer("ACL_POOL"), False),
        ("image.info", 7, False),
        ("image.info", "text", False),
        ("image.info", [], False),
        ("image.info", Element(ID=7), True),
        ("image.rename", 7, True),
        ("flow.service.info", "text", True),
        ("flow.service.pool", 7, True),
    ],
)
def test_an_answer_that_is_none_of_opennebula_is_refused(method, given, fits):
    if fits:
        assert module.refuse_other(method, given) is None
        return
    with pytest.raises(OneProtocolException) as caught:
        module.refuse_other(method, given)
    assert caught.value.message == f"the answer to one.{method} is none of OpenNebula"
    assert caught.value.method == f"one.{method}"


def test_an_answer_that_is_none_of_opennebula_fails_the_call():
    assert refusal(cloud(image_info=5).info, "image", 7)[0].startswith(
        "Cannot read image 7: the answer to one.image.info is none of OpenNebula."
    )


# ---------------------------------------------------------------- secrets


class Kept:
    """Secrets that tell what they were given."""

    def __init__(self):
        self.seen = []

    def remember(self, key, answer):
        self.seen.append((key, answer))


def test_secrets_are_looked_for_in_what_is_read():
    kept, item, pool = Kept(), image(7), Element(IMAGE=[])
    server = Server(image_info=item, imagepool_info=pool, image_rename=7, zone_info=item)
    one = Cloud(server, secrets=kept)
    one.info("image", 7)
    one.info("image", 7, decrypt=True)
    one.pool("image")
    one.pool("image", ("a", 1))
    one.call("rename it", "image.rename", 7, "x")
    assert kept.seen == [
        (("image.info", 7), item),
        (("image.info", 7), item),
        (("imagepool.info", -2), pool),
        (("imagepool.info",), pool),
    ]


def test_a_cloud_has_what_it_needs_by_itself():
    one = Cloud("client")
    assert (one.one, one.timeout, one.on_missing, one.protected) == ("client", 300, None, "protected")
    assert isinstance(one.clock, Clock)
    assert isinstance(one.secrets, Secrets)
    assert (one.expendable, one.listed, one.rehearses) == (set(), set(), False)
    other = Cloud("client", 5, print, "clock", "progress", "secrets", "mine")
    assert (other.timeout, other.on_missing, other.clock, other.secrets) == (5, print, "clock", "secrets")
    assert (other.protected, other.rehearses) == ("mine", True)


# ---------------------------------------------------------------- what is not removed


def locked(oid=7, lock=1, **more):
    return image(oid, LOCK=Element(LOCKED=lock), **more)


KEPT = "No image is removed or replaced here: os is locked (use). Unlock it first (lock: none)."


def test_what_is_locked_is_not_removed():
    one = cloud(image_info=locked())
    message, data = refusal(one.call, "remove it", "image.delete", 7)
    assert (message, data) == (KEPT, {"object": "image", "id": 7, "ids": [7]})
    assert one.one.calls == [("image.info", 7)]
    assert refusal(one.check, "remove it", "image.delete", 7)[0] == KEPT
    assert one.one.calls == [("image.info", 7)], "it was read already"
    one.expendable.add(("image", 7))
    one.call("remove it", "image.delete", 7)
    assert one.one.calls[1:] == [("image.delete", 7)]


def test_what_was_listed_is_not_read_again_to_be_removed():
    one = cloud(imagepool_info=[image(3), locked()])
    one.pool("image")
    assert refusal(one.call, "remove it", "image.delete", 7)[0] == KEPT
    one.call("remove it", "image.delete", 3)
    assert one.one.calls == [IMAGES, ("image.delete", 3)]


def test_what_was_read_last_counts():
    one = cloud(imagepool_info=[locked()], image_info=image(7))
    one.pool("image")
    one.info("image", 7)
    one.call("remove it", "image.delete", 7)
    assert one.one.calls == [IMAGES, ("image.info", 7), ("image.delete", 7)]


def test_an_object_of_another_kind_with_the_same_id_does_not_count():
    one = cloud(hostpool_info=[locked()], image_info=image(7))
    one.pool("host")
    one.call("remove it", "image.delete", 7)
    assert one.one.calls == [("hostpool.info",), ("image.info", 7), ("image.delete", 7)]


def test_the_label_that_protects_is_that_of_the_cloud():
    item = image(7)
    item.TEMPLATE = {"LABELS": "mine"}
    one = Cloud(Server(image_info=item), protected="mine")
    assert refusal(one.call, "remove it", "image.delete", 7)[0].startswith(
        "No image is removed or replaced here: os has the label mine."
    )
    Cloud(Server(image_info=item)).call("remove it", "image.delete", 7)


def test_what_is_kept_before_a_right_is_told_does_not_hide_it():
    error = denial("Not authorized to perform USE IMAGE [4]")
    one = cloud(image_info=Failure("A failure of the client itself."), x=error)
    assert refusal(one.call, "do it", "x")[1]["denied"] == [dict(NOBODY, right="USE", object="image", id=4)]


def test_what_is_no_object_is_not_asked_for():
    one = cloud()
    one.call("remove it", "flow.other.delete", 7)
    one.call("remove it", "image.delete", 7)
    assert one.one.calls == [("flow.other.delete", 7), ("image.info", 7), ("image.delete", 7)]


# ---------------------------------------------------------------- checks


def test_a_call_is_checked_without_being_made():
    one = cloud()
    one.check("rename it", "template.rename", 7, "x")
    assert (one.one.checked, one.one.calls) == ([("template.rename", 7, "x")], [])


def test_a_value_that_cannot_be_sent_is_told():
    one = cloud()

    def request(method, *arguments):
        raise OneException(f"{arguments} cannot be sent", "one." + method)

    one.one.request = request
    for check in (one.check, one.check_values):
        message, data = refusal(check, "paint it", "template.paint", "\x00", object="template")
        assert message == "Cannot paint it: ('\\x00',) cannot be sent."
        assert data == {"object": "template", "method": "one.template.paint", "code": None}


def test_a_method_that_came_later_needs_its_release():
    one = cloud()
    one.one.answers["system.version"] = "7.2.0"
    message, data = refusal(one.check, "add it", "vm.vmgroupadd", 1, 2, "a")
    assert message == "Cannot add it: this needs OpenNebula 7.4 or newer. This server has 7.2.0."
    assert data == {"release": "7.2.0"}
    assert one.one.calls == [("system.version",)]
    one.check("run it", "vm.exec", 1, "a")
    assert one.require("7.2.0", "do it") is None
    assert one.one.calls == [("system.version",)], "the release is asked for once"


def test_a_release_that_cannot_be_asked_for_is_told():
    one = cloud()
    one.one.answers["system.version"] = OneException("no", "one.system.version", 0x1000)
    assert refusal(one.require, "7.2", "do it")[0] == "Cannot ask for the release of OpenNebula: no."


def test_what_opennebula_would_refuse_is_refused():
    message, data = refusal(cloud().check, "create it", "host.allocate", "node", "", "kvm", 0)
    assert message == "Cannot create it: im_mad cannot be empty."
    assert data == {"method": "one.host.allocate", "object": "host"}
    one = cloud(True, imagepool_info=[image(1, "a"), image(2, "b")])
    assert refusal(one.check, "rename it", "image.rename", 1, "b")[1] == {
        "method": "one.image.rename",
        "object": "image",
    }


def test_a_zone_does_itself_what_others_cannot():
    zones = [Element(ID=0, NAME="master", TEMPLATE={}), Element(ID=100, NAME="slave", TEMPLATE={})]
    config = Element(FEDERATION=Element(MODE="MASTER", ZONE_ID=0))
    one = cloud(zonepool_info=Element(ZONE=zones), system_config=config)
    message, data = refusal(one.check, "enable zone slave", "zone.enable", 100, True)
    assert message == (
        "Cannot enable zone slave: only the zone itself does this. Run this with the endpoint of zone slave as api_url."
    )
    assert data == {"object": "zone", "id": 100}
    assert one.check("enable zone master", "zone.enable", 0, True) is None


def test_the_configuration_is_read_once_in_a_check_run_alone():
    one = cloud(True, system_config={"A": "1"})
    assert [one.configuration(), one.configuration()] == [{"A": "1"}] * 2
    assert one.one.calls == [("system.config",)]
    one = cloud(system_config={"A": "1"})
    assert (one.configuration(), one.one.calls) == ({}, [])
    assert one.configuration(always=True) == {"A": "1"}
    one = cloud(True, system_config=OneAuthorizationException("no", "one.system.config", 0x0200))
    assert [one.configuration(), one.configuration()] == [{}, {}]
    assert one.one.calls == [("system.config",)]


def test_an_object_is_known_where_it_was_read_or_may_be_read():
    one = cloud(imagepool_info=[image(7)])
    assert (one.known("image", 7), one.one.calls) == (None, [])
    one.pool("image")
    assert (one.known("image", 7).ID, one.known("image", 8)) == (7, None)
    assert one.listed == {"image"}
    one = cloud(True, imagepool_info=[image(7)])
    assert (one.known("image", 7).ID, one.known("image", 8)) == (7, None)
    assert one.one.calls == [IMAGES]


# ---------------------------------------------------------------- pools


def test_a_pool_is_read_once_for_each_of_its_arguments():
    one = cloud(imagepool_info=[image(7)])
    assert one.pool("image") is one.pool("image")
    one.pool("image", (-3, -1, -1))
    one.pool("image", (-3, -1, -1))
    assert one.one.calls == [IMAGES, ("imagepool.info", -3, -1, -1)]
    one.forget(["host"])
    one.pool("image")
    assert len(one.one.calls) == 2
    one.forget(["image"])
    one.pool("image")
    assert one.one.calls[2:] == [IMAGES]


def test_a_pool_that_cannot_be_read_says_so():
    one = cloud(vnpool_info=OneAuthorizationException("no", "one.vnpool.info", 0x0200))
    assert refusal(one.pool, "vnet")[0] == f"Cannot list the virtual networks: no. {RIGHT}"


def test_users_and_groups_get_their_quotas_from_beside():
    users = [Element(ID=0, NAME="a"), Element(ID=2, NAME="b")]
    quotas = [Element(ID=2, VM="of b"), Element(ID=5)]
    one = cloud(userpool_info=Element(USER=users, QUOTAS=quotas))
    assert [user.QUOTAS for user in one.pool("user")] == [None, quotas[0]]


def test_what_is_derived_of_a_pool_is_found_out_once_for_each_read():
    seen = []

    def count(pool):
        seen.append(len(pool))
        return len(seen)

    def other(pool):
        return "other"

    one = cloud(imagepool_info=[image(7)])
    assert [one.derived(count, "image"), one.derived(count, "image"), one.derived(other, "image")] == [1, 1, "other"]
    assert one.derived(count, "image", (-3, -1, -1)) == 2
    assert one.derived(count, "image", (-3, -1, -1)) == 2
    one.forget(["image"])
    assert one.derived(count, "image") == 3
    assert seen == [1, 1, 1]


# ---------------------------------------------------------------- one object


@pytest.mark.parametrize(
    ("kind", "decrypt", "call"),
    [
        ("image", False, ("image.info", 7)),
        ("image", True, ("image.info", 7, True)),
        ("template", True, ("template.info", 7, False, True)),
        ("vnet", False, ("vn.info", 7)),
    ],
)
def test_an_object_is_read_as_its_kind_is(kind, decrypt, call):
    name = call[0].replace(".", "_")
    one = cloud(**{name: image(7)})
    assert one.info(kind, 7, decrypt).ID == 7
    assert one.one.calls == [call]


def test_an_object_that_is_not_there_is_none_and_other_errors_are_told():
    assert cloud().info("image", 7) is None
    assert cloud(image_info=OneNoExistsException("no")).info("image", 7) is None
    one = cloud(vn_info=OneAuthorizationException("no", "one.vn.info", 0x0200))
    message, data = refusal(one.info, "vnet", 7)
    assert message == f"Cannot read virtual network 7: no. {RIGHT}"
    assert data == {"object": "vnet", "id": 7, "method": "one.vn.info", "code": 0x0200}


TWINS = [image(1, "a", "ann"), image(3, "twin", "ann"), image(2, "twin", "bob"), image(4, "twin", "bob")]


def test_a_name_is_found_with_what_tells_it_apart():
    one = cloud(imagepool_info=TWINS)
    assert one.find("image", "a").ID == 1
    assert one.find("image", "twin", owner="ann").ID == 3
    assert one.find("image", "b") is None
    message, data = refusal(one.find, "image", " twin ")
    assert message == "The name 'twin' fits 3 images, with the ids 2, 3, 4: give the id."
    assert data == {"object": "image", "name": "twin", "ids": [2, 3, 4]}
    assert refusal(one.find, "image", "twin", owner="bob")[1]["ids"] == [2, 4]
    message, data = refusal(one.find, "vntemplate", " ")
    assert message == "The name of a virtual network template cannot be empty."
    assert data == {"object": "vntemplate"}
    assert one.one.calls == [IMAGES]
    one.find("image", "a", pool_arguments=(-3, -1, -1))
    assert one.one.calls[1:] == [("imagepool.info", -3, -1, -1)]


def test_what_the_pool_does_not_tell_whole_is_read_alone():
    one = cloud(vmpool_info=[image(7, "web")], vm_info=image(7, "whole"))
    assert one.find("vm", "web").NAME == "whole"
    assert one.one.calls == [("vmpool.info", -2, -1, -1, -1), ("vm.info", 7)]
    assert one.find("vm", "web", oid=7).NAME == "whole"
    assert one.one.calls[2:] == [("vm.info", 7)]


def test_a_reference_is_a_name_or_an_id_of_the_pool_that_is_meant():
    one = cloud(imagepool_info=[image(7, "a"), image(8, "7"), image(9, "9"), *TWINS[1:]])
    assert one.reference("image", " a ").ID == 7
    assert one.reference("image", 8).ID == 8
    assert one.reference("image", 9).ID == 9
    message, data = refusal(one.reference, "image", 7)
    assert (message, data) == ("'7' fits several images, with the ids 7, 8.", {"object": "image"})
    message, data = refusal(one.reference, "image", "twins")
    assert message == "There is no image 'twins'; did you mean 'twin' or 'twin' or 'twin'?"
    assert data == {"object": "image", "name": "twins"}
    assert refusal(one.reference, "image", "?")[0] == "There is no image '?'; perhaps this user may not see it."
    assert one.one.calls == [IMAGES]
    one.reference("image", 8, (-3, -1, -1))
    refusal(one.reference, "image", "?", (-4, -1, -1))
    assert one.one.calls[1:] == [("imagepool.info", -3, -1, -1), ("imagepool.info", -4, -1, -1)]
    assert one.listed == {"image"}


def test_a_check_run_is_told_of_names_that_are_missing_but_not_of_ids():
    one = cloud(True, imagepool_info=[], vnpool_info=[])
    told = []
    one.on_missing = told.append
    assert [one.reference("image", "x"), one.reference("image", "x"), one.reference("vnet", "x")] == [None] * 3
    assert told == [
        "There is no image 'x' yet; check mode goes on as if there were.",
        "There is no virtual network 'x' yet; check mode goes on as if there were.",
    ]
    assert refusal(one.reference, "image", 7)[0] == "There is no image '7'; perhaps this user may not see it."
    one.foresee("it is so")
    assert told[2:] == ["OpenNebula would refuse this, unless an earlier task changes it: it is so."]
    assert cloud().foresee("nobody is told") is None


def test_who_removes_takes_names_that_are_missing_as_they_are():
    one = cloud(imagepool_info=[])
    other = one.tolerant()
    assert other.reference("image", "x") is None
    assert (one.on_missing, other.one) == (None, one.one)
    assert refusal(one.reference, "image", "x")[1] == {"object": "image", "name": "x"}


# ---------------------------------------------------------------- waiting


def test_waiting_takes_the_clock_and_the_timeout_of_the_task():
    one = cloud(timeout=3)
    start = one.clock.now()
    message = refusal(one.wait, lambda: "here", lambda found: False, lambda found: f"it is {found}")[0]
    assert message == "Gave up waiting after 3 s: it is here. Give a longer wait_timeout, or wait: false."
    assert one.clock.now() - start == pytest.approx(3)
    assert one.wait(lambda: 7, lambda found: found == 7, None) == 7


@pytest.mark.parametrize(("summary", "line"), [(None, "long here"), (lambda found: f"short {found}", "short here")])
def test_who_follows_the_task_is_told_what_is_waited_for(summary, line):
    lines = []
    progress = SimpleNamespace(tell=lambda describe: lines.append(describe()))
    one = Cloud(Server(), 1, clock=Steps(), progress=progress)
    refusal(one.wait, lambda: "here", lambda found: False, lambda found: f"long {found}", summary)
    assert set(lines) == {line}


# ---------------------------------------------------------------- connection


@pytest.mark.parametrize(
    ("urls", "options", "warned"),
    [
        (["http://one:2633/RPC2"], {}, ["one"]),
        (["http://one:2633/RPC2"], {"warn_http": True}, ["one"]),
        (["http://one:2633/RPC2"], {"warn_http": False}, []),
        (["https://one:2633/RPC2", "http://two/RPC2"], {}, ["two"]),
        (
            ["http://localhost/RPC2", "http://a.localhost/", "http://127.0.0.1/", "http://127.1.2.3/", "http://[::1]/"],
            {},
            [],
        ),
        (["http://localhost.example.com/", "http://x127.0.0.1.org/"], {}, ["localhost.example.com", "x127.0.0.1.org"]),
    ],
)
def test_who_sends_passwords_without_encryption_is_warned(urls, options, warned):
    found = module.unencrypted(urls, options)
    assert len(found) == len(warned)
    for text, host in zip(found, warned, strict=True):
        assert text.startswith(f"The endpoint http://{host}")
        assert text.endswith("Use https, or give warn_http: false (ONE_WARN_HTTP=false) if the network is safe.")


def test_a_client_is_made_of_the_options(monkeypatch):
    made, warned = [], []
    monkeypatch.setattr(module, "Client", lambda urls, **options: made.append((urls, options)) or "client")
    options = {"api_url": "http://one/RPC2, https://two", "api_username": "me", "api_password": "x", "api_retries": 3}
    assert module.connect(options, True, print, warned.append) == "client"
    expected = {
        "session": "me:x",
        "read_only": True,
        "on_call": print,
        "retries": 3,
        "timeout": None,
        "context": None,
        "https_verify": True,
    }
    assert made == [(["http://one/RPC2", "https://two"], expected)]
    assert [text[:28] for text in warned] == ["The endpoint http://one/RPC2"]
    made.clear()
    module.connect(dict(options, timeout=5, validate_certs=False))
    assert made[0][1]["timeout"] == 5
    assert (made[0][1]["read_only"], made[0][1]["on_call"], made[0][1]["https_verify"]) == (False, None, False)


def test_certificates_are_taken_from_the_options(monkeypatch):
    seen = []
    monkeypatch.setattr(module, "tls_context", lambda *words: seen.append(words) or "context")
    for options in (
        {"ca_path": "ca"},
        {"client_cert": "cert", "client_key": "key", "validate_certs": False},
        {"client_key": "key"},
    ):
        assert module.client_options(options)["context"] == "context"
    assert seen == [(True, "ca", None, None), (False, None, "cert", "key"), (True, None, None, "key")]


def test_an_error_of_the_client_is_told(monkeypatch):
    def client(*arguments, **options):
        raise OneException("No good")

    monkeypatch.setattr(module, "Client", client)
    options = {"api_url": "https://one", "api_username": "me", "api_password": "x"}
    assert refusal(module.connect, options)[0] == "Cannot connect to OpenNebula: No good."


@pytest.mark.parametrize("given", [{}, {"api_username": "me"}])
def test_without_credentials_nothing_can_be_reached(monkeypatch, tmp_path, given):
    monkeypatch.setenv("ONE_AUTH", str(tmp_path / "none"))
    with pytest.raises(Unreachable):
        module.session(given)
    with pytest.raises(Unreachable):
        module.endpoints("")
    with pytest.raises(Unreachable):
        module.first_line(str(tmp_path))


def test_the_secrets_of_a_task_are_those_of_its_options_and_its_login(monkeypatch, tmp_path):
    monkeypatch.setenv("ONE_AUTH", str(tmp_path / "none"))
    options = {"api_username": "me", "api_password": "hush-hush", "secret_names": ["COLOR"]}
    found = module.secrets_of(options, {"color": "rosewood", "password": "open-sesame"})
    assert found.message("hush-hush me:hush-hush rosewood open-sesame") == " ".join(["********"] * 4)
    assert module.secrets_of({"api_password": "a:hush-hush"}).message("it is hush-hush") == "it is ********"
    assert isinstance(module.secrets_of({}), Secrets)


# ---------------------------------------------------------------- words


def test_what_is_lacking_is_told_in_words():
    lacking = {"right": "USE", "object": "vm", "id": 3, "name": None, "owner": None, "group": None}
    assert module.need_text(lacking) == "This needs the right USE on VM 3."
    assert module.need_text(dict(lacking, name="web", owner="ann", group="g")) == (
        "This needs the right USE on VM web, which belongs to ann (group g)."
    )
    assert module.need_text(dict(lacking, id=None)) == "This needs the right USE for VMs."


def test_pools_are_told_apart_by_kind_and_arguments():
    assert module.pool_key("image") == ("image", (-2, -1, -1))
    assert module.pool_key("image", ()) == ("image", ())
    assert module.by_id([image(3), image(5)]).keys() == {3, 5}
