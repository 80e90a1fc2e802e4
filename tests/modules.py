# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Modules run in this process against a simulated cloud, with their writes counted."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import pytest
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible_collections.privazio.opennebula.plugins.module_utils import _module
from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import as_said
from ansible_collections.privazio.opennebula.plugins.module_utils._core.waiting import Clock

PLUGINS = "ansible_collections.privazio.opennebula.plugins"
READS = (".info", ".infoset", ".infoextended", ".config", ".version", ".list", ".monitoring", ".showback")
SESSION = "oneadmin:opennebula"


class Finished(Exception):
    """Ends a module in place of SystemExit; its argument is the result."""


class Face:
    """What a module needs of AnsibleModule: options are validated as it validates them."""

    given: ClassVar[dict[str, Any]] = {}
    check_mode = False
    _verbosity = 3  # the result lists the calls

    def __init__(self, argument_spec: dict[str, Any], supports_check_mode: bool, **rules: Any) -> None:
        found = ModuleArgumentSpecValidator(argument_spec, **rules).validate(as_said(self.given, argument_spec))
        if found.error_messages:
            raise Finished({"failed": True, "msg": found.error_messages[0], "calls": []})
        self.params = found.validated_parameters
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def exit_json(self, **result: Any) -> None:
        raise Finished(dict(result, warnings=self.warnings))

    def fail_json(self, **result: Any) -> None:
        raise Finished(dict(result, failed=True, warnings=self.warnings))


class Quick(Clock):
    """Waits a hundred times less."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 100)


class Result(NamedTuple):
    """What a module returned."""

    failed: bool
    changed: bool
    message: str
    writes: list[str]  # methods that it called and that are no reads
    data: dict[str, Any]


@dataclass
class Lab:
    """A simulated cloud, and the collection's modules as functions."""

    url: str
    one: Any
    numbers: Iterator[int]
    session: str = SESSION  # of whom modules run as
    flow_url: str = ""
    cloud: Any = None  # the objects of the simulator

    def name(self) -> str:
        """A name that no object has."""
        return f"x{next(self.numbers)}"

    def run(self, module: str, check: bool = False, **options: Any) -> Result:
        """The result of a module."""
        user, dummy, password = self.session.partition(":")
        given = dict(options, api_url=self.url, api_username=user, api_password=password)
        given |= {"flow_url": self.flow_url} if module.startswith("one_service") else {}
        face = type("Face", (Face,), {"given": given, "check_mode": check})
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Finished) as caught:
            patch.setattr(_module.OneModule, "face", face)
            patch.setattr(_module, "Clock", Quick)
            importlib.import_module(f"{PLUGINS}.modules.{module}").main()
        data = caught.value.args[0]
        writes = [call for call in data["calls"] if not call.endswith(READS) and not call.startswith("GET ")]
        return Result(data.get("failed", False), data.get("changed", False), data.get("msg", ""), writes, data)

    def twice(self, module: str, **options: Any) -> tuple[Result, Result, Result | None]:
        """The results of a check run, a run, and a second run where the first does not fail."""
        planned, first = self.run(module, check=True, **options), self.run(module, **options)
        return planned, first, None if first.failed else self.run(module, **options)


def assert_refused(lab: Lab, module: str, *said: str, **options: Any) -> None:
    """A check run and a run fail alike, and write nothing."""
    planned, done = (lab.run(module, check=check, **options) for check in (True, False))
    assert planned.failed and done.failed
    assert planned.message == done.message
    assert not done.writes
    assert all(word in done.message for word in said), done.message
