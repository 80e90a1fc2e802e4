# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The action plugin of one_export: a live cloud becomes a document, in the controller."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._core.cloud import secrets_of
from ..module_utils._core.failure import Failure, fault, one_line
from ..module_utils._core.flow import Clients
from ..modules import one_export
from ..plugin_utils.declaration import document, export, objects, planner
from ..plugin_utils.declaration.options import cost, uncollected, validated
from ..plugin_utils.declaration.shared_cloud import SharedCloud
from .one_cloud import Modules

EXPRESSIONS = ("{{", "{%", "{#")  # what Jinja evaluates begins with one of these
BREAKS = frozenset("\r\x85\u2028\u2029\ufeff")  # which parsers take for other breaks, unless they are escaped
WHERE = ("owner", "group", "label", "name")


class ActionModule(ActionBase):
    """Writes a cloud as a document."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        """The result of the task."""
        super().run(tmp, task_vars)
        calls: list[str] = []
        params = validated(one_export, self._task.args)
        secrets = secrets_of(params)
        try:
            warn = Display().warning
            with uncollected(), Clients(params, read_only=True, on_call=calls.append, warn=warn) as one:
                declaration, left = exported(SharedCloud(one, secrets=secrets), params)
            result = {"declaration": declaration, "left_out": [dict(one._asdict()) for one in left], "changed": False}
            result.update(self._write(params["dest"], declaration, left))
        except Exception as error:  # pylint: disable=broad-exception-caught
            failure = error if isinstance(error, Failure) else fault(error)
            result = secrets.cover({"failed": True, **failure.data})
            result["msg"] = secrets.message(failure.message)
        return dict(result, **cost(calls))

    def _write(self, dest, declaration, left):
        """Writes the document; what is there already, byte for byte, is not written again."""
        if dest is None:
            return {}
        texts = {path: text(part, remarks(part, declaration, left)) for path, part in parts(dest, declaration).items()}
        differing = [
            path for path, content in texts.items() if not path.is_file() or path.read_text("utf-8") != content
        ]
        for path in [] if self._task.check_mode else differing:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], encoding="utf-8")
        return {"files": [str(path) for path in texts], "changed": bool(differing)}


def exported(cloud, params):
    """(document, what it does not tell) of a cloud; declared on it, the document changes nothing."""
    where = {word: params[word] for word in WHERE}
    declaration, left = export.export(cloud, params["kinds"], where, params["document_types"] or ())
    plan, entries, faults = _planned(cloud, declaration)
    while faults:
        reasons = cloud.secrets.cover([fault.message for fault in faults])
        left += [export.Left("document", fault.place, "object", why) for fault, why in zip(faults, reasons)]
        declaration, count = export.without(declaration, faults), len(entries)
        plan, entries, faults = _planned(cloud, declaration)
        if len(entries) == count:
            break
    left += export.steady(plan, entries) if plan is not None else []
    return declaration, left


def _planned(cloud, declaration):
    """(Plan of a document, its Entries, [Fault])."""
    entries, twice = document.distinct(document.merged([("", declaration, {})])[0])
    declared, faults = objects.declared(entries, Modules())
    plan, wrong = planner.plan(cloud, declared)
    return plan, [one.entry for one in declared], twice + faults + wrong


def parts(dest, declaration):
    """{file: the part of a document that it has}."""
    path = Path(dest).expanduser()
    if not dest.endswith("/") and not path.is_dir():
        return {path: declaration}
    return {path / (key + ".yml"): {key: objects_} for key, objects_ in declaration.items()}


def remarks(part, declaration, left):
    """What is left out of the kinds of a part, or of kinds that no part has."""
    here, anywhere = export.kinds(part), export.kinds(declaration)
    return [one for one in left if one.kind in here or one.kind not in anywhere]


class _Indented(yaml.SafeDumper):
    """YAML with the items of lists below their key, as people write it."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


def _text(dumper, value):
    """A text in YAML; what Ansible would take for an expression is marked as none."""
    expression = any(sign in value for sign in EXPRESSIONS)
    style = '"' if BREAKS.intersection(value) else "'" if expression else None
    return dumper.represent_scalar("!unsafe" if expression else "tag:yaml.org,2002:str", value, style)


_Indented.add_representer(str, _text)


def text(part, left):
    """The text of a file: the part of a document, and above it what that does not tell."""
    lines = ["# %s %s: %s is left out, %s." % (one.kind, one.name, one.what, one.because) for one in left]
    head = "".join(one_line(line) + "\n" for line in lines)
    return "---\n" + head + yaml.dump(part, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=120)
