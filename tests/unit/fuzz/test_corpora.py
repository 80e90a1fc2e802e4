# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What fuzzing has found holds, without a fuzzer; and the laws of the targets can be broken."""

from __future__ import annotations

import runpy

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import acl, codec, template
from project import ROOT

TARGETS = runpy.run_path(str(ROOT / "tests/fuzz/targets.py"))["TARGETS"]
CORPUS = ROOT / "tests/fuzz/corpus"
INPUTS = {name: [path.read_bytes() for path in sorted((CORPUS / name).iterdir())] for name in TARGETS}


def tried(name):
    for data in INPUTS[name]:
        TARGETS[name](data)


def test_every_target_has_a_corpus():
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert all(INPUTS.values())


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_holds(name):
    tried(name)


@pytest.mark.parametrize(
    ("name", "owner", "function", "wrong"),
    [
        ("acl", acl, "rule_text", lambda *numbers: "* VM/* USE"),
        ("template", template, "write", lambda content: "A=1"),
        ("xmlrpc", codec, "escaped", lambda text: "x"),
        ("xmlrpc", codec, "unescape", lambda text: 1 / 0),
    ],
)
def test_a_broken_parser_is_noticed(monkeypatch, name, owner, function, wrong):
    monkeypatch.setattr(owner, function, wrong)
    with pytest.raises((AssertionError, ZeroDivisionError)):
        tried(name)
