# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Answers recorded from a server, and given again without one."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from hashlib import md5

import project
import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneException,
    OneNoExistsException,
    OneProtocolException,
)
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.tester import (
    OneServerTester,
    read_fixture_file,
    write_fixture_file,
)

SESSION = "oneadmin:opennebula"
NOWHERE = "http://127.0.0.1:1/RPC2"


def story(one):
    """What a program does, and what it is told."""
    host = one.host.allocate("node1", "dummy", "dummy", -1)
    told = [host, one.host.info(host).NAME]
    one.host.update(host, {"LABELS": "é", "PLACE": {"ROW": "1"}}, 1)
    told += [one.host.info(host).TEMPLATE["PLACE"], one.system.version()]
    for call, expected in ((one.host.info, OneNoExistsException), (one.nonsense.info, OneProtocolException)):
        with pytest.raises(expected) as caught:
            call(99)
        told.append((str(caught.value), caught.value.code, caught.value.object_id, caught.value.method))
    return told


@pytest.fixture
def recorded(simulator, tmp_path):
    """A file of answers, and what was told when it was made."""
    path = tmp_path / "answers.json.gz"
    with OneServerTester(simulator.url, SESSION, fixture_file=str(path), fixture_replay=False) as one:
        told = story(one)
        one.set_fixture_unit_test("other")
        one.hostpool.info()
    return path, told


def test_what_was_recorded_is_told_again(recorded):
    path, told = recorded
    with OneServerTester(NOWHERE, SESSION, fixture_file=str(path)) as one:
        assert story(one) == told
        one.set_fixture_unit_test("other")
        assert one.hostpool.info().HOST[0].NAME == "node1"
        assert one.server_retry_interval() < 0.1


def test_the_environment_says_what_to_do(recorded, monkeypatch):
    path, dummy = recorded
    monkeypatch.setenv("PYONE_TEST_FIXTURE_FILE", str(path))
    monkeypatch.setenv("PYONE_TEST_FIXTURE_UNIT", "other")
    assert OneServerTester(NOWHERE, SESSION).hostpool.info().HOST[0].ID == 0
    monkeypatch.setenv("PYONE_TEST_FIXTURE_REPLAY", "no")
    with pytest.raises(OneException, match="cannot reach"):
        OneServerTester(NOWHERE, SESSION, retries=0).hostpool.info()


def test_what_was_not_recorded(recorded):
    path, dummy = recorded
    one = OneServerTester(NOWHERE, SESSION, fixture_file=str(path), fixture_unit="other")
    one.hostpool.info()
    with pytest.raises(OneException, match="no answer is recorded for this call in the unit other") as caught:
        one.hostpool.info()
    assert caught.value.method == "one.hostpool.info"


def signature(*sent):
    return md5(json.dumps([SESSION, *sent], sort_keys=True).encode()).hexdigest()  # noqa: S324


@pytest.mark.parametrize(
    "sent",
    [
        "<TEMPLATE><A><![CDATA[x & 'y']]></A><B><![CDATA[1]]></B></TEMPLATE>",  # pyone 7.3.80
        "<TEMPLATE><A>x &amp; &apos;y&apos;</A><B>1</B></TEMPLATE>",  # addon-pyone 1.1.9
    ],
)
def test_documents_of_any_pyone_are_known(tmp_path, sent):
    path = tmp_path / "pyone.json.gz"
    write_fixture_file(path, {"init": {"one.host.update": {signature(0, sent, 1): [[True, 0, 0]]}}})
    one = OneServerTester(NOWHERE, SESSION, fixture_file=str(path))
    assert one.host.update(0, {"TEMPLATE": {"B": 1, "A": "x & 'y'"}}, 1) == 0


def test_files_are_written_and_read_alike(tmp_path):
    path, content = tmp_path / "answers.json.gz", {"TEMPLATE": {"LABELS": "é"}}
    write_fixture_file(path, content)
    assert read_fixture_file(str(path)) == content
    with pytest.raises(OneException, match="cannot be read"):
        read_fixture_file(tmp_path / "none")


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "OneServer"),
        ({"PYONE_TEST_FIXTURE": "no"}, "OneServer"),
        ({"PYONE_TEST_FIXTURE": "Yes"}, "OneServerTester"),
    ],
)
def test_programs_are_tested_as_they_are(environment, name):
    """Only the class that pyone.server gives depends on the environment."""
    program = (
        f"import sys; sys.path.insert(0, {str(project.ROOT / 'plugins/module_utils')!r})\n"
        "import pyone; from pyone.server import OneServer\n"
        "print(OneServer.__name__, pyone.OneServer.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == [name, "OneServer"]


def test_files_of_pyone_are_read(tmp_path):
    path = tmp_path / "pyone.json.gz"
    pickled = {"exception": "gASVEAAAAAAAAACMAm9zlIwGc3lzdGVtlJOULg=="}
    units = {"init": {"one.host.update": {signature(0, 'A="x"\nB="1"\n', 1): [[True, 0, 0], pickled]}}}
    path.write_bytes(gzip.compress(json.dumps(units).encode()))
    one = OneServerTester(NOWHERE, SESSION, fixture_file=str(path))
    assert one.host.update(0, {"B": 1, "A": "x"}, 1) == 0
    with pytest.raises(OneException, match="an exception was recorded by pyone"):
        one.host.update(0, {"B": 1, "A": "x"}, 1)


@pytest.mark.parametrize("content", [None, b"", b"plain", gzip.compress(b"{", mtime=0)])
def test_files_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "answers"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OneException, match=r"the file of answers .*answers cannot be read"):
        OneServerTester(NOWHERE, SESSION, fixture_file=str(path))


def test_no_file_is_named(monkeypatch):
    monkeypatch.delenv("PYONE_TEST_FIXTURE_FILE", raising=False)
    with pytest.raises(OneException, match="no file of answers"):
        OneServerTester(NOWHERE, SESSION)
