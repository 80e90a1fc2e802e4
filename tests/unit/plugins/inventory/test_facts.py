# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What is read of templates, which users write in every shape, and the names that come of it."""

from __future__ import annotations

import json
import unicodedata
from xml.sax.saxutils import escape

import pytest
from ansible_collections.privazio.opennebula.plugins.inventory import one_hosts, opennebula
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.codec import Text
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.element import parse, parsed
from ansible_collections.privazio.opennebula.plugins.plugin_utils import inventory_facts, inventory_vms
from ansible_collections.privazio.opennebula.plugins.plugin_utils.inventory_facts import Facts, labels, number, texts
from ansible_collections.privazio.opennebula.plugins.plugin_utils.inventory_names import clean, nested, unique_names
from ansible_collections.privazio.opennebula.plugins.plugin_utils.inventory_sources import Source
from hypothesis import given
from hypothesis import strategies as st

OPTIONS = {
    "address": [*inventory_vms.ADDRESS, "net*"],
    "port_attribute": "SSH_PORT",
    "user_attribute": "USERNAME",
    "jump_host_attribute": "JUMP",
}
# Every attribute that a fact is made of, with members of vectors; and what users write into them.
USER_NAMES = "LABELS SSH_PORT USERNAME JUMP SERVICE_ID ROLE_NAME DB_PASSWORD"
VM_NAMES = "CPU VCPU MEMORY TEMPLATE_ID NIC NIC_ALIAS PCI DISK CONTEXT VMGROUP"
MEMBERS = "NIC_ID NETWORK NETWORK_ID IP IP6 MAC EXTERNAL EXTERNAL_IP TYPE SIZE VMGROUP_ID ROLE USERNAME PASSWORD X"
TEXTS = st.sampled_from(
    ["", "0", "7", "-1", "1e999", "nan", "word", "YES", "NIC", "a, b/c,,", "{{ 1 }}", "é\n", "10.0.0.1"]
)


def named(names, values):
    """Elements of these names, each missing, once or several times, with such values."""
    pairs = st.lists(st.tuples(st.sampled_from(names.split()), values), max_size=8)
    return pairs.map(lambda found: "".join(f"<{name}>{value}</{name}>" for name, value in found))


LEAF = TEXTS.map(escape)
SHAPE = LEAF | named(MEMBERS, LEAF)


def escaped(document):
    """A document as it stands in an answer, where it is read without being parsed."""
    body = escape(document).encode()
    return Text(body, 0, len(body))


def vm(template, attributes, written=str):
    parts = f"<STATE>3</STATE><LCM_STATE>3</LCM_STATE><TEMPLATE>{template}</TEMPLATE>"
    text = f"<ID>3</ID><NAME>a</NAME>{parts}<USER_TEMPLATE>{attributes}</USER_TEMPLATE>"
    (found,) = parse(written(f"<VM_POOL><VM>{text}</VM></VM_POOL>")).VM
    return found


class Nameless(Source):
    """A source whose objects the user may not see."""

    def names(self, pool):
        return {}


def facts_of(table, item, options=None):
    return Facts(table, item, Nameless("", {}), OPTIONS if options is None else options)


@given(named(VM_NAMES, SHAPE), named(USER_NAMES, SHAPE))
def test_whatever_a_vm_has_is_read(template, attributes):
    for table in (inventory_vms.FACTS, opennebula.VARIABLES | inventory_vms.FACTS):
        facts = facts_of(table, vm(template, attributes))
        found = {name: facts[name] for name in table if not name.startswith("_")}
        assert "word" not in texts(found["one_attributes"].get("DB_PASSWORD"))
        json.dumps(found)
        assert all(isinstance(facts[name], list) for name in USER_NAMES.split())
        for read in (vm(template, attributes, escaped), parsed(vm(template, attributes, escaped))):
            other = facts_of(table, read)
            assert {name: other[name] for name in found} == found


@given(named("LABELS RACK", SHAPE))
def test_whatever_a_host_has_is_read(attributes):
    text = f"<HOST_POOL><HOST><ID>1</ID><NAME>a</NAME><TEMPLATE>{attributes}</TEMPLATE></HOST></HOST_POOL>"
    facts = facts_of(one_hosts.FACTS, parse(text).HOST[0])
    json.dumps({name: facts[name] for name in one_hosts.FACTS if not name.startswith("_")})


@pytest.mark.parametrize(
    "value, found",
    [
        (None, []),
        ("", []),
        (" b, a/c ,,b", ["a/c", "b"]),
        (["x,y", "y"], ["x", "y"]),
        ({"A": "1"}, []),
        ([{"A": "1"}, "x"], ["x"]),
    ],
)
def test_labels(value, found):
    assert labels(value) == found


@pytest.mark.parametrize(
    "value, whole, decimal",
    [
        ("4", 4, 4),
        ("0.5", None, 0.5),
        ("2.0", 2, 2),
        ("", None, None),
        ("many", None, None),
        ("inf", None, None),
        ("nan", None, None),
        (["3", "4"], 3, 3),
        ({"A": "1"}, None, None),
        (None, None, None),
    ],
)
def test_numbers(value, whole, decimal):
    assert (number(value), number(value, float)) == (whole, decimal)


@pytest.mark.parametrize(
    "text, port", [("22", 22), ("0", None), ("65536", None), ("ssh", None), ("-oProxyCommand=x", None), ("2222 ", 2222)]
)
def test_ports(text, port):
    assert inventory_vms.port(facts_of(inventory_vms.FACTS, vm("", f"<SSH_PORT>{text}</SSH_PORT>"))) == port


@pytest.mark.parametrize(
    "text, user, jump",
    [
        ("admin", "admin", "admin"),
        ("ops@bastion:22", None, "ops@bastion:22"),
        ("[2001:db8::1]:22", None, "[2001:db8::1]:22"),
        ("-oProxyCommand=id", None, None),
        ("a -oProxyCommand=id", None, None),
        ("a;id", None, None),
        ("a\nb", None, None),
        ("{{ 1 }}", None, None),
        ("a'b", None, None),
        ("", None, None),
    ],
)
def test_what_is_handed_to_ssh_is_a_name(text, user, jump):
    facts = facts_of(inventory_vms.FACTS, vm("", f"<USERNAME>{text}</USERNAME><JUMP>{text}</JUMP>"))
    assert facts["ansible_user"] == user
    assert facts["ansible_ssh_common_args"] == (jump and f"-o ProxyJump={jump}")


def test_the_context_shows_what_is_chosen():
    members = {"ETH0_IP": "10.0.0.1", "START_SCRIPT_BASE64": "eA==", "PASSWORD": "x", "NETWORK": "YES", "HOSTNAME": "a"}
    content = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    facts = facts_of(inventory_vms.FACTS, vm(f"<CONTEXT>{content}</CONTEXT>", ""))
    assert facts["one_context"] == {"PASSWORD": "********", "HOSTNAME": "a"}


def test_a_secret_of_the_context_is_covered_wherever_the_vm_repeats_it():
    context = "<CONTEXT><PASSWORD>hush hush</PASSWORD><LOGIN>sh -c 'hush hush'</LOGIN></CONTEXT>"
    facts = facts_of(inventory_vms.FACTS, vm(context, "<ERROR>cannot say hush hush</ERROR>"))
    assert facts["one_context"] == {"PASSWORD": "********", "LOGIN": "sh -c '********'"}
    assert facts["one_attributes"] == {"ERROR": "cannot say ********"}


def test_what_the_guest_agent_said():
    said = "<GUEST_IP>fe80::1</GUEST_IP><GUEST_IP_ADDRESSES>127.0.0.1,10.9.0.4</GUEST_IP_ADDRESSES>"
    sample = f"<MONITORING>{said}</MONITORING>"
    (found,) = parse(f"<VM_POOL><VM><ID>3</ID><NAME>a</NAME>{sample}</VM></VM_POOL>").VM
    assert (
        facts_of(inventory_vms.FACTS, found, {**OPTIONS, "address": ["first", "guest"]})["ansible_host"] == "10.9.0.4"
    )


@pytest.mark.parametrize(
    "states, asked",
    [
        (None, -1),
        ([], -1),
        (["running"], 3),
        (["running", "unknown"], 3),
        (["running", "held"], -1),
        (["failed"], -1),
        (["done"], 6),
        (["done", "held"], -2),
    ],
)
def test_the_narrowest_state(states, asked):
    assert inventory_vms.asked_state(states) == asked


@pytest.mark.parametrize(
    "owners, flag", [(None, -2), ([], -2), (["ann"], -3), (["bob"], -2), (["7"], 7), (["ann", "7"], -2)]
)
def test_the_narrowest_owner(owners, flag):
    assert inventory_vms.asked_owner(owners, "ann") == flag


def test_facts_are_found_out_once_and_when_asked_for():
    asked = []
    facts = Facts({"one": lambda facts: asked.append(1) or 5}, None, None, {})
    assert not asked
    assert (facts["one"], facts["one"], asked) == (5, 5, [1])
    with pytest.raises(KeyError):
        facts["two"]


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "objects, names",
    [
        ([("a", 0, ""), ("b", 1, "")], ["a", "b"]),
        ([("a", 0, ""), ("a", 1, "")], ["a-0", "a-1"]),
        ([("a", 0, ""), ("a", 1, ""), ("a-1", 2, "")], ["a-0", "a-1-2", "a-1"]),
        ([("a", 0, "x"), ("a", 0, "y")], ["a-0-x", "a-0-y"]),
        ([("a", 0, "x"), ("a", 1, "y"), ("a", 1, "x")], ["a-0", "a-1-y", "a-1-x"]),
        ([("all", 4, ""), ("", 5, ""), ("\n", 6, "")], ["all-4", "5", "_"]),
    ],
)
def test_unique_names(objects, names):
    assert unique_names(objects, {"all"}) == names


HOSTILE = st.lists(
    st.sampled_from(["a", "a-1", "all", "/", "..", "\n", "\u202e", "é", " ", "{{ x }}", "-1"]), max_size=3
)


@given(st.lists(st.tuples(HOSTILE.map("".join) | st.text(max_size=3), st.integers(0, 9), st.sampled_from(["", "x"]))))
def test_names_are_different_and_harmless(objects):
    names = unique_names(objects, {"all"})
    assert len(set(names)) == len(names) == len(objects)
    for name in names:
        assert name == name.strip() != ""
        assert name != "all"
        assert "/" not in name
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") for char in name)


@pytest.mark.parametrize("name", ["web-1", "web.example.org", "été", "a b", "{{ 7 * 7 }}"])
def test_ordinary_names_stay(name):
    assert clean(name) == name


@pytest.mark.parametrize("label, path", [("a", ["a"]), ("a/b", ["a", "a/b"]), ("/a//b/", ["a", "a/b"]), ("/", [])])
def test_nested_labels(label, path):
    assert nested(label) == path


def test_attributes_are_compared_as_opennebula_does():
    facts = facts_of(inventory_vms.FACTS, vm("", "<PORT>080</PORT><ON>yes</ON><ON>maybe</ON>"))
    assert inventory_facts.has_attributes(facts, {"PORT": 80, "on": True})
    assert not inventory_facts.has_attributes(facts, {"PORT": 80, "OFF": False})
