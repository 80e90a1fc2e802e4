# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What administrators of a group may do, and what ordinary users see of networks and login tokens."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

ADMIN, MEMBER, OUTSIDER = "admin:secret", "member:secret", "outsider:secret"
AUTHORIZATION, INTERNAL, RPC_API = 0x200, 0x2000, 0x1000


@pytest.fixture
def group(one):
    """Group 100 with its administrator (2) and a member (3); user 4 is in the group of all users."""
    one("group.allocate", "g")
    for name, gids in (("admin", [100]), ("member", [100]), ("outsider", [])):
        assert one("user.allocate", name, "secret", "core", gids)[0]
    assert one("group.addadmin", 100, 2)[0]
    one("acl.addrule", "0x200000064", "0x21400000000", "0x8")  # its members create VMs and templates
    return 100


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("user.info", [3]),
        ("user.update", [3, 'A="1"', 1]),
        ("user.passwd", [3, "changed"]),
        ("user.quota", [3, 'VM=[VMS="1"]']),
        ("user.enable", [3, False]),
        ("user.delete", [3]),
        ("user.allocate", ["new", "secret", "core", [100]]),
        ("vm.rename", [0, "renamed"]),
        ("vm.action", ["terminate", 0]),
        ("vm.chown", [0, 2, -1]),
        ("template.delete", [0]),
    ],
)
def test_an_administrator_rules_users_and_objects_of_his_group(one, group, method, arguments):
    one("vm.allocate", 'CPU="0.1" MEMORY="32"', True, session=MEMBER)
    one("template.allocate", 'NAME="t"', session=MEMBER)
    assert one(method, *arguments, session=OUTSIDER)[2] == AUTHORIZATION
    assert one(method, *arguments, session=ADMIN)[0]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("user.info", [4]),
        ("user.quota", [4, 'VM=[VMS="1"]']),
        ("user.allocate", ["new", "secret", "core", [1]]),
        ("group.quota", [100, 'VM=[VMS="1"]']),
        ("group.update", [100, 'A="1"', 1]),
        ("group.addadmin", [100, 3]),
        ("userquota.update", ['VM=[VMS="1"]']),
        ("host.allocate", ["h", "dummy", "dummy", 0]),
        ("vm.rename", [0, "renamed"]),
    ],
)
def test_but_nothing_else(one, group, method, arguments):
    one("vm.allocate", 'CPU="0.1" MEMORY="32"', True, session=OUTSIDER)
    assert one(method, *arguments, session=ADMIN)[2] == AUTHORIZATION


@pytest.mark.parametrize(
    "end",
    [("group.deladmin", 100, 2), ("user.chgrp", 2, 1), ("user.delete", 2)],
)
def test_the_rights_end_with_the_office(one, group, end):
    rules = one("acl.info")[1]
    assert "USER/@100" in rules
    assert one(*end)[0]
    assert "#2 " not in one("acl.info")[1]
    assert "<ADMINS></ADMINS>" in one("group.info", 100)[1]


@pytest.mark.parametrize(
    ("method", "arguments", "why"),
    [
        ("addadmin", [100, 2], "User 2 is already an administrator of Group 100."),
        ("addadmin", [100, 4], "User 4 is not part of Group 100."),
        ("deladmin", [100, 3], "User 3 is not an administrator of Group 100."),
    ],
)
def test_offices_that_cannot_be(one, group, method, arguments, why):
    assert one(f"group.{method}", *arguments)[1:3] == [f"[one.group.{method}] Cannot edit group. {why}", INTERNAL]


# ---------------------------------------------------------------- networks


def test_users_see_the_leases_of_what_they_may_use(one, group):
    one("vn.allocate", 'NAME="n" VN_MAD="dummy" BRIDGE="b" AR=[TYPE="IP4",IP="10.0.0.1",SIZE="9"]', 0)
    one("vn.chmod", 0, *[-1] * 6, 1, 0, 0)
    body = 'CPU="0.1" MEMORY="32" NIC=[NETWORK_ID="0"]'
    for session in (MEMBER, OUTSIDER):
        assert one("vm.allocate", body, True, session=session)[0]
    assert one("vn.reserve", 0, 'NAME="r" SIZE="1"', session=OUTSIDER)[0]

    def seen(session):
        shown = ElementTree.fromstring(one("vn.info", 0, session=session)[1])
        return sorted(
            (user.tag, user.text) for lease in shown.iter("LEASE") for user in lease if user.tag in ("VM", "VNET")
        )

    everything = [("VM", "0"), ("VM", "1"), ("VNET", "1")]
    assert seen("oneadmin:opennebula") == everything
    assert seen(MEMBER) == [("VM", "0")]
    assert seen(ADMIN) == [("VM", "0")]
    assert seen(OUTSIDER) == [("VM", "1"), ("VNET", "1")]
    assert "<USED_LEASES>3</USED_LEASES>" in one("vn.info", 0, session=MEMBER)[1]


def test_rules_for_all_networks_do_not_show_reservations(one, group):
    one("vn.allocate", 'NAME="n" VN_MAD="dummy" BRIDGE="b" AR=[TYPE="IP4",IP="10.0.0.1",SIZE="9"]', 0)
    one("vn.chmod", 0, *[-1] * 6, 1, 0, 0)
    one("vn.reserve", 0, 'NAME="r" SIZE="1"', session=OUTSIDER)
    one("acl.addrule", "0x100000003", "0x4400000000", "0x1")  # the member may use all networks

    def listed(session):
        pool = ElementTree.fromstring(one("vnpool.info", -2, -1, -1, session=session)[1])
        return [network.findtext("ID") for network in pool]

    assert one("vn.info", 1, session=MEMBER)[0]
    assert (listed(MEMBER), listed(OUTSIDER)) == (["0"], ["1", "0"])


def test_networks_in_no_state_for_changes(simulator, one):
    simulator.cloud.events.delay = 3600
    one("vn.allocate", 'NAME="n" VN_MAD="dummy" BRIDGE="b"', 0)
    lease = 'LEASES=[IP="10.0.0.1"]'
    for method, arguments in (("add_ar", ['AR=[TYPE="ETHER",SIZE="1"]']), ("hold", [lease]), ("release", [lease])):
        assert "wrong state: LOCK_CREATE" in one(f"vn.{method}", 0, *arguments)[1]
    assert "wrong state: LOCK_CREATE" in one("vn.rm_ar", 0, 0)[1]
    assert one("vn.delete", 0)[1] == (
        "[one.vn.delete] Cannot delete virtual network. Can not remove a Virtual Network, wrong state LOCK_CREATE"
    )
    assert one("vn.recover", 0, 0)[0]
    assert "Failure forced by user" in one("vn.info", 0)[1]
    assert one("vn.recover", 0, 1)[0]
    assert "ERROR>" not in one("vn.info", 0)[1]


# ---------------------------------------------------------------- users


def test_tokens_have_limits(one, group):
    for _number in range(10):
        assert one("user.login", "member", "", 60, -1, session=MEMBER)[0]
    for arguments, why in (
        (["", 60, -1], "Max number of tokens limit reached."),
        (["", -2, -1], "Wrong valid period for token"),
        (["", 60, 1], "EGID is not in user group list"),
    ):
        answer = one("user.login", "member", *arguments, session=MEMBER)
        assert answer[1:3] == [f"[one.user.login] {why}", RPC_API]


def test_drivers_keep_passwords_and_groups(one, group):
    one("user.chauth", 3, "public", "")
    assert one("user.passwd", 3, "other", session=ADMIN)[1] == (
        "[one.user.passwd] Password for driver public cannot be changed."
    )
    one("user.chauth", 3, "ldap", "")
    for method, arguments in (("chgrp", [3, 1]), ("addgroup", [3, 1]), ("delgroup", [3, 100])):
        assert one(f"user.{method}", *arguments)[1] == (
            f"[one.user.{method}] Groups cannot be manually managed for auth driver ldap"
        )
    assert one("user.chgrp", 0, 100)[1] == (
        "[one.user.chgrp] user [0] oneadmin cannot be moved outside of the group [0] oneadmin"
    )
