# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Secrets that a server repeats are covered, however they are quoted; other words are not."""

from __future__ import annotations

import html
import json

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import secrets
from ansible_collections.privazio.opennebula.plugins.module_utils._core.secrets import LEAST, Secrets, found, told
from hypothesis import given
from hypothesis import strategies as st

CANARY = "Canary-7x/q=="
GIVEN = {
    "template": {"CONTEXT": {"PASSWORD": CANARY, "HOSTNAME": "web"}},
    "name": "web",
}


@pytest.mark.parametrize(
    "text",
    [
        f'Error parsing: HOSTNAME="web",PASSWORD="{CANARY}". syntax error',
        f"driver said {CANARY} and stopped",
        [{"reason": f"no {CANARY}"}],
        {"failures": [{"id": 1, "name": "web", "reason": CANARY}]},
    ],
)
def test_what_a_task_gives_is_covered_wherever_it_is_repeated(text):
    assert CANARY not in str(Secrets(GIVEN).cover(text))


@pytest.mark.parametrize("form", [str, json.dumps, repr, html.escape, lambda text: text.replace('"', '\\"')])
@given(st.text(min_size=LEAST, max_size=30).filter(lambda text: len(text.strip()) >= LEAST))
def test_a_secret_is_found_in_every_form_in_which_it_is_written(form, secret):
    secrets = found({"password": secret})
    said = told(f"said: {form(secret)}!", secrets)
    assert not secrets or form(secret) not in said


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('A="1",DB_PASSWORD="x y\\"z",B="2"', 'A="1",DB_PASSWORD="********",B="2"'),
        ("export DB_PASSWORD=abcd; run", "export DB_PASSWORD=********; run"),
        ("<ROOT_PASSWORD>abcd</ROOT_PASSWORD>", "<ROOT_PASSWORD>********</ROOT_PASSWORD>"),
        ("{'token': 'abcd', 'a': 1}", "{'token': '********', 'a': 1}"),
        ('START_SCRIPT="mysql -pabcd"', 'START_SCRIPT="********"'),
        (
            "Error parsing: DB_PASSWORD=my word@^_^@START_SCRIPT=#!/bin/sh\nmysql -pabcd@^_^@USER=me. syntax error, at",
            "Error parsing: DB_PASSWORD=********@^_^@START_SCRIPT=********@^_^@USER=me. syntax error, at",
        ),
        (
            "Error parsing: START_SCRIPT=#!/bin/sh\nmysql -p abcd $(x). syntax error, unexpected",
            "Error parsing: START_SCRIPT=********. syntax error, unexpected",
        ),
        ('TOKEN="YES",NETWORK="YES"', 'TOKEN="YES",NETWORK="YES"'),
        ("Check api_username and api_password.", "Check api_username and api_password."),
        ("give: password, user", "give: password, user"),
    ],
)
def test_what_is_assigned_to_a_secret_is_covered_in_what_a_server_says(said, shown):
    assert Secrets().cover(said) == shown


@pytest.mark.parametrize("harmless", ["YES", "no", "abc", "", None, True, "$USER[TOKEN_PASSWORD]"])
def test_words_that_keep_no_secret_are_not_looked_for(harmless):
    assert found({"TOKEN": harmless}) == set()


def test_numbers_are_secrets_too():
    assert told({"template": {"PASSWORD": 123456}, "error": "got 123456"}, found({"PASSWORD": 123456})) == {
        "template": {"PASSWORD": "********"},
        "error": "got ********",
    }


def test_an_object_covers_its_own_secrets_and_keeps_its_name():
    vms = [
        {
            "id": number,
            "name": f"hunter{number}",
            "context": {"PASSWORD": f"hunter{number}"},
            "error": f"hunter{number} 1",
        }
        for number in (1, 2)
    ]
    assert told({"vms": vms, "changed": False})["vms"] == [
        {"id": number, "name": f"hunter{number}", "context": {"PASSWORD": "********"}, "error": "******** 1"}
        for number in (1, 2)
    ]


def test_lines_of_a_key_are_covered_alone():
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END KEY-----"
    assert "MIIEvQ" not in Secrets({"private_key": key}).cover("bad line MIIEvQIBADANBgkqhkiG9w0BAQEFAASC of it")


def test_an_answer_is_searched_once_until_another_comes(monkeypatch):
    searched = []
    held = secrets._held
    monkeypatch.setattr(secrets, "_held", lambda answer, names: searched.append(answer) or held(answer, names))
    known = Secrets()
    answers = [{"PASSWORD": "first secret"}, {"PASSWORD": "second secret"}]
    known.remember("user", answers[0])
    assert [known.line("first secret") for dummy in range(3)] == ["********"] * 3
    known.remember("user", answers[1])
    assert [known.line("second secret") for dummy in range(3)] == ["********"] * 3
    assert searched == answers
