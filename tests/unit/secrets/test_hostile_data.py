# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Names, labels, templates and messages of others are data: never evaluated, never obeyed by a terminal or a page."""

from __future__ import annotations

import html.parser
import json
import re
import unicodedata

import pytest
import yaml
from ansible_collections.privazio.opennebula.plugins.action.one_export import text as exported_text
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import LONGEST, one_line, printable
from ansible_collections.privazio.opennebula.plugins.module_utils._core.secrets import Secrets
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneException, OneServer
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import document as document_module
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import report_html
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration.export import Left
from ansible_runs import PASSWORD, ansible
from hostile import EVALUATED, HOSTILE, OBEYED
from hypothesis import given
from hypothesis import strategies as st
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator


@given(st.text())
def test_a_printable_text_has_nothing_that_is_obeyed(text):
    shown = printable(text)
    assert not OBEYED.search(shown)
    assert printable(shown) == shown
    assert not set(one_line(text)) & set("\n\t\r\x0b\x0c\x85\u2028\u2029")


@given(st.text(st.characters(categories=["L", "N", "P", "S"]) | st.sampled_from(" \n\t")))
def test_what_can_be_shown_is_shown_as_it_is(text):
    assert printable(text) == text


@given(st.text("\x1b[31m\x9b]0;\x07\r\n", min_size=1))
def test_messages_and_lines_escape_what_a_terminal_obeys(text):
    assert not OBEYED.search(Secrets().message(f"Cannot do it: {text}"))
    assert Secrets().line(text).isprintable()


def test_a_message_of_megabytes_is_cut():
    shown = Secrets().message("x" * 1_000_000)
    assert len(shown) < LONGEST + 100
    assert shown.endswith("(and 980000 more characters)")


BREAKS = st.sampled_from("\r\n\t\x85\u2028\u2029\ufeff\u202e {%")
PIECES = st.text(st.characters(exclude_categories=["Cs"]) | BREAKS, min_size=1) | st.sampled_from(["{{", "{%", "{#"])
NAMES = st.lists(PIECES, min_size=1, max_size=4).map("".join)


@given(NAMES, NAMES)
def test_an_exported_document_is_read_as_it_was_written_whatever_is_in_it(name, value):
    left = [Left("vm", name, value, "it is a secret")]
    document = {"templates": [{"name": name, "template": {"NOTE": value}}]}
    text = exported_text(document, left)

    for loader in dict.fromkeys((yaml.SafeLoader, document_module.LOADER)):
        kind = type("Loader", (loader,), {})
        unsafe = []
        kind.add_constructor("!unsafe", lambda loader, node, found=unsafe: found.append(node.value) or node.value)
        assert yaml.load(text, kind) == document  # noqa: S506
        assert all(one in unsafe for one in (name, value) if re.search("{{|{%|{#", one))


class Told:
    """An object of a plan with hostile words."""

    action, number, kind = "update", 0, "vm"

    def __init__(self, word):
        self.word = word
        self.declared = self
        self.name = word

    def told(self):
        word = self.word
        words = {"kind": word, "name": word, "id": 1, "action": "update", "because": word, "place": word}
        return {**words, "before": {word: [word]}, "after": {"x": word}}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, sorted(name for name, dummy in attrs)))

    def handle_data(self, data):
        self.text.append(data)


def row(word):
    page = Page()
    page.feed(report_html._row(Told(word)) + report_html._box(Told(word), 0, 0))
    return page


@given(NAMES)
def test_no_word_changes_the_form_of_the_page(word):
    assert row(word).tags == row("x").tags
    assert not OBEYED.search("".join(row(word).text))


def allocate(method, held, *arguments):
    """The id of a new object, without the characters that OpenNebula takes in no name."""
    while True:
        try:
            return method(held, *arguments)
        except OneException as error:
            bad = re.search("char '(.)' is not allowed", error.message, re.DOTALL)
            if not bad:
                raise
            held = {**held, "NAME": held["NAME"].replace(bad.group(1), "")}


@pytest.fixture
def cloud(tmp_path):
    """A simulated cloud whose users gave hostile names, labels and attributes; `proof` is what no run creates."""
    found = Simulator(Options(delay=0, password=PASSWORD, seed={"hosts": 1, "images": 1})).start()
    found.proof = tmp_path / "proof"
    client = OneServer(found.url, session=f"oneadmin:{PASSWORD}")
    for number, (what, word) in enumerate(HOSTILE.items()):
        held = {"NAME": word, "NOTE": word, "LABELS": word, what.upper().replace(" ", "_"): word}
        held = {name: text % {"proof": found.proof} if what in EVALUATED else text for name, text in held.items()}
        oid = allocate(client.vm.allocate, {**held, "CPU": "0.1", "MEMORY": "8"}, True)
        client.vm.update(oid, {**held, "SCHED_MESSAGE": held["NOTE"]}, 1)
        if number < 2:
            client.vm.deploy(oid, 0)
        allocate(client.template.allocate, held)
        client.host.update(0, {f"NOTE{number}": held["NOTE"]}, 1)
    found.names = [vm.NAME for vm in client.vmpool.info(-2, -1, -1, -1).VM]
    yield found
    found.stop()


GROUPED = {"one_vms": ["label", "NOTE"], "one_hosts": ["cluster", "NOTE0"]}
READERS = ("one_vm_info", "one_template_info", "one_host_info")


def play(cloud, folder):
    tasks = [{f"privazio.opennebula.{name}": {}, "register": name} for name in READERS]
    tasks += [
        {"ansible.builtin.debug": {"var": "one_vm_info.instances"}},
        {"ansible.builtin.debug": {"msg": "{{ query('privazio.opennebula.one', 'vm', 'template', 'host') }}"}},
        {"ansible.builtin.set_fact": {"kept": "{{ one_vm_info.instances }}"}},
        {"ansible.builtin.debug": {"msg": "{{ kept | map(attribute='name') | join(' ') }}"}},
        {"privazio.opennebula.one_export": {"dest": f"{folder}/export.yml", "kinds": ["templates", "hosts"]}},
        {
            "privazio.opennebula.one_cloud": {"src": f"{folder}/export.yml", "report": f"{folder}/report.html"},
            "register": "again",
        },
        {"ansible.builtin.assert": {"that": "again is not changed"}},
    ]
    for oid, dummy in enumerate(cloud.names):  # what fails repeats them
        task = {"privazio.opennebula.one_vm_snapshot": {"id": oid, "state": "reverted", "snapshot": "none"}}
        tasks.append({**task, "ignore_errors": True})
    return tasks


def test_no_run_evaluates_or_shows_what_others_have_written(cloud, tmp_path):
    book = tmp_path / "playbook.yml"
    content = [{"hosts": "localhost", "gather_facts": False, "tasks": play(cloud, tmp_path)}]
    book.write_text(yaml.safe_dump(content))
    done, dummy = ansible(tmp_path, cloud, str(book), ANSIBLE_NOCOLOR="1")
    assert "failed=0" in done.stdout, done.stdout[-3000:] + done.stderr
    assert not cloud.proof.exists()
    said = [line for line in done.stderr.splitlines() + done.stdout.splitlines() if "has no snapshot" in line]
    assert len(said) >= len(cloud.names)
    assert not OBEYED.search(done.stderr)
    assert not [line for line in said if OBEYED.search(line)]
    page = (tmp_path / "report.html").read_text()
    assert "<script>alert" not in page


@pytest.mark.parametrize("name", ["one_vms", "one_hosts", "opennebula"])
def test_no_inventory_evaluates_or_is_broken_by_it(cloud, tmp_path, name):
    source = tmp_path / f"playbook.{name}.yml"
    facts = {} if name == "opennebula" else {"facts": ["full"], "strict": True, "group_by": GROUPED[name]}
    grouped = {"group_by_labels": True} if name == "opennebula" else {}
    keyed = {
        "keyed_groups": [{"key": "one_name | default(name)", "prefix": "n"}],
        "compose": {"copy": "one_attributes | default(NOTE)"},
    }
    source.write_text(yaml.safe_dump({"plugin": f"privazio.opennebula.{name}", **facts, **grouped, **keyed}))
    shown, dummy = ansible(tmp_path, cloud, "-i", str(source), "--list", command="ansible-inventory")
    assert shown.returncode == 0, shown.stderr
    listed = json.loads(shown.stdout)
    groups = [one for one in listed if one != "_meta"] + [
        each for one in listed.values() for each in one.get("children", ())
    ]
    assert all(re.fullmatch(r"\w+", group) for group in groups), groups
    hosts = list(listed["_meta"]["hostvars"])
    assert hosts and not [host for host in hosts if OBEYED.search(host) or "\n" in host or "/" in host]
    book = tmp_path / "playbook.yml"
    tasks = [{"ansible.builtin.debug": {"msg": "{{ hostvars[inventory_hostname] }}"}}]
    book.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "connection": "local", "tasks": tasks}]))
    done, dummy = ansible(tmp_path, cloud, "-i", str(source), str(book), ANSIBLE_NOCOLOR="1")
    assert "failed=0" in done.stdout, done.stdout[-3000:]
    assert not cloud.proof.exists()


def test_every_category_of_characters_that_are_no_text_is_obeyed_by_none():
    controls = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Cs", "Zl", "Zp")]
    shown = printable("".join(controls))
    assert not set(shown) & set(controls) - {"\n", "\t"}
