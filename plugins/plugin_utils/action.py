# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The second face of every module: its main() in the process that the controller has for the task anyway.

The task is Ansible's ordinary one, with the module's process replaced.  Where that ships a zip file with the module and
its options, and starts a Python on it, this has the options alone, and calls main().  Options, result and exit have the
form that they have for a process (JSON in, JSON on standard output, SystemExit), so that validation, masking and
warnings are those of AnsibleModule, in this face too.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import ExitStack, contextmanager, suppress

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.executor import module_common
from ansible.module_utils import basic
from ansible.module_utils.common import json as encoding
from ansible.module_utils.common import warnings
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as Ordinary

from ..module_utils._module import OneModule

SWITCH = "one_in_controller"  # the variable that, false, asks for the module's own process
HARMLESS = "ONE_"  # variables of the environment that only the collection reads
PROFILE = "legacy"  # the form of JSON that Ansible exchanges with modules
SHEBANG = "#!" + sys.executable  # nothing is run with it


class OneAction(Ordinary):
    """Runs the module `module` here when that makes no difference, and as any other module when it would."""

    module = None  # what is imported from plugins/modules
    here = False

    def run(self, tmp=None, task_vars=None):
        """The result of the task.

        Raises:
            AnsibleActionFail: the switch is no boolean.
        """
        environment = {}
        self._compute_environment_string(environment)
        self.here = self._fits(environment) and self._wanted(task_vars or {})
        with ExitStack() as stack:
            if self.here:
                stack.enter_context(variables(environment))
            return super().run(tmp, task_vars)

    def _fits(self, environment):
        """Whether a process of the task's own would see and be no more than this one."""
        return (
            self._connection.transport == "local"
            and not (self._connection.become or self._play_context.become)
            and not self._task.async_val
            and not constants.DEFAULT_KEEP_REMOTE_FILES
            and all(name.startswith(HARMLESS) for name in environment)
        )

    def _wanted(self, task_vars):
        given = self._templar.template(task_vars.get(SWITCH, True))
        try:
            return boolean(given)
        except TypeError:
            raise AnsibleActionFail("The variable %s is %r, which is no boolean." % (SWITCH, given)) from None

    def _is_pipelining_enabled(self, *arguments, **options):
        return self.here or super()._is_pipelining_enabled(*arguments, **options)

    def _configure_module(self, module_name, module_args, task_vars):
        if not self.here:
            return super()._configure_module(module_name, module_args, task_vars)
        return built(encoded(module_args), self.module.__file__)

    def _low_level_execute_command(self, *arguments, **options):
        if not self.here:
            return super()._low_level_execute_command(*arguments, **options)
        told = answer(self.module.main, options["in_data"])
        return {"rc": 0, "stdout": told, "stdout_lines": told.splitlines(), "stderr": "", "stderr_lines": []}


class Guest(OneModule.face):
    """AnsibleModule that leaves the process as it is, which belongs to others."""

    def _check_locale(self):
        pass

    def _set_cwd(self):
        pass

    def warn(self, warning, **options):
        """Warns; what is said here does not pass the masking of the result, as a process's warnings do."""
        super().warn(remove_values(warning, self.no_log_values), **options)


def answer(main, options):
    """What the module's main() prints, given its options (bytes of JSON) as a process of its own is."""
    printed = io.StringIO()
    with ExitStack() as stack:
        stack.enter_context(lent(OneModule, face=Guest))
        stack.enter_context(lent(basic, _ANSIBLE_ARGS=options, _ANSIBLE_PROFILE=PROFILE, _PARSED_MODULE_ARGS={}))
        for name in ("_global_warnings", "_global_deprecations"):  # of this run alone; a loop has several
            stack.enter_context(lent(warnings, **{name: type(getattr(warnings, name))()}))
        stack.enter_context(lent(sys, stdout=printed))
        stack.enter_context(suppress(SystemExit))  # which is how modules return
        main()
    return printed.getvalue()


def encoded(module_args):
    """The options as bytes of JSON, as the ansible-core at hand has them for modules."""
    options = {"ANSIBLE_MODULE_ARGS": module_args}
    if hasattr(encoding, "get_module_encoder"):
        encoder = encoding.get_module_encoder(PROFILE, encoding.Direction.CONTROLLER_TO_MODULE)
        return json.dumps(options, cls=encoder).encode()
    return json.dumps(options, cls=encoding.AnsibleJSONEncoder, vault_to_text=True).encode()  # before 2.19


def built(data, path):
    """What _configure_module returns, in the form of the ansible-core at hand."""
    if hasattr(module_common, "_BuiltModule"):
        return module_common._BuiltModule(
            b_module_data=data, module_style="new", shebang=SHEBANG, serialization_profile=PROFILE
        ), path
    return "new", SHEBANG, data, path  # before 2.19


@contextmanager
def lent(owner, **values):
    """Lets attributes of `owner` have these values for a while."""
    before = {name: getattr(owner, name, None) for name in values}
    try:
        for name, value in values.items():
            setattr(owner, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


@contextmanager
def variables(values):
    """Lets the environment have these variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update({name: str(value) for name, value in values.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
