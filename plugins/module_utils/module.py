# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""The face to Ansible: options in, result out.  Nothing below this file knows AnsibleModule."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from .arguments import CONNECTION
from .cloud import Cloud
from .connection import connect
from .difference import contrast, masked
from .failure import Failure, described
from .pyone import OneException
from .resource import Engine


class OneModule:
    """A module: its options, and the cloud that they name.

    Args:
        options (dict): argument specification beside the connection's.
        rules: the other arguments of AnsibleModule (required_one_of, …).
    """

    def __init__(self, options, **rules):
        self._ansible = AnsibleModule(argument_spec=dict(CONNECTION, **options), supports_check_mode=True, **rules)
        self.params = self._ansible.params
        self.calls = []

    @property
    def applies(self):
        """Whether this run may change the cloud."""
        return not self._ansible.check_mode

    def run(self, work):
        """Ends the task with the Report that work(cloud) returns, or with its failure."""
        try:
            report = work(self._cloud())
        except Failure as failure:
            self._fail(failure)
        except OneException as error:
            self._fail(described(error, "do this"))
        else:
            self._succeed(report)

    def ensure(self, resource, options, **extra):
        """Makes the object that the options `id` and `name` speak of as the named options want it.

        Args:
            resource (Resource)
            options (iterable[str]): names of the options that are attributes of the resource.
            extra: attributes that other options stand for.
        """
        wanted = {option: self.params[option] for option in options}
        wanted.update(extra)
        waits = self.params.get("wait", True)
        name, oid = self.params.get("name"), self.params.get("id")

        def work(cloud):
            engine = Engine(cloud, resource, self.applies, waits)
            if self.params["state"] == "absent":
                return engine.remove(name, oid)
            return engine.converge(name, oid, wanted)

        self.run(work)

    def _cloud(self):
        one = connect(self.params, read_only=not self.applies, on_call=self.calls.append)
        lenient = None if self.applies else self._ansible.warn
        return Cloud(one, self.params.get("wait_timeout") or 0, lenient)

    def _succeed(self, report):
        before, after = contrast(masked(report.before), masked(report.after))
        if report.before != report.after and before == after:
            before, after = masked(report.before), masked(report.after)
        result = dict(masked(report.record or {}), changed=report.changed, diff={"before": before, "after": after})
        self._ansible.exit_json(api_calls=self._api_calls(), **result)

    def _fail(self, failure):
        data = dict.fromkeys(("method", "code", "object", "id"))
        data.update(masked(failure.data))
        self._ansible.fail_json(msg=failure.message, api_calls=self._api_calls(), **data)

    def _api_calls(self):
        return len(self.calls)
