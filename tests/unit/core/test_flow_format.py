# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""OneFlow of OpenNebula 6 has other names for what roles have: what is written arrives, and comes back as it was."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import flow_format
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.flow import Clients
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.flow import Document
from hypothesis import given
from hypothesis import strategies as st
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator

NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: not name.startswith("XML"))
TEXTS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"], exclude_characters="\\"), min_size=1)
VALUES = st.dictionaries(NAMES, TEXTS, max_size=3)
CONTENTS = st.dictionaries(
    NAMES.filter(lambda name: name != "LABELS"),
    TEXTS | st.lists(st.dictionaries(NAMES, TEXTS, min_size=1, max_size=3), min_size=1, max_size=3),
    max_size=3,
)


@st.composite
def roles(draw):
    optional = {"template_contents": CONTENTS, "user_inputs": VALUES, "user_inputs_values": VALUES.filter(bool)}
    chosen = {name: draw(each) for name, each in optional.items() if draw(st.booleans())}
    return {"name": "web", "type": "vm", "template_id": draw(st.integers(0, 99)), "cardinality": 1, **chosen}


@st.composite
def bodies(draw):
    chosen = {name: draw(VALUES) for name in ("user_inputs", "user_inputs_values") if draw(st.booleans())}
    return {"name": "shop", "roles": draw(st.lists(roles(), min_size=1, max_size=3)), **chosen}


def document(body):
    return Document({"TEMPLATE": {"BODY": body}})


@given(bodies())
def test_what_is_written_for_opennebula_6_is_read_as_it_was(body):
    before = copy.deepcopy(body)
    written = document(flow_format.old_form("create", body))
    assert body == before
    assert flow_format.is_old(written)
    flow_format.modernise(written)
    assert written.body == before
    assert not flow_format.is_old(written)


@pytest.mark.parametrize(
    "role, told",
    [
        ({"type": "vr"}, "The role web is of type vr, which OneFlow has from OpenNebula 7.0 on."),
        ({"template_contents": {"A": 'x\\"'}}, "template_contents of the role web have a backslash"),
        ({"template_contents": {"A": "x\\"}}, "template_contents of the role web have a backslash"),
    ],
)
def test_what_opennebula_6_cannot_have_is_told(role, told):
    with pytest.raises(Failure, match=told):
        flow_format.old_form("add_role", {"name": "web", "template_id": 0, **role})


@pytest.mark.parametrize("text", ["NOT A TEMPLATE [", {"A": "b"}, None])
def test_contents_that_are_no_template_stay(text):
    found = document({"roles": [{"name": "web", "vm_template": 0, "vm_template_contents": text}]})
    flow_format.modernise(found)
    assert found.roles == [{"name": "web", "type": "vm", "template_id": 0, "template_contents": text}]


def test_values_of_both_names_are_one_and_are_written_under_both():
    found = document(
        {
            "roles": [
                {"name": "web", "vm_template": 0, "custom_attrs_values": {"A": "1"}, "user_inputs_values": {"B": "2"}}
            ]
        }
    )
    flow_format.modernise(found)
    assert found.roles[0]["user_inputs_values"] == {"A": "1", "B": "2"}
    written = flow_format.old_form("add_role", found.roles[0])
    assert written["custom_attrs_values"] == written["user_inputs_values"] == {"A": "1", "B": "2"}


# ---------------------------------------------------------------- with a server of each release


@pytest.fixture(params=["6.10.5", "7.4.0"])
def server(request, monkeypatch):
    for name in ("ONE_URL", "ONE_XMLRPC", "ONEFLOW_URL", "ONE_AUTH"):
        monkeypatch.delenv(name, raising=False)
    found = Simulator(Options(delay=0, release=request.param)).start()
    yield found
    found.stop()


@pytest.fixture
def clients(server):
    options = {"api_url": server.url, "flow_url": server.flow_url, "api_username": "oneadmin"}
    with Clients({**options, "api_password": "opennebula"}) as found:
        found.call("one.host.allocate", "h", "dummy", "dummy", -1)
        found.call("one.template.allocate", 'NAME="mini" CPU="0.1" MEMORY="64"')
        yield found


ROLE = {"name": "web", "type": "vm", "template_id": 0, "cardinality": 1, "cooldown": 0}
BODY = {
    "name": "shop",
    "user_inputs": {"KEY": "M|text|a key"},
    "user_inputs_values": {"KEY": "one"},
    "roles": [
        {**ROLE, "name": "db", "template_contents": {"A": "1", "NIC": [{"NETWORK_ID": "3"}]}},
        {**ROLE, "template_contents": {"B": "2"}},
    ],
}


def test_both_releases_speak_alike(clients, server):
    oid = clients.call("flow.service_template.create", BODY)
    found = clients.call("flow.service_template.info", oid)
    assert {key: found.body[key] for key in BODY} == BODY
    changed = dict(BODY, description="new", roles=[*BODY["roles"], {**ROLE, "name": "third"}])
    clients.call("flow.service_template.update", oid, dict(found.body, **changed))
    (found,) = clients.call("flow.service_template.pool").DOCUMENT
    assert {key: found.body[key] for key in changed} == changed
    stored = server.cloud["DOCUMENT"].get_ro(oid).template.text("BODY")
    assert ("vm_template" in stored) is (server.cloud.release.name == "6.10.5")


def test_roles_are_laid_over_those_of_their_names(clients, server):
    roles = [
        {**ROLE, "template_contents": {"A": "1", "C": "3"}},
        {**ROLE, "name": "db", "template_contents": {"A": "$KEY"}},
    ]
    oid = clients.call("flow.service_template.create", dict(BODY, roles=roles))
    merge = {
        "name": "one",
        "user_inputs_values": {"KEY": "two"},
        "roles": [{"name": "db", "cardinality": 2, "template_contents": {"B": "9"}}],
    }
    service = clients.call("flow.service_template.instantiate", oid, merge)
    server.cloud.events.run_due()
    found = clients.call("flow.service.info", service)
    assert [(role["name"], role["cardinality"]) for role in found.roles] == [("web", 1), ("db", 2)]
    assert found.body["user_inputs_values"] == {"KEY": "two"}
    web, db = (role["template_contents"] for role in found.roles)
    assert (web["A"], web["C"], db["B"]) == ("1", "3", "9")
    clients.call("flow.service.add_role", service, {**ROLE, "name": "third"})
    assert [role["name"] for role in clients.call("flow.service.info", service).roles] == ["web", "db", "third"]
