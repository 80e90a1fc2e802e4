# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What the lookup `one` finds, and the registry of kinds that it takes."""

from __future__ import annotations

import importlib

import pytest
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from ansible_collections.privazio.opennebula.plugins.lookup.one import found
from ansible_collections.privazio.opennebula.plugins.module_utils._core.cloud import Cloud
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._kinds.registry import RESOURCES
from ansible_collections.privazio.opennebula.plugins.module_utils.pyone import OneServer
from project import ROOT


@pytest.fixture
def look(simulator):
    """look(kind, option=…) → the objects."""
    one = OneServer(simulator.url, session="oneadmin:opennebula")
    one.template.allocate({"NAME": "web", "CONTEXT": {"PASSWORD": "hush"}})
    one.template.allocate({"NAME": "db"})
    return lambda kind, name=None, **options: found(Cloud(one), kind, dict(options, name=name))


def test_an_object_is_found_by_name(look):
    (found,) = look("template", name="web")
    assert (found["id"], found["name"], found["owner"]) == (0, "web", "oneadmin")


def test_no_secret_is_shown(look):
    (found,) = look("template", name="web")
    assert "hush" not in str(found)


def test_what_fits_nothing_is_empty(look):
    assert look("template", name="~nothing") == []
    assert look("template", ids=[7]) == []


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("templates", {}, r"no kind 'templates' .* Did you mean template\?"),
        ("template", {"name": "webb"}, "did you mean 'web'"),
        ("template", {"name": "~("}, "not a regular expression"),
    ],
)
def test_what_cannot_be_is_told(look, kind, options, said):
    with pytest.raises(Failure, match=said):
        look(kind, **options)


def test_a_truth_is_true_or_false(simulator, monkeypatch):
    plugin = lookup_loader.get("privazio.opennebula.one")
    access = {"api_url": simulator.url, "api_username": "oneadmin", "api_password": "opennebula"}
    assert plugin.run(["zone"], {}, **access, validate_certs="yes")
    with pytest.raises(AnsibleLookupError, match=r"^validate_certs takes true or false, not 'flase'\.$"):
        plugin.run(["zone"], {}, **access, validate_certs="flase")
    monkeypatch.setenv("ONE_VALIDATE_CERTS", "of")
    with pytest.raises(AnsibleLookupError, match=r"^ONE_VALIDATE_CERTS takes true or false, not 'of'\.$"):
        plugin.run(["zone"], {}, **access)


def test_an_option_that_it_does_not_have_is_refused(simulator):
    plugin = lookup_loader.get("privazio.opennebula.one")
    with pytest.raises(AnsibleLookupError, match=r"^The lookup one does not take 'lables'\. Did you mean labels\?$"):
        plugin.run(["zone"], {}, api_url=simulator.url, lables=["a"])


@pytest.mark.parametrize("password", [["hush"], {"a": "hush"}], ids=str)
def test_a_secret_that_is_no_text_is_not_shown(simulator, password):
    plugin = lookup_loader.get("privazio.opennebula.one")
    with pytest.raises(AnsibleLookupError, match=r"^api_password takes a text, not a list or a dictionary\.$"):
        plugin.run(["zone"], {}, api_url=simulator.url, api_password=password)


def test_every_kind_is_in_the_registry():
    package = "ansible_collections.privazio.opennebula.plugins.module_utils._kinds"
    stems = [path.stem for path in (ROOT / "plugins/module_utils/_kinds").glob("*.py")]
    modules = [importlib.import_module(f"{package}.{stem}") for stem in stems]
    kinds = {module.KIND for module in modules if hasattr(module, "KIND")}
    assert {kind: resource.kind for kind, resource in RESOURCES.items()} == {kind: kind for kind in RESOURCES}
    assert kinds | {"vm"} == set(RESOURCES) | {"acl", "document"}
