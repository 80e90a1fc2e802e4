# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The action plugin of one_cloud: a document is validated, planned and made true, in the controller."""

from __future__ import annotations

import json
from functools import partial
from importlib import import_module
from inspect import signature
from pathlib import Path

import yaml
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._core import guard
from ..module_utils._core import waiting as waits
from ..module_utils._core.cloud import label, secrets_of
from ..module_utils._core.failure import Failure, fault, listed, printable
from ..module_utils._core.flow import Clients
from ..module_utils._core.waiting import Clock
from ..modules import one_cloud
from ..plugin_utils.declaration import apply, document, objects, planner, prune, report_html
from ..plugin_utils.declaration.options import accept, cost, plain, uncollected, validated
from ..plugin_utils.declaration.shared_cloud import SharedCloud
from .one import followed

# Expressions in the files of a document are those of whoever wrote the playbook; ansible-core asks since 2.19.
TRUSTED = (
    {"trusted_as_template": True} if "trusted_as_template" in signature(DataLoader.load_from_file).parameters else {}
)


class ActionModule(ActionBase):
    """Makes a cloud as a document declares it."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        """The result of the task."""
        super().run(tmp, task_vars)
        calls: list[str] = []
        params = validated(one_cloud, self._task.args)
        secrets = secrets_of(params)
        try:
            with uncollected():
                result = self._made(params, calls, secrets, self._followed(task_vars or {}, secrets))
        except AnsibleError:
            raise
        except Exception as error:  # pylint: disable=broad-exception-caught
            failure = error if isinstance(error, Failure) else fault(error)
            result = {"failed": True, "msg": failure.message, **failure.data}
        cover = secrets.cover if result.get("failed") else secrets.shown
        return dict(shown(cover(result)), **cost(calls))

    def _followed(self, task_vars, secrets):
        """As of one.followed(), without secrets, where the task runs on the machine of whoever follows it."""
        found = followed(self, task_vars) if getattr(self._connection, "transport", None) == "local" else None
        if found is None:
            return None, 0
        show, period = found
        return lambda line, **what: show(secrets.line(line), **what), period

    def _made(self, params, calls, secrets, following):
        show, period = following
        declared, names, faults = self._declared(params, secrets)
        with Clients(params, read_only=self._task.check_mode, on_call=calls.append, warn=Display().warning) as one:
            clock, protected = Clock(), params["protected_label"]
            waiting = waits.Progress(show, period, clock) if show is not None else None
            cloud = SharedCloud(one, params["wait_timeout"], names, clock, secrets, protected, waiting)
            declared += pruned(cloud, declared, params)
            plan, wrong = planner.plan(cloud, declared)
            if faults or wrong:
                return _invalid(faults + wrong)
            refuse_too_many(plan, params["max_remove"])
            result = {"plan": [one.told() for one in plan.objects], "summary": plan.summary(), "changed": changes(plan)}
            result["diff"] = difference(plan)
            result.update({"warnings": [str(doubt) for doubt in plan.doubts]} if plan.doubts else {})
            if params["report"] is not None:
                Path(params["report"]).expanduser().write_text(report_html.page(plan), encoding="utf-8")
            self._keep_plan(params, result)
            if self._task.check_mode or not result["changed"]:
                return result
            progress = self._progress(plan, cloud, show)
            return dict(result, **told(plan, apply.apply(cloud, plan, params["parallel"], progress)))

    def _progress(self, plan, cloud, show):
        """Who is told of each object that is done: nobody, where nobody follows the task."""
        if show is None:
            return lambda one, failure: None
        line = partial(show, what="DONE")
        return Progress(sum(one.action != "none" for one in plan.objects), line, cloud.clock)

    def _keep_plan(self, params, result):
        """Writes the plan where the task asks for it, or compares it with the one that was written.

        Raises:
            Failure: the plan is not the same any more.
        """
        if params["plan_file"] is None:
            return
        path, text = Path(params["plan_file"]).expanduser(), plan_text(result)
        if self._task.check_mode:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file():
            raise Failure("There is no plan at plan_file: %s. Write it by a check run." % path)
        elif path.read_text(encoding="utf-8") != text:
            message = (
                "The cloud or the document has changed since the plan %s was written: %s. Review it, and plan anew."
            )
            raise Failure(message % (path, ", ".join(moved(_planned(path), result["plan"])) or "its form"))

    # -------------------------------------------------------- the document

    def _declared(self, params, secrets):
        """(objects, their names as of SharedCloud, faults) of the document."""
        parts = [("", params["declaration"] or {}, {})] + self._files(params["src"])
        entries, faults = document.merged(parts)
        secrets.add([entry.options for entry in entries])
        entries, wrong = document.distinct(entries)
        if params["state"] == "absent":
            entries = [entry._replace(options=dict(entry.options, state="absent")) for entry in entries]
        found, invalid = objects.declared(entries, Modules())
        return found, prune.names_of(entries), faults + wrong + invalid

    def _files(self, path):
        """(file, content, lines) of each file of the document; expressions in them are those of the task."""
        if path is None:
            return []
        try:
            return [self._file(file) for file in document.sources(self._found(path))]
        except FileNotFoundError:
            raise AnsibleActionFail("There is no YAML file at src: %s." % path) from None

    def _found(self, path):
        """The path of a source; what is not beside role or playbook may be in the current directory."""
        try:
            return self._find_needle("files", path)
        except AnsibleError:
            return str(Path(path).absolute())

    def _file(self, path):
        try:
            numbers = document.lines_of(path)
            loaded = self._loader.load_from_file(str(path), cache="none", unsafe=True, **TRUSTED)  # nobody else has it
            content = self._templar.template(loaded)
            accept({"src": content})  # expressions may bring what the text does not have
            return _from_here(path), plain(content) or {}, numbers
        except (AnsibleError, yaml.YAMLError, ValueError) as error:
            raise AnsibleActionFail("Cannot read %s: %s" % (_from_here(path), error)) from None


def _from_here(path):
    """A path as a text, from the current directory where it is below that."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def pruned(cloud, declared, params):
    """The Declared objects for the removal of what is not declared.

    Raises:
        Failure: the options do not bound what is removed, or not which objects that may be.
    """
    if not params["prune"]:
        return []
    prune.refuse_unbounded(params["prune"], params["prune_where"])
    entries = prune.entries(cloud, [one.entry for one in declared], params["prune"], params["prune_where"])
    return objects.declared(entries, Modules())[0]


def refuse_too_many(plan, limit):
    """Raises Failure when a plan removes more objects than may be removed."""
    removed = [one.told() for one in plan.objects if one.action == "remove"]
    guard.refuse_many("objects", ["%s %s" % (one["kind"], one["name"]) for one in removed], limit)


def shown(result):
    """A result whose message can be shown, whatever it repeats."""
    return dict(result, msg=printable(result["msg"])) if "msg" in result else result


def plan_text(result):
    """A plan as the text of a file."""
    return (
        json.dumps({"plan": result["plan"], "summary": result["summary"]}, indent=1, sort_keys=True, default=str) + "\n"
    )


def _planned(path):
    """The list `plan` of a file.

    Raises:
        Failure: it has none.
    """
    try:
        return json.loads(path.read_text("utf-8"))["plan"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Failure("The file of plan_file is no plan: %s. Write it by a check run." % path) from None


def moved(before, after):
    """The objects, by kind and name, whose plans differ."""
    plans = [
        {(one["kind"], one["name"]): one for one in json.loads(json.dumps(plan, default=str))}
        for plan in (before, after)
    ]
    names = sorted(set(plans[0]) | set(plans[1]))
    return ["%s %s" % name for name in names if plans[0].get(name) != plans[1].get(name)]


class Modules(dict):
    """{key of a document: the Python module of the Ansible module that takes its objects}, imported when needed."""

    def __missing__(self, key):
        self[key] = import_module("..modules." + document.KEYS[key], __package__)
        return self[key]


def _invalid(faults):
    told = [{"place": fault.place, "message": fault.message} for fault in faults]
    message = "The declaration has %d fault%s. %s" % (len(faults), "s"[: len(faults) != 1], listed(faults, " "))
    return {"failed": True, "msg": message, "faults": told, "changed": False}


# ---------------------------------------------------------------- what is told


def changes(plan):
    """Whether a plan changes anything."""
    return any(one.action != "none" for one in plan.objects)


def difference(plan):
    """The diff of a plan: what differs, by kind and name."""
    before: dict[str, dict] = {}
    after: dict[str, dict] = {}
    for one in plan.objects:
        if one.action != "none":
            told = one.told()
            name = "%s %s" % (told["kind"], told["name"])
            before[name], after[name] = told["before"], told["after"]
    return {"before": before, "after": after}


def told(plan, outcome):
    """The fields of the result for what was done."""
    objects = {one.number: one for one in plan.objects}
    places = {number: one.declared.entry.place() for number, one in objects.items()}
    ids = {number: (report.record or {}).get("id") for number, report in outcome.done.items()}
    done = [dict(_named(objects[number]), id=oid) for number, oid in ids.items()]
    failures = [dict(_named(objects[number]), reason=failure.message) for number, failure in outcome.failures.items()]
    causes = {number: "%s has failed" % places[cause] for number, cause in outcome.skipped.items()}
    skipped = [dict(_named(objects[number]), because=cause) for number, cause in causes.items()]
    unplanned = [dict(_named(one), because=one.because) for one in outcome.unplanned]
    result = {"done": done, "unplanned": unplanned, "changed": bool(done) or bool(failures)}
    if failures:
        message = "%d of %d objects could not be made as declared, %d were skipped: %s"
        reasons = listed(("%(kind)s %(name)s: %(reason)s" % failure for failure in failures), " ")
        counts = (len(failures), len(done) + len(failures) + len(skipped), len(skipped))
        result.update(failed=True, msg=message % (*counts, reasons), failures=failures, skipped=skipped)
    return result


def _named(one):
    return {"kind": one.kind, "name": one.declared.name, "place": one.declared.entry.place(), "action": one.action}


class Progress:
    """Tells of each object that is done, with the count and the time that is left.

    Args:
        number (int): of all objects to make.
        show (callable): takes a line.
        clock (Clock)
    """

    def __init__(self, number, show, clock):
        self._number = number
        self._show = show
        self._clock = clock
        self._begin = clock.now()
        self._done = 0

    def __call__(self, one, failure):
        """Tells of an object (planner.Planned) that is as declared, or has failed (Failure)."""
        self._done += 1
        self._number = max(self._number, self._done)  # more than was planned may have to be changed
        outcome = "failed: %s" % failure.message if failure is not None else DONE[one.action]
        text = "%s %s %s" % (label(one.kind), one.declared.name, outcome)
        self._show("%d of %d%s: %s" % (self._done, self._number, self._left(), text))

    def _left(self):
        """About how long the others take, when they take as long as those that are done."""
        left = (self._clock.now() - self._begin) / self._done * (self._number - self._done)
        return ", %d s left" % round(left) if left >= 1 else ""


DONE = {"create": "created", "update": "updated", "remove": "removed"}
