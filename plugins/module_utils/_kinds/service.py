# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection

"""Services of OneFlow."""

from __future__ import annotations

from functools import partial

from .._attributes import access
from .._attributes.relations import reference_id
from .._core.failure import Broken, Failure
from .._core.guard import refuse_late_lock, refuse_lock, refuse_locked
from .._engine.info import records
from .._engine.resource import FIRST, Attribute, Reference, Report, Resource, Step, action, attribute, source
from ..pyone import OneException
from ..pyone.flow import STATES
from .roles import (
    canonical_contents,
    canonical_roles,
    merged_role,
    network_of,
    new_role,
    read_role,
    require_names,
    require_parents,
    said,
    texts,
)
from .service_template import ownership

KIND = "service"
ROLE_STATES = (
    "PENDING DEPLOYING RUNNING UNDEPLOYING WARNING DONE FAILED_UNDEPLOYING FAILED_DEPLOYING SCALING FAILED_SCALING"
    " COOLDOWN HOLD"
).split()
AT_REST = ("RUNNING", "WARNING", "HOLD")
WANTED_STATES = {"running": "RUNNING", "recovered": "RUNNING", "held": "HOLD"}
# What of a role counts at its creation only; names are not looked up for roles that exist.
OF_NEW_ROLES = (
    "type template networks vm_group template_contents parents on_hold user_inputs user_inputs_values".split()
)
VM_REASONS = ("ERROR", "SCHED_MESSAGE")


# ---------------------------------------------------------------- reading


def read(cloud, item):
    """The record of a service (a DOCUMENT of OneFlow)."""
    explain(cloud, item)
    body = item.body
    owner = access.owned(item)
    return dict(
        owner,
        owner_id=owner["user_id"],
        owner_name=owner["user_name"],
        service_id=item.ID,
        service_name=item.NAME,
        state=item.state_name,
        service_state=item.state_name.lower(),
        reason=getattr(item, "reason", ""),
        **access.locked(item),
        description=body.get("description", ""),
        deployment=body.get("deployment", "none"),
        user_inputs_values=body.get("user_inputs_values", {}),
        networks_values=body.get("networks_values", []),
        roles=[_role(role) for role in item.roles],
        start_time=body.get("start_time"),
    )


def _role(role):
    nodes = role.get("nodes") or []
    found = dict(read_role(role), state=_role_state(role.get("state")), ids=[node["deploy_id"] for node in nodes])
    names = ((node.get("vm_info") or {}).get("VM") or {} for node in nodes)
    found["nodes"] = [{"id": oid, "name": vm.get("NAME")} for oid, vm in zip(found["ids"], names)]
    return found


def _role_state(state):
    known = state is not None and 0 <= state < len(ROLE_STATES)
    return ROLE_STATES[state] if known else str(state)


def fetch(cloud, kind, oid):
    """The service, or None; a failed one knows why it failed."""
    item = cloud.info(kind, oid)
    if item is not None:
        explain(cloud, item)
    return item


# ---------------------------------------------------------------- why a service does not run


def explain(cloud, item):
    """Gives a service that has failed the attribute `reason`: what its roles, its VMs and its log say."""
    if has_failed(item) and not hasattr(item, "reason"):
        item.reason = why(cloud, item)


def has_failed(item):
    """Whether a service goes on no more."""
    return item.failed or is_stuck(item.state_name, [_role_state(role.get("state")) for role in item.roles])


def is_stuck(state, roles):
    """Whether a service waits for roles that have failed: OneFlow leaves it so when others were deployed before."""
    return state == "DEPLOYING" and "FAILED_DEPLOYING" in roles


def why(cloud, item):
    """Why a service does not run: its state, and what its roles, its VMs and its log say."""
    return "; ".join(_reasons(cloud, item))


def _reasons(cloud, item):
    held_up = [role for role in item.roles if _role_state(role.get("state")).startswith("FAILED")]
    found = [reason for role in held_up for reason in _of_vms(cloud, role)]
    return ["it is in state %s" % item.state_name, *(found or _last_error(item.log))]


def _last_error(log):
    """The first error of the last moment: OneFlow tries what needs more rights afterwards."""
    errors = [line for line in log if line.get("severity") == "E"]
    last = [line["message"].rstrip(".") for line in errors if line.get("timestamp") == errors[-1].get("timestamp")]
    return last[:1]


def _of_vms(cloud, role):
    """What the VMs of a role say that do not run; nothing where oned cannot be asked."""
    for node in role.get("nodes") or []:
        try:
            vm = cloud.info("vm", node["deploy_id"])
        except (Failure, OneException):
            continue
        if vm is not None and (vm.STATE, vm.LCM_STATE) != (3, 3):
            said_by_vm = [(vm.USER_TEMPLATE or {}).get(name) for name in VM_REASONS]
            why = next(filter(None, said_by_vm), "it does not run")
            yield "VM %d of the role %s: %s" % (vm.ID, role["name"], str(why).rstrip("."))


def describe(cloud, item):
    """The state of a service that is waited for, with the roles and VMs that hold it up."""
    roles = [role for role in item.roles if _role_state(role.get("state")) != "RUNNING"]
    shown = ["%s is %s" % (role["name"], _role_state(role.get("state"))) for role in roles]
    shown += [reason for role in roles for reason in _of_vms(cloud, role)]
    text = "service %s is in state %s" % (item.NAME, item.state_name)
    return "%s (%s)" % (text, "; ".join(shown)) if shown else text


# ---------------------------------------------------------------- creation


def create(name, wanted, modes):
    """The template's content with what the task lays over it; roles that it lacks are added afterwards.

    Raises:
        Failure: the task names no template.
    """
    if "service_template" not in wanted:
        raise Failure("There is no service %s; to create it, give: template." % name, object=KIND, name=name)
    merge = {"name": name}
    keys = {"on_hold": "on_hold", "user_inputs": "user_inputs_values", "networks": "networks_values"}
    merge.update({key: wanted[option] for option, key in keys.items() if option in wanted})
    what = "create service %s" % name
    template, roles = wanted["service_template"], wanted.get("roles")
    known = dict(merge, roles=[_known_of_role(role) for role in roles or ()])
    checks = (("flow.service_template.instantiate", template, known),)
    return Step(what, run=_instantiate, arguments=(what, template, merge, roles), checks=checks)


KNOWN = ("name", "parents", "cardinality")  # of a role, what is known before names inside of it are looked up


def _known_of_role(role):
    """What of a role says when it is deployed, and what its VMs need."""
    source = Reference("template", role["template"]) if "template" in role else None
    contents = canonical_contents(role["name"], role.get("template_contents", {}))
    found = {"template_id": source, **({"template_contents": contents} if contents else {})}
    return {**found, **{key: role[key] for key in KNOWN if key in role}}


def _instantiate(cloud, what, template, merge, roles):
    if roles is not None:
        merge = dict(merge, roles=canonical_roles(cloud, roles))
    return cloud.call(what, "flow.service_template.instantiate", template, merge, object=KIND, name=merge["name"])


def canonical_networks(cloud, given):
    """Networks as OneFlow takes them: ``[{"public": {"id": 3}}]``.

    Raises:
        Failure: what one names does not exist.
    """
    return [{name: _network(cloud, name, said(value))} for name, value in given.items()]


def _network(cloud, name, given):
    unknown = sorted(set(given) - {"network", "template", "reserve_from", "size", "extra"})
    if unknown:
        raise Failure("The network %s has no %s." % (name, unknown[0]))
    key, oid = network_of(cloud, name, given)
    extra = canonical_contents(name, given.get("extra", {}))
    if "size" in given:
        extra["SIZE"] = str(given["size"])
    if key == "reserve_from" and not extra:
        raise Failure("The network %s is reserved from another: give its size." % name)
    found = {key: oid}
    if extra:
        from ..pyone.template import write

        found["extra"] = write(extra)
    return found


def canonical_inputs(cloud, given):
    return texts(given)


def merged_inputs(present, wanted, modes):
    return dict(present or {}, **wanted)


# ---------------------------------------------------------------- roles


def split_roles(cloud, given):
    """The roles in their one form; names inside of them are looked up once it is known which of them are new."""
    require_names(given)
    return [said(role) for role in given]


def plan_roles(record, wanted, modes):
    present = record["roles"]
    known = {role["name"]: role for role in present}
    after, steps = [], []
    for role in present:
        asked = next((each for each in wanted["roles"] if each["name"] == role["name"]), None)
        if asked is None and "purge_roles" in modes.purge:
            steps.append(change_role(record, "remove", role["name"], None))
            continue
        changed = role if asked is None else merged_role(role, _lasting(asked), modes)
        steps += _role_steps(record, role, changed, modes)
        after.append(changed)
    new = [role for role in wanted["roles"] if role["name"] not in known]
    if new:
        require_parents([{"name": role["name"]} for role in after] + new)
    for role in new:
        steps.append(change_role(record, "add", role["name"], role))
        after.append(dict(_lasting(role), ids=[], nodes=[], state="PENDING"))
    if steps and not modes.waits:
        steps[-1] = steps[-1]._replace(until=None)
    return present, after, _unlocked(record, steps)


def _unlocked(record, steps):
    """Steps that change a service. Raises Failure where it is locked: OneFlow would begin them all the same."""
    if steps:
        refuse_lock(KIND, record["name"], record["id"], record["lock"])
    return steps


def _lasting(role):
    return {key: value for key, value in role.items() if key not in OF_NEW_ROLES}


def _role_steps(record, before, after, modes):
    """First what is only written down, then the number of VMs."""
    settings = [key for key in after if key != "cardinality" and after[key] != before.get(key)]
    steps = [change_role(record, "update", after["name"], {key: after[key] for key in settings})] if settings else []
    if after.get("cardinality") != before.get("cardinality"):
        _check_limits(after, modes)
        arguments = {"cardinality": after["cardinality"], "force": modes.force}
        steps.append(change_role(record, "scale", after["name"], arguments))
    return steps


def _check_limits(role, modes):
    number, name = role["cardinality"], role["name"]
    least, most = role.get("min_vms"), role.get("max_vms")
    if modes.force or ((least is None or least <= number) and (most is None or number <= most)):
        return
    limits = "min_vms %s and max_vms %s" % (least if least is not None else "-", most if most is not None else "-")
    raise Failure(
        "The role %s cannot have %d VMs: it has %s. To exceed this, give force: true." % (name, number, limits)
    )


def change_role(record, how, name, given):
    """A Step that waits for a service that takes changes, changes a role, and waits until that is done."""
    text, oid = "%s the role %s of service %s" % (how, name, record["name"]), record["id"]
    step = Step(text, run=_change_role, arguments=(text, oid, how, name, given), until=_rests_unlocked)
    return step._replace(checks=tuple((call, oid, *ending) for call, *ending in _endings(how, name, given)))


def _rests_unlocked(item):
    refuse_late_lock(KIND, item)
    return rests({}, item)


def _endings(how, name, given):
    """The calls among those of _change_role that end VMs, which may be protected."""
    if how == "scale":
        return [("flow.service.scale", name, given["cardinality"], given["force"])]
    return [("flow.service.remove_role", name)] if how == "remove" else []


def _change_role(cloud, text, oid, how, name, given):
    cloud.wait(lambda: fetch(cloud, KIND, oid), partial(_takes_changes, text), partial(describe, cloud))
    if how == "scale":
        return cloud.call(text, "flow.service.scale", oid, name, given["cardinality"], given["force"])
    if how == "remove":
        return cloud.call(text, "flow.service.remove_role", oid, name)
    if how == "add":
        role = new_role(canonical_roles(cloud, [given])[0])
        return cloud.call(text, "flow.service.add_role", oid, role)
    roles = [dict(role, **given) if role["name"] == name else role for role in cloud.info(KIND, oid).roles]
    return cloud.call(text, "flow.service.update", oid, {"roles": roles}, True)


def _takes_changes(text, item):
    if item is None:
        raise Failure("Cannot %s: the service is gone." % text)
    if has_failed(item):
        raise Broken("Cannot %s: %s." % (text, item.reason))
    return item.state_name in AT_REST


# ---------------------------------------------------------------- states


def rests(wanted, item):
    """Whether a service needs no more waiting. Raises Broken when it has failed."""
    if has_failed(item):
        raise Broken("The service %s has failed: %s." % (item.NAME, item.reason))
    return settled(item, wanted)


def settled(item, wanted):
    """Whether a service is in the state that is wanted; without one, whether it changes no more by itself."""
    target = WANTED_STATES.get(wanted.get("status"))
    return item.state_name == target if target else item.state_name in AT_REST


def failure(item, wanted):
    return item.reason if has_failed(item) else None


def gone(item):
    """Whether a service is gone. Raises Broken for one that stays: it has failed, or somebody has locked it."""
    if item is not None:
        refuse_locked(KIND, item)
    if item is not None and item.failed:
        raise Broken("The service %s could not be removed: %s." % (item.NAME, item.reason))
    return item is None


def plan_status(record, wanted, modes):
    """What leads to the state that is wanted; a state that passes by itself is waited for.

    Raises:
        Failure: nothing leads there.
    """
    state, target = record["state"], WANTED_STATES[wanted["status"]]
    stuck = is_stuck(state, [role.get("state") for role in record.get("roles", ())])
    if stuck or state.startswith("FAILED") or (state == "PENDING" and wanted["status"] == "recovered"):
        return state, target, _unlocked(record, recovery(record, wanted["status"]))
    if state == "HOLD" and target == "RUNNING":
        what = "release service %s" % record["name"]
        step = Step(what, "flow.service.release", (record["id"],), phase=FIRST, until=_released)
        return state, target, _unlocked(record, [step])
    if target == "HOLD" and state not in ("HOLD", "PENDING", "DEPLOYING_NETS"):
        words = "The service %s is in state %s: only a new one can be held."
        raise Failure(words % (record["name"], state), object=KIND, id=record["id"])
    return target, target, []


def _released(item):
    return item.state_name != "HOLD" and rests({}, item)


def recovery(record, status):
    """The Step that recovers a service.

    Raises:
        Failure: that is not what the task wants, or the service would go on with its removal.
    """
    advice = "use state: recovered, or replace_failed: true"
    if "UNDEPLOYING" in record["state"]:
        advice = "its removal has failed, use state: absent"
    if status != "recovered" or "UNDEPLOYING" in record["state"]:
        words = "The service %s has failed: %s. To go on: %s." % (record["name"], record["reason"], advice)
        raise Failure(words, object=KIND, id=record["id"])
    what = "recover service %s" % record["name"]
    return [Step(what, run=_recover, arguments=(what, record["id"]), phase=FIRST)]


def _recover(cloud, what, oid):
    """A service may stay in its failed state until all is well: what its log tells anew says that it failed again."""
    before = cloud.info(KIND, oid).log
    cloud.call(what, "flow.service.recover", oid)
    cloud.wait(lambda: cloud.info(KIND, oid), partial(_recovered, cloud, before), partial(describe, cloud))


def _recovered(cloud, before, item):
    new = lines_since(before, item.log)
    if any(line.get("severity") == "E" or line["message"].startswith("New state: FAILED") for line in new):
        raise Broken("The service %s could not be recovered: %s." % (item.NAME, why(cloud, item)))
    return item.state_name in AT_REST


def lines_since(before, after):
    """The lines of a log that came after others; the oldest of these may be gone."""
    for gone_lines in range(len(before) + 1):
        kept = len(before) - gone_lines
        if after[:kept] == before[gone_lines:]:
            return after[kept:]
    return after


# ---------------------------------------------------------------- actions on VMs


def act(record, asked):
    """The Step that schedules an action on the VMs of a role, or of all."""
    role = asked.get("role")
    if role is not None and role not in [each["name"] for each in record["roles"]]:
        raise Failure("The service %s has no role %s." % (record["name"], role), object=KIND, id=record["id"])
    what = "schedule %s on %s of service %s" % (asked["action"], role or "all roles", record["name"])
    arguments = (record["id"], role, asked["action"], asked.get("period"), asked.get("number"), asked.get("args"))
    return _unlocked(record, [Step(what, "flow.service.role_action", arguments)])


def canonical_action(cloud, given):
    return said(given)


# ---------------------------------------------------------------- removal


def remove(cloud, record, wanted, modes):
    """A service that passes or has failed is not simply deleted; one that is on its way out is waited for."""
    if record["state"] == "UNDEPLOYING":  # deleted again, it would leave its VMs behind
        return []
    what = "remove service %s" % record["name"]
    if record["state"] in AT_REST:
        return [Step(what, "flow.service.delete", (record["id"],))]
    return [Step(what, "flow.service.recover", (record["id"], True))]


def values(params):
    """`state` may be one to reach; `role` and `cardinality` name one role, as in community.general."""
    status = params["state"] if params["state"] in WANTED_STATES else None
    held = True if params["state"] == "held" else params["on_hold"]
    roles = params["roles"]
    if params["role"] is not None:
        roles = [{"name": params["role"], "cardinality": params["cardinality"]}]
    inputs = params["user_inputs"] if params["user_inputs"] is not None else params["custom_attrs"]
    template = params["template"]
    return {"service_template": template, "status": status, "on_hold": held, "roles": roles, "user_inputs": inputs}


# ---------------------------------------------------------------- the kind


SERVICE = Resource(
    kind=KIND,
    unique=False,
    read=read,
    values=values,
    create=create,
    remove=remove,
    settled=settled,
    failure=failure,
    gone=gone,
    fetch=fetch,
    describe=describe,
    attributes={
        "name": access.rename(KIND),
        "service_template": source(reference_id("service_template")),
        "on_hold": source(),
        "networks": source(canonical_networks),
        "user_inputs": attribute(
            "user_inputs", merged=merged_inputs, canonical=canonical_inputs, field="user_inputs_values"
        ),
        "roles": Attribute(plan_roles, split_roles),
        "status": Attribute(plan_status, field="state"),
        "role_action": action("role_action", act, canonical=canonical_action, existing_only=True),
        **ownership(KIND),
    },
)


def converge(module, cloud):
    """The Report of one service.

    Args:
        module (OneModule): whose options name it; without a name it is called as its template.
        cloud (Cloud)
    """
    params = module.params
    if params["id"] is None and params["name"] is None:
        item = cloud.reference("service_template", params["template"])
        params["name"] = params["template"] if item is None else item.NAME
    if _yet_to_come(module, cloud):
        roles = split_roles(cloud, values(params)["roles"] or ())
        return Report(True, {}, {"roles": roles}, {"name": params["name"]})
    if params["state"] == "absent" or not params["replace_failed"]:
        return module.converge(cloud, SERVICE)
    item = cloud.find(KIND, params["name"], params["id"])
    if item is None or not has_failed(item):
        return module.converge(cloud, SERVICE)
    return _replace(module, cloud, item)


def _yet_to_come(module, cloud):
    """Whether a check run changes a service that does not exist, and that an earlier task of the play may create."""
    params = module.params
    creates = params["template"] is not None or params["state"] == "absent" or params["id"] is not None
    if cloud.on_missing is None or module.applies or creates or cloud.find(KIND, params["name"]) is not None:
        return False
    cloud.on_missing("There is no service %r yet; check mode goes on as if there were." % params["name"])
    return True


def _replace(module, cloud, item):
    """Removes a service that has failed, and makes it anew under its name."""
    engine = module.engine(cloud, SERVICE)
    engine.waits = True
    removed = engine.remove(None, item.ID)
    if not module.applies:
        return Report(True, {"state": item.state_name}, {"state": "RUNNING"}, removed.record)
    module.params.update(id=None, name=item.NAME)
    made = module.converge(cloud.afresh(), SERVICE)
    return made._replace(before={"state": item.state_name}, after=dict(made.after, state=made.record["state"]))


# ---------------------------------------------------------------- which services


def select(cloud, options):
    """The Report with the services that the options of one_service_info ask for."""
    found = records(cloud, SERVICE, options)
    if options["states"] is not None:
        states = {state.upper() for state in options["states"]}
        unknown = sorted(states - set(STATES))
        if unknown:
            raise Failure("There is no state %r of services; there are: %s." % (unknown[0], ", ".join(STATES)))
        found = [record for record in found if record["state"] in states]
    if options["addresses"]:
        _add_addresses(cloud, [node for record in found for role in record["roles"] for node in role["nodes"]])
    return Report(False, None, None, {"services": found})


def _add_addresses(cloud, nodes):
    if not nodes:
        return
    text = ",".join(str(node["id"]) for node in nodes)
    pool = cloud.call("read the VMs of services", "vmpool.infoset", text, True)
    addresses = {vm.ID: _addresses(vm) for vm in pool.VM}
    for node in nodes:
        node["ips"] = addresses.get(node["id"], [])


def _addresses(vm):
    nics = (vm.TEMPLATE or {}).get("NIC") or []
    nics = nics if isinstance(nics, list) else [nics]
    return [nic[key] for nic in nics for key in ("IP", "IP6_GLOBAL", "IP6") if nic.get(key)]
