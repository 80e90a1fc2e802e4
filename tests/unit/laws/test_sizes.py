# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Sizes have units and decimals; what is no size is refused before a write, by a sentence that names the option."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

BLANKS = st.sampled_from(["", " "])
SIZES = st.builds("{}{}{}".format, st.integers(1, 2048), BLANKS, st.sampled_from(["", "M", "MB", "mib"])) | st.builds(
    "{}{}{}".format, st.sampled_from([0.25, 1, 1.5, 2.2]), BLANKS, st.sampled_from(["G", "gb", "GiB"])
)
NO_SIZES = st.sampled_from(["-10", "0", "large", "", "1 XB", "1,5 GB", "-1 GB", "nan", "inf", "4 G B", "0.1 MB"])
few = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])


def image(size: str) -> dict[str, Any]:
    return {"datastore": "default", "type": "datablock", "size": size}


def quotas(size: str) -> dict[str, Any]:
    return {"quotas": {"vm": {"memory": size}, "datastore": {"default": {"size": size}}}}


def disk(size: str) -> dict[str, Any]:
    """A disk that is grown, as a VM's cannot shrink."""
    return {"template": "tpl", "state": "held", "disk_size": [size]}


def memory(size: str) -> dict[str, Any]:
    return {"cpu": 0.1, "memory": size, "state": "held"}


def template(size: str) -> dict[str, Any]:
    disk = {"TYPE": "fs", "SIZE": size}
    return {"template": {"CPU": 0.1, "MEMORY": size, "MEMORY_MAX": size, "DISK": [{"IMAGE": "os", "SIZE": size}, disk]}}


def extra(size: str) -> dict[str, Any]:
    return {"template": "tpl", "state": "held", "extra_template": {"MEMORY": size}}


def contents(size: str) -> dict[str, Any]:
    return {"roles": [{"name": "web", "template": "tpl", "template_contents": {"MEMORY": size}}]}


# option → (module, options for a size)
PLACES = {
    "size": ("one_image", image),
    "quotas": ("one_group", quotas),
    "memory": ("one_vm", memory),
    "template": ("one_template", template),
    "extra_template": ("one_vm", extra),
    "template_contents": ("one_service_template", contents),
}


@pytest.mark.parametrize("option", PLACES)
@few
@example("3.2 GB")
@example("2G")
@given(SIZES)
def test_a_size_is_the_same_on_the_second_run(lab, option, size):
    module, options = PLACES[option]
    planned, first, second = lab.twice(module, name=lab.name(), **options(size))
    assert (planned.message, first.message, second.message) == ("", "", "")
    assert (planned.changed, first.changed, second.changed) == (True, True, False)


@pytest.mark.parametrize("option", [*PLACES, "disk_size"])
@few
@example("-10")
@example("")
@given(NO_SIZES)
def test_what_is_no_size_is_refused(lab, option, size):
    module, options = {**PLACES, "disk_size": ("one_vm", disk)}[option]
    if (option, size) == ("quotas", "0") or (not size and "template" in option):  # a limit of 0 is one; "" gives none
        return
    planned, first, dummy = lab.twice(module, name=lab.name(), **options(size))
    assert planned.message == first.message
    assert option.removesuffix("s") in first.message
    assert not first.writes


@pytest.mark.parametrize(
    ("module", "options", "named"),
    [
        ("one_vm", {"template": "tpl", "wait_timeout": -1}, "wait_timeout"),
        ("one_vm", {"template": "tpl", "parallel": 0}, "parallel"),
        ("one_vnet", {"reserved_from": "net", "size": -5}, "size"),
        ("one_hook", {"type": "api", "call": "one.vm.allocate", "command": "a", "timeout_seconds": -5}, "TIMEOUT"),
        ("one_vm", {"template": "tpl", "disks": [{"DISK_ID": "x", "SIZE": "1 GB"}]}, "DISK_ID"),
    ],
)
def test_a_number_that_cannot_be_is_refused(lab, module, options, named):
    planned, first, dummy = lab.twice(module, name=lab.name(), **options)
    assert planned.message == first.message
    assert named in first.message
    assert not first.writes


def test_a_check_run_of_a_play_that_makes_a_template_and_a_vm(lab):
    planned = lab.run("one_vm", check=True, name=lab.name(), template="soon", disk_size=["20 GB"])
    assert (planned.message, planned.changed) == ("", True)
