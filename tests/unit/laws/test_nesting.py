# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""However deeply something is nested, it is taken or refused by a sentence, wherever it comes from."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import escape

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader, lookup_loader
from ansible_collections.privazio.opennebula.plugins.action import one_cloud
from ansible_collections.privazio.opennebula.plugins.filter import template as filters
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneException, OneServer, template
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.depth import DEEPEST, too_deep
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.flow import OneFlow
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import document
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration.options import accept
from ansible_runs import ansible
from hypothesis import given
from hypothesis import strategies as st
from loopback import Endpoint, http
from modules import SESSION, Lab

DEPTHS = (2, DEEPEST, DEEPEST + 1, 150, 330, 990, 5_000, 100_000)
TOLD = (OneException, Failure, AnsibleError, ValueError)
ENVELOPE = (
    "<methodResponse><params><param><value><array><data><value><boolean>1</boolean></value>"
    "<value>%s</value><value><i4>0</i4></value></data></array></value></param></params></methodResponse>"
)


def lists(depth):
    """A value with this many levels."""
    value = ["x"]
    for dummy in range(depth - 1):
        value = [value]
    return value


def mappings(depth):
    value = {"A": "x"}
    for dummy in range(depth - 1):
        value = {"A": value}
    return value


def texts(depth):
    """The same as JSON, which is YAML."""
    return '{"A":' * depth + '"x"' + "}" * depth


def elements(depth):
    return "<A>" * depth + "x" + "</A>" * depth


@pytest.fixture
def serving():
    """serving(body, status) -> the URL of an endpoint that answers it."""
    made = []

    def serve(body, status="200 OK"):
        made.append(Endpoint(http(body.encode(), status)))
        return made[-1].url

    yield serve
    for endpoint in made:
        endpoint.close()


# ---------------------------------------------------------------- what people write


def written(depth):
    template.write({"A": mappings(depth)})


def read(depth):
    template.read(f"<T>{elements(depth)}</T>")


def sent(depth):
    OneServer("http://127.0.0.1:9", session=SESSION, retries=0).call("host.info", lists(depth))


def sent_to_oneflow(depth):
    OneFlow("http://127.0.0.1:9", session=SESSION, retries=0).create(mappings(depth))


def filtered(depth):
    filters.one_template(mappings(depth))


def unfiltered(depth):
    filters.from_one_template(f"<T>{elements(depth)}</T>")


def option(depth):
    accept({"template": mappings(depth)})


def looked_up(depth):
    lookup_loader.get("privazio.opennebula.one").run(["host"], labels=lists(depth))


def kind_looked_up(depth):
    lookup_loader.get("privazio.opennebula.one").run(lists(depth))


WRITTEN = (written, read, sent, sent_to_oneflow, filtered, unfiltered, option, looked_up, kind_looked_up)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("door", WRITTEN, ids=lambda door: door.__name__)
def test_what_is_given_is_taken_or_refused(monkeypatch, door, depth):
    for name in ("ONE_URL", "ONE_USERNAME", "ONE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    assert_told(lambda: door(depth))


def assert_told(ask):
    """The sentence of a failure, if there is one."""
    try:
        ask()
    except TOLD as error:
        assert "recursion" not in str(error)
        assert len(str(error)) < 1000
        return str(error)
    return ""


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_file_of_one_cloud(tmp_path, depth):
    text = f"hosts:\n- name: a\n  template: {texts(depth)}\n"
    told = assert_told(lambda: document.lines(text))
    assert told == ("" if depth + 3 <= DEEPEST else "line 3 has more than 64 levels of nesting.")
    block = "".join(f"{' ' * level}A:\n" for level in range(min(depth, 2000)))
    assert_told(lambda: document.lines(block))


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_plan_of_one_cloud(tmp_path, depth):
    path = tmp_path / "plan.json"
    path.write_text(texts(depth), encoding="utf-8")
    assert "is no plan" in assert_told(lambda: one_cloud._planned(path))


@pytest.mark.parametrize("depth", DEPTHS[:-1])  # the parser of Ansible ends Python before any plugin is asked
@pytest.mark.parametrize("name", ["one_vms", "one_hosts", "opennebula"])
def test_a_file_of_an_inventory(tmp_path, monkeypatch, name, depth):
    path = tmp_path / f"cloud.{name}.yml"
    path.write_text(f"plugin: privazio.opennebula.{name}\nsecret_names: {texts(depth)}\n", encoding="utf-8")
    plugin = inventory_loader.get(f"privazio.opennebula.{name}")
    told = assert_told(lambda: plugin.parse(InventoryData(), DataLoader(), str(path)))
    assert depth < DEEPEST or "nest" in told


# ---------------------------------------------------------------- what servers answer

ANSWERS = {
    "array": lambda depth: ENVELOPE % ("<array><data><value>" * depth + "x" + "</value></data></array>" * depth),
    "no envelope": lambda depth: (
        "<methodResponse><params><param><value>%s</value></param></params></methodResponse>"
        % ("<array><data><value>" * depth + "x" + "</value></data></array>" * depth)
    ),
    "fault": lambda depth: (
        "<methodResponse><fault><value><struct><member><name>faultCode</name><value><i4>1</i4></value></member>"
        "<member><name>faultString</name><value>%s</value></member></struct></value></fault></methodResponse>"
        % ("<array><data><value>" * depth + "x" + "</value></data></array>" * depth)
    ),
    "XML": lambda depth: ENVELOPE % f"<string>{escape(f'<HOST><ID>0</ID>{elements(depth)}</HOST>')}</string>",
    "template": lambda depth: (
        ENVELOPE % f"<string>{escape(f'<HOST><ID>0</ID><TEMPLATE>{elements(depth)}</TEMPLATE></HOST>')}</string>"
    ),
}


@pytest.mark.parametrize("depth", [2, DEEPEST + 1, 330, 990, 20_000])
@pytest.mark.parametrize("form", ANSWERS)
@pytest.mark.parametrize("module", ["one_call", "one_host"])
def test_an_answer_of_oned(lab: Lab, serving, module, form, depth):
    url = serving(ANSWERS[form](depth))
    given = {"one_call": {"method": "host.info", "arguments": [0]}, "one_host": {"id": 0, "cluster": "default"}}
    result = replace(lab, url=url).run(module, **given[module], api_retries=0)
    assert "exception" not in result.data, result.data.get("exception")
    assert len(result.message) < 1000
    assert result.failed or (module, depth <= DEEPEST) == ("one_call", True)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("status", ["200 OK", "500 Oops"])
@pytest.mark.parametrize("form", [texts, lambda depth: '{"error":' + texts(depth) + "}"])
def test_an_answer_of_oneflow(serving, form, status, depth):
    with OneFlow(serving(form(depth)).removesuffix("/RPC2"), session=SESSION, retries=0) as flow:
        assert assert_told(lambda: flow.service(0))


# ---------------------------------------------------------------- the measure


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_the_depth_is_measured_as_by_recursion(value):
    def levels(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(levels, inner), default=0)

    for more in range(DEEPEST - 3, DEEPEST + 3):
        assert too_deep([value, *lists(more)]) == (max(levels(value), more - 1) + 1 > DEEPEST)
        wrapped = value
        for dummy in range(more):
            wrapped = {"A": wrapped}
        assert too_deep(wrapped) == (levels(value) + more > DEEPEST)


def test_what_holds_itself_is_too_deep():
    value = {}
    value["A"] = [value]
    assert too_deep(value)


def test_what_is_repeated_is_looked_at_once():
    value = ["x"]
    for dummy in range(DEEPEST - 1):
        value = [value] * 10
    assert not too_deep(value)


# ---------------------------------------------------------------- real tasks


TASKS = {
    "one_host": lambda value: {"name": "a", "im_mad": "dummy", "vm_mad": "dummy", "template": value},
    "one_service_template": lambda value: {"name": "a", "roles": [{"name": "r", "template_contents": value}]},
    "one_call": lambda value: {"method": "host.info", "arguments": value},
    "one_cloud": lambda value: {"declaration": {"hosts": [{"name": "a", "template": value}]}},
    "one_export": lambda value: {"dest": "/nowhere", "kinds": value},
}


@pytest.mark.parametrize("depth", [DEEPEST + 1, 150])
def test_tasks_end_in_a_sentence(simulator, tmp_path, depth):
    (tmp_path / "deep.json").write_text(texts(depth), encoding="utf-8")
    (tmp_path / "cloud.yml").write_text(f"hosts:\n- name: a\n  template: {texts(100_000)}\n", encoding="utf-8")
    value = "{{ lookup('ansible.builtin.file', '%s/deep.json') | from_json }}" % tmp_path
    tasks = [{f"privazio.opennebula.{name}": given(value)} for name, given in TASKS.items()]
    tasks += [{"privazio.opennebula.one_cloud": {"src": f"{tmp_path}/cloud.yml"}}]
    tasks += [{**tasks[0], "vars": {"one_in_controller": False}}]
    book = tmp_path / "playbook.yml"
    play = {"hosts": "localhost", "gather_facts": False, "ignore_errors": True, "tasks": tasks}
    book.write_text(yaml.safe_dump([play]), encoding="utf-8")
    done, dummy = ansible(tmp_path, simulator, str(book))
    assert f"ignored={len(tasks)}" in done.stdout, done.stdout[-3000:] + done.stderr[-2000:]
    results = [json.loads(line) for line in (tmp_path / "recorded").read_text().splitlines()]
    for result in results:
        assert re.search(r"(at most|more than) 64 levels of nesting\.", result["msg"]), result["msg"]
    assert "Traceback" not in done.stdout + done.stderr
