# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What every module owes its users, seen through ansible-core: pytest-ansible runs it as a task on localhost."""

from __future__ import annotations

import gc
import importlib
import json
import warnings

import pytest
import yaml
from opennebula_simulator.cloud import Options
from opennebula_simulator.server import Simulator
from project import ROOT

NAMES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("one_*.py"))
READING = [name for name in NAMES if name.endswith("_info")]
WRITING = [name for name in NAMES if not name.endswith("_info")]
REQUIRED = {"one_info": {"kinds": ["host", "vm"]}, "one_document_info": {"type": 200}}
PASSWORD = "s3cret-w0rd"
SAMPLES = {"str": "sample", "list": ["sample"], "dict": {"A": "b"}, "int": 1, "float": 1.0, "bool": True}

pytestmark = [
    pytest.mark.filterwarnings("ignore:Host management is deprecated"),  # pytest-ansible, of all its fixtures
    pytest.mark.filterwarnings("ignore:AnsibleCollectionFinder has already been configured"),  # by pytest-ansible
]


@pytest.fixture(scope="module")
def cloud():
    """A simulated OpenNebula with some objects, whose administrator has PASSWORD."""
    found = Simulator(Options(delay=0, password=PASSWORD, seed={"hosts": 2, "images": 2, "vms": 2})).start()
    yield found
    found.stop()


@pytest.fixture
def run(cloud, localhost):
    """run(name, **options) → the result of the module."""

    def task(name, **options):
        access = {"api_url": cloud.url, "api_username": "oneadmin", "api_password": PASSWORD}
        if name.startswith("one_service"):
            access["flow_url"] = cloud.flow_url
        module = getattr(localhost, f"privazio.opennebula.{name}")
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            result = module(**{**access, **options}).contacted["localhost"]
            gc.collect()  # ansible-core leaves a file open for each play; that is told here and not in another test
        return result

    return task


def documented(name):
    """What the module says of the keys that it returns."""
    module = importlib.import_module(f"ansible_collections.privazio.opennebula.plugins.modules.{name}")
    return yaml.safe_load(module.RETURN), yaml.safe_load(module.DOCUMENTATION).get("options", {})


@pytest.mark.parametrize("name", READING)
def test_reading_returns_what_is_documented_and_changes_nothing(run, name):
    told, _options = documented(name)
    found = run(name, **REQUIRED.get(name, {}))
    assert found.get("changed") is False, found
    returned = {key for key in found if not key.startswith(("_", "ansible_")) and key not in ("changed", "invocation")}
    expected = {key for key, entry in told.items() if entry["returned"] in ("always", "success")}
    assert expected <= returned <= set(told)
    assert PASSWORD not in json.dumps(found, default=str)


@pytest.mark.parametrize("name", WRITING)
def test_a_cloud_that_cannot_be_reached_is_one_sentence(run, name):
    _told, options = documented(name)
    needed = {
        option: entry["choices"][0] if "choices" in entry else SAMPLES[entry["type"]]
        for option, entry in options.items()
        if entry.get("required")
    }
    found = run(name, api_url="http://127.0.0.1:1/RPC2", api_retries=0, **needed)
    assert found["failed"]
    assert not found.get("changed")
    assert "Traceback" not in json.dumps(found, default=str)
    assert found["msg"].strip().count("\n") == 0
    assert PASSWORD not in json.dumps(found, default=str)


def test_a_refusal_of_options_shows_no_secret_either(run):
    told = {"CONTEXT": {"PASSWORD": PASSWORD}}
    for name, options in {
        "one_vm_schedule": {"schedules": ["sample"]},
        "one_vm": {"nics": ["a"], "template": told},
    }.items():
        found = run(name, **options)
        assert found["failed"]
        assert PASSWORD not in json.dumps(found, default=str)
