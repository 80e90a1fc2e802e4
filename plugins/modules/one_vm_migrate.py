#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: one_vm_migrate
short_description: Move OpenNebula virtual machines to other hosts and datastores
version_added: 1.0.0
description:
  - Moves a virtual machine to a host, to a cluster or to a system datastore. If it is there already, nothing is
    changed.
  - Or moves all virtual machines from a host to others, and waits until it is empty. When some cannot be moved, the
    others are moved all the same, and the task fails with the reason for each.
options:
  evacuate:
    description:
      - Name or id of the host that all virtual machines have to leave. Disable it first, so that no new ones are
        placed on it.
      - They are moved to O(host), to hosts of O(cluster), or to hosts of the same cluster.
    type: str
  host:
    description:
      - Name or id of the destination host.
    type: str
  cluster:
    description:
      - Name or id of the destination cluster; a virtual machine in another cluster is moved to the host with the most
        free memory.
    type: str
  datastore:
    description:
      - Name or id of the destination system datastore. A live migration changes either the host or the datastore.
    type: str
  how:
    description:
      - How running virtual machines are moved. V(live) migrates them live, V(save) suspends and resumes them,
        V(poweroff) and V(poweroff-hard) power them off and on.
      - V(resched), only with O(evacuate), leaves destination and kind of migration to the scheduler.
    type: str
    choices: [live, save, poweroff, poweroff-hard, resched]
    default: live
  enforce:
    description:
      - Whether to refuse a host without enough capacity.
    type: bool
    default: true
extends_documentation_fragment:
  - privazio.opennebula.connection
  - privazio.opennebula.common.vm
  - privazio.opennebula.common.wait
  - privazio.opennebula.common.attributes
  - privazio.opennebula.common.actiongroup_one
seealso:
  - module: privazio.opennebula.one_host
  - module: privazio.opennebula.one_vm
author:
  - Contributors to the privazio.opennebula collection (@privazio)
"""

EXAMPLES = r"""
- name: Move the database to a host
  privazio.opennebula.one_vm_migrate:
    name: database
    host: node2

- name: Evacuate a host
  privazio.opennebula.one_vm_migrate:
    evacuate: node2
"""

RETURN = r"""
id:
  description: Id of the virtual machine.
  type: int
  returned: without O(evacuate)
  sample: 3
name:
  description: Name of the virtual machine.
  type: str
  returned: without O(evacuate)
  sample: database
host:
  description: Name of the host where it is or, in check mode, would be; with O(evacuate) the host that is left.
  type: str
  returned: success
  sample: node2
datastore:
  description: Name of the system datastore where it is or, in check mode, would be.
  type: str
  returned: without O(evacuate)
  sample: system
moved_ids:
  description:
    - Ids of the virtual machines that left the host.
  type: list
  elements: int
  returned: with O(evacuate)
  sample: [3, 4]
failures:
  description: Id, name and reason of each virtual machine that did not leave the host.
  type: list
  elements: dict
  returned: failure with O(evacuate)
  sample: []
api_calls:
  description: How many calls of the API the task took; with C(-vvv) they are listed in C(calls).
  type: int
  returned: always
  sample: 4
diff:
  description: What changes, before and after; only what differs.
  type: dict
  returned: success
  sample: {"before": {}, "after": {}}
"""

from ansible_collections.privazio.opennebula.plugins.module_utils._core.argument_specs import VM, WAIT
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._engine.resource import Report
from ansible_collections.privazio.opennebula.plugins.module_utils._module import OneModule
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.evacuation import Evacuation, evacuate
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.operation import change, choices, find_vm
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.placement import (
    VM_PLACE,
    Migration,
    hosts,
    place_names,
    present,
    wanted_place,
)

OPTIONS = dict(
    VM,
    **WAIT,
    evacuate={"type": "str"},
    host={"type": "str"},
    cluster={"type": "str"},
    datastore={"type": "str"},
    how={"type": "str", "choices": ["live", "save", "poweroff", "poweroff-hard", "resched"], "default": "live"},
    enforce={"type": "bool", "default": True},
)


def migrated(module, cloud):
    """One VM."""
    params = module.params
    if params["how"] == "resched":
        raise Failure("The option how: resched goes with evacuate.")
    if all(params[option] is None for option in ("host", "cluster", "datastore")):
        raise Failure("Say where to: give host, cluster or datastore.")
    item = find_vm(cloud, params)
    here, there = present(item), wanted_place(cloud, item, params)
    before, after = place_names(cloud, here), place_names(cloud, there)
    wanted = {"place": Migration(there, params["how"], params["enforce"])}
    report = change(cloud, VM_PLACE, item, wanted, choices(module))
    return Report(report.changed, before, after, dict(after, id=item.ID, name=item.NAME))


def evacuated(module, cloud):
    """All VMs of a host."""
    params = module.params
    if params["how"] not in ("live", "resched"):
        raise Failure("With evacuate, the option how is live or resched.")
    found = cloud.reference("host", params["evacuate"])
    host = None if found is None else cloud.info("host", found.ID)
    if host is None:
        return Report(False, {}, {}, {"host": params["evacuate"], "moved_ids": []})
    ids = sorted(host.VMS.ID)
    if ids and module.applies:
        evacuate(host.ID, ids, Evacuation(params["how"], destinations(cloud, params), params["wait"]), cloud)
    return Report(bool(ids), {"vms": ids}, {"vms": []}, {"host": host.NAME, "moved_ids": ids})


def destinations(cloud, params):
    """Hosts to go to; None: any of the same cluster."""
    if params["host"] is not None:
        return [params["host"]]
    return [one.NAME for one in hosts(cloud, params["cluster"])] if params["cluster"] is not None else None


def main():
    module = OneModule(
        OPTIONS,
        required_one_of=[("id", "name", "evacuate")],
        mutually_exclusive=[("id", "evacuate"), ("name", "evacuate"), ("host", "cluster"), ("datastore", "evacuate")],
    )
    module.run(lambda cloud: (migrated if module.params["evacuate"] is None else evacuated)(module, cloud))


if __name__ == "__main__":
    main()
