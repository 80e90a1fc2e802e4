# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the connection options make of a client, and how a cloud finds objects: tables of results and sentences."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import (
    OneException,
    OneNoExistsException,
    OneServer,
)

ME = {"api_username": "me", "api_password": "x"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home folder, without variables of the environment."""
    for name in ("ONE_AUTH", "ONE_URL", "ONE_XMLRPC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".one").mkdir()
    return tmp_path


def refusal(work, *arguments, **options):
    with pytest.raises(Failure) as caught:
        work(*arguments, **options)
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "urls"),
    [("http://a", ["http://a"]), (" http://a ,,http://b, ", ["http://a", "http://b"]), ("http://a,http://b", None)],
)
def test_several_endpoints_are_given_with_commas(text, urls):
    assert cloud.endpoints(text) == (urls or ["http://a", "http://b"])


@pytest.mark.parametrize("text", [None, ""])
def test_without_an_endpoint_the_option_is_named(home, text):
    sentence = "No endpoint of OpenNebula: give api_url, or set ONE_URL in the environment."
    assert refusal(cloud.endpoints, text) == sentence
    assert refusal(cloud.connect, {"api_url": text, **ME}) == sentence


def test_a_client_goes_on_with_another_endpoint(simulator):
    options = {"api_url": f"http://127.0.0.1:1/RPC2,{simulator.url}", "api_username": "oneadmin"}
    with cloud.connect({**options, "api_password": "opennebula"}) as one:
        assert one.call("system.version")


def test_credentials_come_from_options_or_from_the_file_of_the_command_line(home, monkeypatch):
    told = "No credentials for OpenNebula: give %s, or keep user:password in %s."
    assert cloud.session(ME) == "me:x"
    assert refusal(cloud.session, {}) == told % ("api_username (or ONE_USERNAME)", "~/.one/one_auth")
    (home / ".one/one_auth").write_text("oneadmin:pw\nrest", encoding="utf-8")
    assert cloud.session({}) == "oneadmin:pw"
    assert refusal(cloud.session, {"api_username": "me"}) == told % (
        "api_password (or ONE_PASSWORD)",
        "~/.one/one_auth",
    )
    other = home / "auth"
    monkeypatch.setenv("ONE_AUTH", str(other))
    assert refusal(cloud.session, {"api_password": "x"}) == told % ("api_username (or ONE_USERNAME)", other)
    other.write_text("  token \n", encoding="utf-8")
    sentence = f"The file {other} holds no user:password: its first line has no colon."
    assert refusal(cloud.session, {}) == sentence
    other.write_text("\n", encoding="utf-8")
    assert refusal(cloud.session, {}) == told % ("api_username (or ONE_USERNAME)", other)


def test_a_file_that_cannot_be_read_is_told(home):
    assert cloud.first_line("~/.one/one_endpoint") is None
    assert refusal(cloud.first_line, str(home)) == f"Cannot read {home}: Is a directory."
    (home / "binary").write_bytes(b"\xff\xfe")
    assert refusal(cloud.first_line, "~/binary").startswith(
        "Cannot read ~/binary: 'utf-8' codec can't decode byte 0xff"
    )


def test_the_endpoint_may_come_from_a_file(home, simulator):
    (home / ".one/one_endpoint").write_text(f"{simulator.url}\n", encoding="utf-8")
    with cloud.connect({"api_username": "oneadmin", "api_password": "opennebula"}) as one:
        assert one.call("system.version")


def test_options_of_a_client(home):
    plain = {"timeout": None, "context": None, "https_verify": True}
    assert cloud.client_options({}) == plain
    assert cloud.client_options({"timeout": 5.0, "api_retries": 0, "validate_certs": False, "ca_path": None}) == {
        "retries": 0,
        "timeout": 5.0,
        "context": None,
        "https_verify": False,
    }
    sentence = refusal(cloud.connect, {"api_url": "https://a", **ME, "ca_path": str(home / "none.pem")})
    assert sentence.startswith("Cannot connect to OpenNebula: ")
    assert "none.pem" in sentence


def item(oid, name, owner="me"):
    return SimpleNamespace(ID=oid, NAME=name, UNAME=owner)


class Client:
    """Answers with a pool of images, and knows one that the pool does not show."""

    def __init__(self, *items):
        self.items = items
        self.calls = []

    def call(self, method, *arguments):
        self.calls.append((method, *arguments))
        if method == "imagepool.info":
            return SimpleNamespace(IMAGE=list(self.items))
        found = [one for one in self.items if arguments[0] == one.ID]
        if not found:
            raise OneNoExistsException("[one.image.info] no")
        return found[0]


TWINS = (item(0, "os"), item(1, "twin"), item(2, "twin", "you"), item(3, "7"), item(7, "web"), item(9, " blank "))


def test_objects_are_found_by_id_or_by_a_name_that_is_the_only_one():
    client = Client(*TWINS)
    one = Cloud(client)
    assert one.find("image", "os").ID == 0
    assert one.find("image", " blank ").ID == one.find("image", "blank").ID == 9
    assert one.find("image", "none") is None
    assert one.find("image", oid=5) is None
    assert one.find("image", oid=7).NAME == "web"
    assert one.find("image", "twin", owner="you").ID == 2
    assert one.find("image", "twin", owner="nobody") is None
    sentence = "The name 'twin' fits 2 images, with the ids 1, 2: give the id."
    assert refusal(one.find, "image", "twin") == sentence
    assert refusal(one.find, "image", "  ") == "The name of an image cannot be empty."
    assert client.calls.count(("imagepool.info", -2, -1, -1)) == 1, "a pool is read once"


def test_references_are_names_or_ids():
    one = Cloud(Client(*TWINS))
    assert one.reference("image", "os").ID == one.reference("image", 0).ID == one.reference("image", " 0 ").ID == 0
    assert refusal(one.reference, "image", "7") == "'7' fits several images, with the ids 3, 7."
    assert refusal(one.reference, "image", "twin") == "'twin' fits several images, with the ids 1, 2."
    assert refusal(one.reference, "image", "wep") == "There is no image 'wep'; did you mean 'web'?"
    assert refusal(one.reference, "image", 55) == "There is no image '55'; perhaps this user may not see it."


def test_a_check_run_is_told_once_of_what_is_missing():
    told = []
    one = Cloud(Client(*TWINS), on_missing=told.append)
    assert [one.reference("image", name) for name in ("new", "new", "other")] == [None] * 3
    assert told == [
        f"There is no image '{name}' yet; check mode goes on as if there were." for name in ("new", "other")
    ]
    assert one.tolerant().reference("image", "third") is None
    assert len(told) == 2


def test_kinds_are_called_as_in_the_documentation_and_their_methods_as_in_the_api():
    assert [cloud.label(kind) for kind in ("vnet", "host", "acl", "vm")] == [
        "virtual network",
        "host",
        "ACL rule",
        "VM",
    ]
    assert [cloud.method(kind, "info") for kind in ("vnet", "marketplace")] == ["vn.info", "market.info"]


def test_an_older_server_is_told_before_anything_is_sent(simulator):
    with OneServer(simulator.url, session="oneadmin:opennebula") as one:
        found = Cloud(one)
        found.require("6.8", "x")
        release = one.call("system.version")
        sentence = f"Cannot fly: this needs OpenNebula 99.0 or newer. This server has {release}."
        assert refusal(found.require, "99.0", "fly") == sentence


def test_a_check_run_may_ask_which_server_leads(simulator):
    options = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula"}
    with cloud.connect(options, read_only=True) as one:
        assert one.call("zone.raftstatus") is not None
        with pytest.raises(OneException, match=r"read.only|check"):
            one.call("zone.delete", 0)
