# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Names of secrets: the table, what tasks add to it and take from it; who is warned of plain http, and of what."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure, fault
from ansible_collections.privazio.opennebula.plugins.module_utils._core.flow import Clients
from ansible_collections.privazio.opennebula.plugins.module_utils._core.secret_names import (
    SECRET_NAMES,
    SecretNames,
    is_secret,
)
from ansible_collections.privazio.opennebula.plugins.module_utils._core.secrets import Secrets, told
from hypothesis import given
from hypothesis import strategies as st

WORDS = st.text("AaBb_?*.", max_size=6)


@pytest.mark.parametrize(
    "name",
    (
        "PASSWORD password ROOT_PASSWD ssh_passphrase CRYPTED_PASSWORD_BASE64 API_KEY MY_API_KEY PRIVATE_KEY "
        "SSH_PRIVATE_KEY ONEGATE_TOKEN TOKEN_PASSWORD AWS_SECRET_ACCESS_KEY ACCESS_KEY_ID S3_CREDENTIALS MYSQL_PWD "
        "START_SCRIPT START_SCRIPT_BASE64 USER_DATA EC2_ACCESS"
    ).split(),
)
def test_the_table_knows_the_names_that_are_usual(name):
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", "NAME SSH_PUBLIC_KEY KEYMAP PASS HOSTNAME CWD PWD_DIR PRIVATE PUBLIC_CLOUD DATA USER".split()
)
def test_other_names_are_shown(name):
    assert not is_secret(name)


@given(WORDS, WORDS)
def test_a_pattern_fits_as_those_of_files_do_but_for_case(pattern, name):
    known = SecretNames([pattern])
    assert known(name) == (bool(pattern) and fnmatchcase(name.lower(), pattern.lower()))


@given(st.sampled_from(SECRET_NAMES), WORDS)
def test_what_is_taken_out_is_no_secret_any_more(pattern, word):
    name = pattern.replace("*", word.replace("*", "").replace("?", ""))
    assert SecretNames()(name)
    assert not SecretNames(["!" + pattern])(name)


def test_added_names_count_in_results_messages_and_texts():
    secrets = Secrets({"template": {"LICENSE_A": "hush-hush"}}, ["license_*", "!START_SCRIPT"])
    shown = secrets.shown({"template": {"LICENSE_B": "x", "START_SCRIPT": "ls", "PASSWORD": "y"}, "error": "hush-hush"})
    assert shown == {
        "template": {"LICENSE_B": "********", "START_SCRIPT": "ls", "PASSWORD": "********"},
        "error": "********",
    }
    assert secrets.cover('LICENSE_C="abcd" START_SCRIPT="ls"') == 'LICENSE_C="********" START_SCRIPT="ls"'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("get http://user:pa55@host/a and go", "get http://user:********@host/a and go"),
        ("https://:tok3n@host:443/x", "https://:********@host:443/x"),
        ("http://host:2633/RPC2", "http://host:2633/RPC2"),
        ("http://user@host:80/a@b", "http://user@host:80/a@b"),
        ("ssh://git@host/repo", "ssh://git@host/repo"),
        (
            "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----********-----END PRIVATE KEY-----\n",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc", "-----BEGIN RSA PRIVATE KEY-----********"),
        ("-----BEGIN PUBLIC KEY-----\nabc", "-----BEGIN PUBLIC KEY-----\nabc"),
    ],
)
def test_keys_and_passwords_of_urls_are_covered_by_their_form(text, shown):
    assert told({"PATH": text}) == {"PATH": shown}
    assert Secrets().cover(text) == shown


def test_what_a_server_repeats_of_the_connection_is_covered():
    secrets = cloud.secrets_of({"api_username": "me", "api_password": "pa55word"})
    said = "Basic bWU6cGE1NXdvcmQ= for me:pa55word, or pa55word"
    assert secrets.cover(said) == "Basic ******** for ********, or ********"


def test_a_user_name_alone_takes_no_one_elses_password(tmp_path, monkeypatch):
    path = tmp_path / "one_auth"
    path.write_text("oneadmin:other")
    monkeypatch.setenv("ONE_AUTH", str(path))
    assert cloud.session({}) == "oneadmin:other"
    for given_alone in ({"api_username": "me"}, {"api_password": "x"}, {"api_username": "me", "api_password": ""}):
        with pytest.raises(Failure, match="No credentials for OpenNebula: give api_"):
            cloud.session(given_alone)


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://frontend:2633/RPC2", True),
        ("http://10.0.0.1:2633/RPC2", True),
        ("http://localhost.example.com/RPC2", True),
        ("http://127.evil.example/RPC2", True),
        ("https://frontend:2633/RPC2", False),
        ("http://127.0.0.1:2633/RPC2", False),
        ("http://127.8.8.8/RPC2", False),
        ("http://localhost:2633/RPC2", False),
        ("http://one.localhost:2633/RPC2", False),
        ("http://[::1]:2633/RPC2", False),
    ],
)
def test_plain_http_is_warned_of_unless_it_stays_on_the_machine(url, warned):
    options = {"api_url": url, "flow_url": url, "api_username": "me", "api_password": "x"}
    for connect in (
        lambda warn: cloud.connect(options, warn=warn),
        lambda warn: Clients(options, warn=warn)._oneflow(),
    ):
        told_of = []
        connect(told_of.append)
        assert len(told_of) == warned
        assert all("warn_http: false" in text and "ONE_WARN_HTTP" in text for text in told_of)
        connect(None)
    assert cloud.unencrypted([url], {"warn_http": False}) == []


def test_a_warning_shows_no_credentials_of_an_endpoint():
    assert "hush" not in str(cloud.unencrypted(["http://me:hush@frontend/RPC2"], {}))


def test_a_fault_of_the_collection_says_so():
    found = fault(KeyError("x"))
    assert found.message == "This is a fault of the collection privazio.opennebula, please report it: KeyError: 'x'."
    assert "KeyError" in found.data["exception"]
