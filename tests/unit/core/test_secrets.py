# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Secrets that a server repeats are covered, however they are quoted; other words are not."""

from __future__ import annotations

import base64
import html
import json
import re

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import secrets
from ansible_collections.privazio.opennebula.plugins.module_utils._core.secret_names import names_with
from ansible_collections.privazio.opennebula.plugins.module_utils._core.secrets import LEAST, MASK, Secrets, found, told
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone.element import parse, parsed
from encodings_of_secrets import ENCODINGS, PARTS, WORDS
from hypothesis import given, settings
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


@pytest.mark.parametrize("harmless", ["YES", "no", "ab", "123", "off", "", None, True, "$USER[TOKEN_PASSWORD]"])
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


# ---------------------------------------------------------------- what is looked for

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBgkq\nshort\n-----END RSA PRIVATE KEY-----"
MINE = names_with(("COLOR",))


@pytest.mark.parametrize(
    ("value", "secrets_in_it"),
    [
        ({"password": "abcd"}, {"abcd"}),
        ({"password": "ab"}, set()),
        ({"password": "abc"}, {"abc"}),
        ({"password": " abcd "}, {"abcd"}),
        ({"password": ["abcd", "efgh"]}, {"abcd", "efgh"}),
        ({"password": ("abcd", None, True)}, {"abcd"}),
        ({"password": {"a": "abcdefg"}}, set()),
        ({"password": {"a": "abcdefgh", "b": ["ijklmnop", {"c": "qrstuvwx"}]}}, {"abcdefgh", "ijklmnop", "qrstuvwx"}),
        ({"password": {"a": "abcdefgh", "type": "password"}}, set()),
        ({"login_token": {"expires": "2030-12-01"}}, set()),
        ({"password": {"token": "abcd"}}, {"abcd"}),
        ({"password": None}, set()),
        ({"a": [{"password": "abcd"}]}, {"abcd"}),
        ({"a": "abcd"}, set()),
        ({"color": "rosewood"}, {"rosewood"}),
        ({"a": [{"color": "rosewood"}]}, {"rosewood"}),
        ({"a": 'COLOR="rosewood"'}, {"rosewood"}),
        ({"a": "COLOR='rosewood'", "b": "DB_PASSWORD=abcd"}, {"rosewood", "abcd"}),
        (["COLOR=rosewood"], {"rosewood"}),
        ({"a": "NAME=rosewood"}, set()),
        ({"a": "http://me:hush1@host/"}, {"hush1"}),
        ({"a": "http://me:hush1@host/ PASSWORD=abcd"}, {"hush1", "abcd"}),
        ({"a": "http://host:2633/"}, set()),
        ({"a": '{"password": "abcd"}'}, {"abcd"}),
        ({"a": "Error parsing: PASSWORD=my word@^_^@B=2"}, {"my word"}),
        ({"password": "a\"b'c"}, {"a\"b'c", "a\\\"b'c", "a\"b\\'c", "a&quot;b&#x27;c"}),
        (
            {"password": "x\n#!/bin/a/long/path\n-----and a long line"},
            {"x\n#!/bin/a/long/path\n-----and a long line", "x\\n#!/bin/a/long/path\\n-----and a long line"},
        ),
        (
            {"password": "x\n0123456789abcdef\n0123456789abcde"},
            {"x\n0123456789abcdef\n0123456789abcde", "x\\n0123456789abcdef\\n0123456789abcde", "0123456789abcdef"},
        ),
    ],
)
def test_the_texts_that_are_secrets(value, secrets_in_it):
    assert found(value, names=MINE) == secrets_in_it


@pytest.mark.parametrize(
    ("value", "may"),
    [
        ("a=b", True),
        ("a: 'b'", True),
        ('a:"b"', True),
        ("https://a", True),
        ("02:00:ac:00:28:0a", False),
        (KEY.replace(":", "").replace("=", ""), True),
        ("plain", False),
        (7, True),
        ({}, True),
    ],
)
def test_where_a_secret_could_be(value, may):
    assert secrets.may_hold(value) is may


@pytest.mark.parametrize(
    ("text", "has"),
    [(KEY, True), ("http://me:hush@host", True), ("http://host:80/", False), ("PRIVATE KEY-----", False), ("x", False)],
)
def test_a_secret_may_be_told_by_its_form(text, has):
    assert secrets.has_form(text) is has


def test_private_keys_and_passwords_of_urls_are_covered_whatever_their_name():
    assert told({"a": [KEY]}) == {"a": ["-----BEGIN RSA PRIVATE KEY-----********-----END RSA PRIVATE KEY-----"]}
    assert told("see http://me:hush@host/") == "see http://me:********@host/"


def test_the_secrets_of_an_object_are_covered_in_it_alone():
    mine = {"id": 1, "COLOR": "rosewood", "said": "rosewood"}
    assert told([mine, {"said": "rosewood"}], names=MINE) == [
        {"id": 1, "COLOR": "********", "said": "********"},
        {"said": "rosewood"},
    ]
    assert told({"COLOR": "rosewood", "said": "rosewood"}, names=MINE) == {"COLOR": "********", "said": "rosewood"}
    assert told({"one_auth": "me:abcd", "x": "abcdefgh"}, {"abcd", "abcdefgh"}) == {
        "one_auth": "me:abcd",
        "x": "********",
    }


def test_a_result_is_shown_without_the_secrets_of_the_task():
    known = Secrets({"password": "first", "color": "rosewood"}, ["COLOR"])
    assert known.given == {"first", "rosewood"}
    known.add({"token": "second", "color": "mahogany"})
    assert known.given == {"first", "rosewood", "second", "mahogany"}
    result = {"said": "first rosewood second mahogany third", "COLOR": "teak", "token": "third"}
    covered = {"COLOR": "********", "token": "********"}
    assert known.shown(result) == {"said": "******** ******** ******** ******** third", **covered}
    assert known.shown({"id": 1, **result})["said"] == " ".join(["********"] * 5)
    assert known.difference(result) == {"said": " ".join(["********"] * 5), **covered}
    assert known.difference({"COLOR": "ebony", "a": ["of ebony"]}) == {"COLOR": "********", "a": ["of ********"]}


def test_what_a_server_says_is_covered_wherever_the_secret_is_from():
    known = Secrets({"password": "first"}, ["COLOR"], "me:se:cond")
    basic = base64.b64encode(b"me:se:cond").decode()
    assert known.cover(["first", {"a": f"se:cond me:se:cond {basic} cond"}]) == [
        "********",
        {"a": "******** ******** ******** cond"},
    ]
    known.remember("k", {"COLOR": "rosewood", "password": "third"})
    assert known.cover({"a": "rosewood third"}) == {"a": "******** ********"}
    known.remember("k", "no dictionary")
    known.remember("n", 7)
    assert known.cover("rosewood third") == "rosewood third"
    assert known.cover(["COLOR=teak", "it was teak"]) == ["COLOR=********", "it was ********"]
    assert known.cover({"a": {"b": "COLOR=teak"}, "c": ("it was teak", 7)}) == {
        "a": {"b": "COLOR=********"},
        "c": ["it was ********", 7],
    }
    assert known.cover({"COLOR": "teak"}) == {"COLOR": "********"}
    assert Secrets().cover("me:se:cond") == "me:se:cond"
    assert known.message("first\x1b\n") == "********\\x1b\n"
    assert known.line("first\x1b\n") == "********\\x1b\\n"


@pytest.mark.parametrize("whole", [False, True])
def test_secrets_are_found_in_answers_of_the_api(whole):
    answer = parse(
        "<USER><ID>3</ID><TEMPLATE><COLOR>rosewood</COLOR><TOKEN>abcd</TOKEN><A>PASSWORD=efgh</A></TEMPLATE></USER>"
    )
    known = Secrets(names=["COLOR"])
    known.remember("user", parsed(answer) if whole else answer)
    assert known.cover("rosewood abcd efgh USER") == "******** ******** ******** USER"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('TOKEN=""', 'TOKEN=""'),
        ("TOKEN='YES'", "TOKEN='YES'"),
        ("TOKEN='abcd'", "TOKEN='********'"),
        ("TOKEN=XXabcd", "TOKEN=********"),
        ('TOKEN="XYESX"', 'TOKEN="********"'),
        ("TOKEN=' '", "TOKEN='********'"),
        ("NAME=abcd", "NAME=abcd"),
        ("TOKEN=&quot;ab cd&quot; x", "TOKEN=&quot;********&quot; x"),
        ('{\\"TOKEN\\": \\"ab cd\\"} x', '{\\"TOKEN\\": \\"********\\"} x'),
        ('TOKEN=\\\\\\"ab cd\\\\\\" x', 'TOKEN=\\\\\\"********\\\\\\" x'),
        ('TOKEN="ab cd and what was cut\\', 'TOKEN="********"'),
    ],
)
def test_what_is_assigned_keeps_its_quotes(said, shown):
    assert Secrets().cover(said) == shown
    assert hasattr(Secrets().names, "patterns"), "the patterns are kept with the names"


# ---------------------------------------------------------------- encodings

SPOKEN = 'pä/ss w&rd"<x>+%'


@pytest.mark.parametrize("form", ENCODINGS)
def test_what_a_server_repeats_in_another_form_is_covered(form):
    told = Secrets({"API_KEY": SPOKEN}).message(f"Cannot do it: {ENCODINGS[form](SPOKEN)} is wrong")
    assert told == f"Cannot do it: {told[14:-9]} is wrong"
    assert covered_rest(told[14:-9])


def covered_rest(told):
    """Whether a text has a mask, and beside it nothing but signs of an encoding."""
    return MASK in told and set(told.replace(MASK, "")) <= set("\\x0, ")


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)
SECRET = TEXTS.map(str.strip).filter(lambda text: found({"password": text}) and len(text) >= LEAST)


@pytest.mark.parametrize("form", PARTS)
@settings(max_examples=30)
@given(TEXTS, SECRET, TEXTS)
def test_a_secret_in_a_text_is_covered_in_every_form(form, before, secret, after):
    told = Secrets({"password": secret}).cover(f"said: {before} {PARTS[form](secret)} {after}!")
    assert secret not in told.replace(MASK, "\0")
    assert PARTS[form](secret) not in told.replace(MASK, "\0")


def covered_whole(word, secret):
    """Whether nothing of an encoded word is told but signs of its encoding, and half a byte."""
    told = Secrets({"password": secret}).cover(f"({word})")
    rest = re.sub(r"0x|\\x|%3D|\W", "", told.replace(MASK, ""))
    in_parts = any(one in word for one in found({"password": secret}))
    return MASK in told and (in_parts or len(rest) < 2)


@pytest.mark.parametrize("form", WORDS)
@settings(max_examples=30)
@given(TEXTS, SECRET, TEXTS)
def test_a_word_that_holds_a_secret_is_covered_in_every_encoding(form, before, secret, after):
    assert covered_whole(WORDS[form](before + secret + after), secret)


@pytest.mark.parametrize("outer", WORDS)
@pytest.mark.parametrize("inner", WORDS)
@settings(max_examples=2)
@given(SECRET)
def test_a_secret_that_is_encoded_twice_is_covered(outer, inner, secret):
    assert covered_whole(WORDS[outer](WORDS[inner](secret)), secret)


@pytest.mark.parametrize("name", sorted(secrets.SAID))
@pytest.mark.parametrize("form", ENCODINGS)
def test_what_an_object_says_has_its_own_secrets_in_no_form(name, form):
    shown = told({"id": 1, "template": {"API_KEY": SPOKEN, name: f"It was {ENCODINGS[form](SPOKEN)}"}})
    assert shown["template"]["API_KEY"] == MASK
    assert covered_rest(shown["template"][name].removeprefix("It was "))


@pytest.mark.parametrize(
    ("secret", "said", "shown"),
    [
        ("abc", "driver: abc is wrong", "driver: ******** is wrong"),
        ("abc", "'abc' (abc) abc", "'********' (********) ********"),
        ("abc", "abcd xabc abc_d alphabet", "abcd xabc abc_d alphabet"),
        ("a-c", "a-c b-a-c", "******** b-********"),
        ("123", "VM 123", "VM 123"),
        ("123", "DB_PASSWORD=123", "DB_PASSWORD=********"),
        ("ab", "ab is wrong", "ab is wrong"),
        ("a", 'a DB_PASSWORD="a"', 'a DB_PASSWORD="********"'),
        ("off", "switched off", "switched off"),
        ("abc", base64.b64encode(b"user:abc").decode(), "********"),
    ],
)
def test_a_short_secret_is_covered_where_it_stands_alone(secret, said, shown):
    assert Secrets({"DB_PASSWORD": secret}).message(said) == shown
    assert Secrets({"DB_PASSWORD": secret}).shown({"DB_PASSWORD": secret}) == {"DB_PASSWORD": "********"}


@pytest.mark.parametrize(
    "text", ["<PASSWORD><![CDATA[hush]]></PASSWORD>", 'DB_PASSWORD="hush"', "http://me:hush1@host/"]
)
def test_what_holds_a_secret_in_base64_is_covered(text):
    told = Secrets().message(f"/hooks/a {base64.b64encode(text.encode()).decode()} 5")
    assert told == f"/hooks/a {MASK} 5"


@pytest.mark.parametrize(
    "text", ["of the authorized administrators: 100%", "a+b=c%20d", "aGVsbG8gd29ybGQ=", "x\ny", "%"]
)
def test_what_holds_none_stays(text):
    assert Secrets({"password": "hush and more"}).message(text) == text
