# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The face to Ansible: options in, result out.  Nothing below this file knows AnsibleModule."""

from __future__ import annotations

import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ._core.argument_specs import SHARED, as_said, require_least
from ._core.cloud import Cloud, connect, secrets_of
from ._core.failure import Failure, described, did_you_mean, fault, name_option
from ._core.values import contrast
from ._core.waiting import Clock, Progress
from ._engine.engine import Engine
from ._engine.resource import modes_of, wanted_of
from .pyone import OneException

# What ansible-core says of an option, or of a value, that it does not know.
REFUSALS = (
    re.compile(
        r"Unsupported parameters for \(\S+\) module: (?P<given>[\w.-]+).*?\. "
        r"Supported parameters include: (?P<known>.+)"
    ),
    re.compile(
        r"value of \S+ must be one (?:or more )?of: (?P<known>.+?)[,.] [gG]ot(?: no match for)?: (?P<given>\w+)"
    ),
)


class Face(AnsibleModule):
    """AnsibleModule, but words count in any case, null is not given, and secrets are covered also in refusals.

    ansible-core (2.18 to 2.21) gives up looking for secrets where a list of dictionaries holds something else.
    """

    def _load_params(self):
        super()._load_params()
        self.params: dict = as_said(self.params, self.argument_spec)

    def fail_json(self, msg, **data):
        secret = [name for name, option in self.argument_spec.items() if option.get("no_log")]
        self.no_log_values.update(str(self.params[name]) for name in secret if self.params.get(name))
        hint = _meant(msg) or self._unknown(msg)
        text = msg.rstrip(".") + "." + hint if hint else msg
        secrets = secrets_of(self.params, _own(self.params))
        super().fail_json(secrets.message(text), **dict(_invocation(self.params, secrets), **data))

    def _unknown(self, message):
        """The options that do not exist, where ansible-core refuses the task for one that is missing."""
        found = getattr(getattr(self, "validation_result", None), "unsupported_parameters", ())
        paths = [one if isinstance(one, tuple) else (one,) for one in found]
        named = {tuple(name.split(".")) for name in re.findall(r"[\w.]+", message)}
        return "".join(self._hint(path) for path in sorted(set(paths) - named))

    def _hint(self, path):
        """What the last of nested options may have meant."""
        spec = self.argument_spec
        for name in path[:-1]:
            spec = spec.get(name, {}).get("options", {})
        return " There is no option %s.%s" % (".".join(path), did_you_mean(path[-1], spec))


class Work:
    """What the options of a module ask for, whoever carries it out.

    Attributes:
        params (dict): the options.
        applies (bool): whether the cloud may be changed.
    """

    params: Any
    applies: bool

    def converge(self, cloud, resource):
        """The Report of one object that the option `state` wants present or absent."""
        wanted, engine = wanted_of(resource, self.params), self.engine(cloud, resource)
        name, oid = wanted.pop("name", None), self.params["id"]
        if self.params["state"] == "absent":
            return engine.remove(name, oid, wanted)
        return engine.converge(name, oid, wanted)

    def engine(self, cloud, resource):
        """The Engine that makes what is wanted true, as far as check mode and the option wait allow."""
        return Engine(cloud, resource, modes_of(self.params), self.applies, self.params.get("wait", True))


class OneModule(Work):
    """A module: its options, and the cloud that they name.

    Args:
        options (dict): argument specification beside the connection's.
        writes (bool): False: the module never changes the cloud.
        client (callable): connect(), or what makes another client from its arguments.
        rules: the other arguments of AnsibleModule (required_one_of, …).
    """

    face = Face  # how options come in and the result goes out
    progress = None  # (show, period) of a Progress; None: nobody can follow the task

    def __init__(self, options, writes=True, client=connect, **rules):
        self._ansible = self.face(argument_spec={**SHARED, **options}, supports_check_mode=True, **rules)
        self.params = self._ansible.params
        self.applies = writes and not self._ansible.check_mode  # whether this run may change the cloud
        self.calls = []
        self._writes = []
        self.secrets = secrets_of(self.params, _own(self.params))
        self._connect = client

    def run(self, work):
        """Ends the task with the Report that work(cloud) returns, or with its failure."""
        try:
            require_least(self.params)
            with self._client() as one:
                report = work(self._cloud(one))
        except Failure as failure:
            self._fail(failure)
        except OneException as error:
            self._fail(described(error, "do this"))
        except Exception as error:  # pylint: disable=broad-exception-caught
            self._fail(fault(error))
        else:
            self._succeed(report)

    def ensure(self, resource):
        """Makes the object that the options `id` and `name` name as the options want it, and ends the task.

        Args:
            resource (Resource)
        """
        self.run(lambda cloud: self.converge(cloud, resource))

    def _client(self):
        return self._connect(self.params, read_only=not self.applies, on_call=self.calls.append, warn=self._warn)

    def _cloud(self, one):
        on_missing, clock = self._warn if self._ansible.check_mode else None, Clock()
        timeout = self.params.get("wait_timeout") or 0
        protected = self.params["protected_label"]
        cloud = Cloud(one, timeout, on_missing, clock, self._follow(clock), self.secrets, protected)
        self._writes = cloud.writes
        return cloud

    def _warn(self, text):
        self._ansible.warn(self.secrets.message(text))

    def _follow(self, clock):
        """The Progress of the task; None where nobody can follow it."""
        if self.progress is None:
            return None
        show, period = self.progress  # pylint: disable=unpacking-non-sequence
        return Progress(lambda line: show(self.secrets.line(line)), period, clock)

    def _succeed(self, report):
        result = dict(self.secrets.shown(report.record or {}), changed=report.changed, **self._cost())
        if report.before is not None:
            result["diff"] = _diff(report, self.secrets)
        self._ansible.exit_json(**result, **_invocation(self.params, self.secrets))

    def _fail(self, failure):
        data = dict.fromkeys(("method", "code", "object", "id"))
        data.update(self.secrets.cover(failure.data), changed=bool(self._writes))
        name_option(failure, self.params)
        message = self.secrets.message(failure.message)
        self._ansible.fail_json(msg=message, **data, **self._cost(), **_invocation(self.params, self.secrets))

    def _cost(self):
        """The count of API calls; with -vvv also the calls."""
        calls = {"calls": self.calls} if self._ansible._verbosity >= 3 else {}
        return dict(calls, api_calls=len(self.calls))


def _meant(message):
    """What ansible-core's refusal of an option or of a value may have meant; empty for other messages."""
    for pattern in REFUSALS:
        found = pattern.match(message)
        if found:
            return did_you_mean(found.group("given").rpartition(".")[2], re.findall(r"[\w-]+", found.group("known")))
    return ""


def _own(params):
    """The options of a module beside the connection's, whose secrets Ansible covers."""
    return {name: value for name, value in params.items() if name not in SHARED}


def _invocation(params, secrets):
    """What was asked for, as every module returns it, but secrets inside of dictionaries and texts are covered too."""
    return {"invocation": {"module_args": dict(params, **secrets.cover(_own(params)))}}


def _diff(report, secrets):
    whole = secrets.difference(report.before), secrets.difference(report.after)
    before, after = contrast(*whole)
    if report.before != report.after and before == after:  # only a secret differs
        before, after = whole
    return {"before": before, "after": after}
