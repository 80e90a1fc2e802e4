# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""ACL rules and permissions, both ways."""

from __future__ import annotations

import re

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneArgumentException, permissions
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.acl import (
    RESOURCES,
    RIGHTS,
    OneAcl,
    parse_rule,
    rule_text,
)
from hypothesis import given
from hypothesis import strategies as st
from opennebula_simulator.acl import Rule
from project import SHARED

RECORDINGS = SHARED / "conformance/recordings"
FIELDS = ("USER", "RESOURCE", "RIGHTS", "ZONE", "STRING")

IDS = st.integers(0, 2**32 - 1).map(str)


def chosen(table):
    """Some of a table's names, in its order, as a rule joins them."""
    return st.sets(st.sampled_from(list(table)), min_size=1).map(
        lambda names: "+".join(name for name in table if name in names)
    )


def selected(signs):
    return st.just("*") | st.builds("".join, st.tuples(st.sampled_from(signs), IDS))


RULES = st.builds("{} {}/{} {}".format, selected("#@"), chosen(RESOURCES), selected("#@%"), chosen(RIGHTS))


@pytest.mark.parametrize(
    "rule, numbers",
    [
        ("#5 HOST+VM/@12 USE+MANAGE #0", ("0x100000005", "0x320000000c", "0x3", "0x100000000")),
        ("@1 DATASTORE/* USE", ("0x200000001", "0x100400000000", "0x1")),
        ("* NET/%7 CREATE *", ("0x400000000", "0x4800000007", "0x8", "0x400000000")),
        ("#0 vm/#0 use+Use+admin", ("0x100000000", "0x1100000000", "0x5")),
    ],
)
def test_rules_become_numbers(rule, numbers):
    assert parse_rule(rule) == OneAcl().parse_rule(rule) == numbers


@given(RULES, st.none() | selected("#"))
def test_there_and_back(rule, zone):
    rule = f"{rule} {zone}" if zone else rule
    numbers = parse_rule(rule)
    assert rule_text(*numbers) == rule
    assert rule_text(*(number[2:] for number in numbers)) == rule  # as ACL_POOL has them
    assert str(Rule(*(int(number, 16) for number in numbers))).startswith(rule)  # as the simulator reads them


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no ../shared")
def test_rules_read_as_servers_write_them():
    pattern = re.compile("".join(f"<{field}>([^<]*)</{field}>" for field in FIELDS))
    found = {match for file in RECORDINGS.glob("*/*.jsonl") for match in pattern.findall(file.read_text("utf-8"))}
    assert len(found) > 10
    for user, resource, rights, zone, text in found:
        assert rule_text(user, resource, rights, zone) == text
        assert [int(number, 16) for number in parse_rule(text)] == [int(n, 16) for n in (user, resource, rights, zone)]


def test_rules_that_a_server_takes(one):
    rule = "#0 VM+NET/@1 USE+MANAGE #0"
    created = one.acl.addrule(*parse_rule(rule))
    entry = next(entry for entry in one.acl.info().ACL if created == entry.ID)
    assert entry.STRING == rule_text(entry.USER, entry.RESOURCE, entry.RIGHTS, entry.ZONE) == rule


@pytest.mark.parametrize(
    "rule, message",
    [
        ("#5 VM/*", "USER RESOURCES RIGHTS"),
        ("#5 VM/* USE #0 #1", "USER RESOURCES RIGHTS"),
        ("5 VM/* USE", "'5' selects nothing as a user of an ACL rule: give #7, @7 or *"),
        ("%5 VM/* USE", "selects nothing as a user"),
        ("#-1 VM/* USE", "selects nothing as a user"),
        ("#4294967296 VM/* USE", "selects nothing as a user"),
        ("#5 VM USE", r"TYPE\+TYPE/IDS, not 'VM'"),
        ("#5 VM/ USE", "'' selects nothing as a resource"),
        ("#5 VMS/* USE", "'VMS' is no type of resource of an ACL rule: choose from VM, HOST"),
        ("#5 VM/* READ", "'READ' is no right of an ACL rule: choose from USE, MANAGE, ADMIN, CREATE"),
        ("#5 VM/* USE @1", "selects nothing as a zone"),
        ("#５ VM/* USE", "selects nothing as a user"),  # noqa: RUF001
    ],
)
def test_rules_that_are_none(rule, message):
    with pytest.raises(OneArgumentException, match=message):
        parse_rule(rule)


def test_numbers_that_are_none():
    with pytest.raises(OneArgumentException, match="'x' is no hexadecimal number"):
        rule_text("x", "1", "1")


def test_the_parts_have_parsers_of_their_own():
    acl = OneAcl()
    assert acl.parse_users("@7") == hex(acl.calculate_ids("@7")) == "0x200000007"
    assert acl.parse_resources("ZONE/*") == "0x800400000000"
    assert (acl.parse_rights("CREATE"), acl.parse_zone("#3")) == ("0x8", "0x100000003")


@given(st.text("01234567", min_size=3, max_size=3))
def test_permissions_there_and_back(mode):
    values = permissions.bits(mode)
    assert len(values) == 9
    assert permissions.bits("0" + mode) == values


def test_permissions_of_an_object(one):
    created = one.document.allocate({"NAME": "d"}, 200)
    for number in range(0o1000):
        one.document.chmod(created, *permissions.bits(f"{number:03o}"))
        assert permissions.octal(one.document.info(created).PERMISSIONS) == f"{number:03o}"


@pytest.mark.parametrize("mode", ["", "64", "0o640", "1640", "648", "rwx", "６40"])  # noqa: RUF001
def test_permissions_that_are_none(mode):
    with pytest.raises(OneArgumentException, match="three octal digits"):
        permissions.bits(mode)
