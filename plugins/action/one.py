# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The action plugin of all modules: runs a module in the controller's process where that makes no difference.

meta/runtime.yml names it as the action plugin of each module.  A task is Ansible's ordinary one with the module's
process replaced: where that ships a zip file with the module and its options and starts a Python on it, this calls the
module's main() with the options alone.  Options, result and exit keep the form that they have for a process (JSON in,
JSON on standard output, SystemExit), so validation, masking and warnings are those of AnsibleModule.

To replace the process, the plugin relies on parts of ansible-core that are not public.  CORES lists them; unless all
are there as expected, every module runs in the ordinary way.
"""

from __future__ import annotations

import inspect
import io
import json
import os
import sys
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib import import_module
from pkgutil import resolve_name
from typing import NamedTuple

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as Ordinary
from ansible.plugins.loader import module_loader
from ansible.utils.display import Display

from ..module_utils._module import OneModule
from ..plugin_utils.declaration.options import accept

try:
    from ansible.module_utils.secrets import mask_secrets
except ImportError:  # before ansible-core 2.22, which deprecates what does it here
    from ansible.module_utils.common.parameters import remove_values as without_secrets
else:

    def without_secrets(text, dummy):
        """The text with every secret covered that AnsibleModule has registered."""
        return mask_secrets(text)


COLLECTION = ".".join(__package__.split(".")[1:3])
SWITCH = "one_in_controller"  # the variable that, false, asks for the module's own process
PERIOD = "one_progress"  # the variable with the seconds between two lines on what a task waits for; 0: no lines
USUAL_PERIOD = 10
HARMLESS = "ONE_"  # environment variables with this prefix are read by the collection only
PROFILE = "legacy"  # the form of JSON that Ansible exchanges with modules
SHEBANG = "#!" + sys.executable  # nothing is run with it

ACTION = "ansible.plugins.action:ActionBase."
BASIC = "ansible.module_utils.basic:"
ENCODING = "ansible.module_utils.common.json:"
WARNINGS = "ansible.module_utils.common.warnings:"
BUILT = "ansible.executor.module_common:_BuiltModule"
CONFIGURE = ACTION + "_configure_module"
KEEP_FILES = "ansible.constants:DEFAULT_KEEP_REMOTE_FILES"


class Core(NamedTuple):
    """How one form of ansible-core runs modules."""

    internals: dict  # {path of what is not public: the arguments that it has to take; None for a value}
    encoded: object  # (options) -> the bytes that a module reads
    built: object  # (these bytes, path of the module) -> what _configure_module returns


def encoded_by_class(options):
    """The options as ansible-core 2.18 encodes them."""
    return json.dumps(options, cls=resolve_name(ENCODING + "AnsibleJSONEncoder"), vault_to_text=True).encode()


def encoded_by_profile(options):
    """The options as ansible-core encodes them since 2.19."""
    direction = resolve_name(ENCODING + "Direction.CONTROLLER_TO_MODULE")
    encoder = resolve_name(ENCODING + "get_module_encoder")(PROFILE, direction)
    return json.dumps(options, cls=encoder).encode()


def built_as_tuple(data, path):
    """What _configure_module returns in ansible-core 2.18."""
    return "new", SHEBANG, data, path


def built_as_object(data, path):
    """What _configure_module returns since ansible-core 2.19."""
    built = resolve_name(BUILT)
    return built(b_module_data=data, module_style="new", shebang=SHEBANG, serialization_profile=PROFILE), path


ALWAYS = {
    CONFIGURE: ("self", "module_name", "module_args", "task_vars"),
    ACTION + "_compute_environment_string": ("self", "raw_environment_out"),
    ACTION + "_is_pipelining_enabled": ("self", "module_style", "wrap_async"),
    ACTION + "_low_level_execute_command": ("self", "cmd", "sudoable", "in_data"),
    KEEP_FILES: None,
    BASIC + "_ANSIBLE_ARGS": None,
    BASIC + "AnsibleModule._check_locale": ("self",),
    BASIC + "AnsibleModule._set_cwd": ("self",),
    WARNINGS + "_global_warnings": None,
    WARNINGS + "_global_deprecations": None,
}
SINCE_2_19 = {
    ENCODING + "get_module_encoder": ("name", "direction"),
    ENCODING + "Direction.CONTROLLER_TO_MODULE": None,
    BUILT: ("b_module_data", "module_style", "shebang", "serialization_profile"),
    BASIC + "_ANSIBLE_PROFILE": None,
    BASIC + "_PARSED_MODULE_ARGS": None,
}
BEFORE_2_19 = {ENCODING + "AnsibleJSONEncoder": ("vault_to_text",)}
CORES = {  # by what _configure_module is annotated to return
    inspect.Signature.empty: Core(ALWAYS | BEFORE_2_19, encoded_by_class, built_as_tuple),
    "tuple[_BuiltModule, str]": Core(ALWAYS | SINCE_2_19, encoded_by_profile, built_as_object),
}


def usable(path, arguments):
    """Whether what lies at `path` is there and takes `arguments`; None: whether it is there."""
    try:
        found = resolve_name(path)
        if arguments is not None:
            bind(inspect.signature(found), arguments)
    except (ImportError, AttributeError, TypeError, ValueError):
        return False
    return True


def bind(signature, arguments):
    """Raises TypeError unless what has this signature can be called with these arguments."""
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    positional = [name for name in arguments if kinds.get(name) is inspect.Parameter.POSITIONAL_ONLY]
    signature.bind(*positional, **{name: None for name in arguments if name not in positional})


def core_at_hand():
    """The Core that this ansible-core is; None if it is none that the plugin knows."""
    if not usable(CONFIGURE, ALWAYS[CONFIGURE]):
        return None
    core = CORES.get(inspect.signature(resolve_name(CONFIGURE)).return_annotation)
    return core if core and all(usable(*internal) for internal in core.internals.items()) else None


class ActionModule(Ordinary):
    """Runs a module of the collection in the controller's process, or as any other module."""

    _progress = None  # OneModule.progress of this task
    _core = None  # a Core: this task runs in the controller
    _environment = None  # {name: value} of the task

    def run(self, tmp=None, task_vars=None):
        """The result of the task.

        Raises:
            AnsibleActionFail: the switch is no boolean; an option is nested too deeply.
        """
        accept(self._task.args)
        self._core = core_at_hand()
        if self._core:
            self._environment = {}
            self._compute_environment_string(self._environment)
            if not (self._fits() and self._wanted(task_vars or {})):
                self._core = None
            self._progress = followed(self, task_vars or {})
        return super().run(tmp, task_vars)

    def _fits(self):
        """Whether a process of the task's own would see and be no more than this one."""
        return (
            getattr(self._connection, "transport", None) == "local"
            and not getattr(self._connection, "become", True)
            and not self._task.async_val
            and not resolve_name(KEEP_FILES)
            and all(name.startswith(HARMLESS) for name in self._environment)
        )

    def _wanted(self, task_vars):
        given = self._templar.template(task_vars.get(SWITCH, True))
        try:
            return boolean(given)
        except TypeError:
            raise AnsibleActionFail("The variable %s is %r, which is no boolean." % (SWITCH, given)) from None

    def _is_pipelining_enabled(self, *arguments, **options):
        return bool(self._core) or super()._is_pipelining_enabled(*arguments, **options)

    def _configure_module(self, module_name, module_args, task_vars, **more):
        found = self._core and module_of(module_name, self._task.collections)
        if not found:
            self._core = None
            return super()._configure_module(module_name, module_args, task_vars, **more)
        self._main = found.main
        return self._core.built(self._core.encoded({"ANSIBLE_MODULE_ARGS": module_args}), found.__file__)

    def _low_level_execute_command(self, cmd, *arguments, in_data=None, **options):
        if not self._core:
            return super()._low_level_execute_command(cmd, *arguments, in_data=in_data, **options)
        with variables(self._environment):
            told = answer(self._main, in_data, self._progress)
        return {"rc": 0, "stdout": told, "stdout_lines": told.splitlines(), "stderr": "", "stderr_lines": []}


def followed(action, task_vars):
    """How a task tells what it does: (a function that shows a line, seconds between two); None: it does not.

    Args:
        action (ActionBase)
        task_vars (dict)

    Raises:
        AnsibleActionFail: the variable one_progress is no number.
    """
    given = action._templar.template(task_vars.get(PERIOD, USUAL_PERIOD))
    try:
        period = float(given)
    except (TypeError, ValueError):
        raise AnsibleActionFail("The variable %s is %r, which is no number." % (PERIOD, given)) from None
    if period <= 0 or action._task.no_log:
        return None
    host = task_vars.get("inventory_hostname", "localhost")
    return partial(show, host), period


def module_of(name, collections):
    """The Python module of the Ansible module that a task calls by this name; None if it is not of this collection."""
    found = module_loader.find_plugin_with_context(name, collection_list=collections)
    collection, dummy, leaf = (found.resolved_fqcn or "").rpartition(".")
    return import_module("..modules." + leaf, __package__) if collection == COLLECTION else None


class Guest(OneModule.face):
    """AnsibleModule that leaves the process as it is, which belongs to others."""

    def _check_locale(self):
        pass

    def _set_cwd(self):
        pass

    def warn(self, warning, **options):
        """Warns; what is said here does not pass the masking of the result, as a process's warnings do."""
        super().warn(without_secrets(warning, self.no_log_values), **options)


def show(host, line, what="WAITING"):
    """Shows what a task waits for, or does; on standard error, for standard output may be data (the callback json)."""
    Display().display("%s: [%s]: %s" % (what, host, line), stderr=True)


def answer(main, options, progress=None):
    """What the module's main() prints, given its options (bytes of JSON) as a process of its own is.

    `progress` is OneModule.progress meanwhile.
    """
    basic, warnings = resolve_name(BASIC), resolve_name(WARNINGS)
    printed = io.StringIO()
    with ExitStack() as stack:
        stack.enter_context(lent(OneModule, face=Guest, progress=progress))
        stack.enter_context(lent(basic, _ANSIBLE_ARGS=options, _ANSIBLE_PROFILE=PROFILE, _PARSED_MODULE_ARGS={}))
        for name in ("_global_warnings", "_global_deprecations"):  # of this run alone; a loop has several
            stack.enter_context(lent(warnings, **{name: type(getattr(warnings, name))()}))
        stack.enter_context(lent(sys, stdout=printed))
        stack.enter_context(suppress(SystemExit))  # which is how modules return
        main()
    return printed.getvalue()


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
