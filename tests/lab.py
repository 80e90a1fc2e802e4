# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""A simulated cloud without a server, whose clock stands still until the test moves it."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET

from opennebula_simulator.cloud import METHODS, Cloud, Options
from opennebula_simulator.families import lifecycle

ADMIN = "oneadmin:opennebula"
DUMMY = 'TM_MAD="dummy" DS_MAD="dummy"'


class Lab:
    """lab("vm.info", 0) is a call that must succeed; two hosts are monitored, datastore 100 is for backups."""

    def __init__(self, delay=0.0, hosts=2, **options):
        self.cloud = Cloud(Options(delay=delay, **options))
        self.now = time.time() + 1
        self.cloud.events.clock = lambda: self.now
        for number in range(hosts):
            self("host.allocate", f"host{number}", "dummy", "dummy", 0)
        for number in range(3):
            self("datastore.update", number, DUMMY, 1)
        self("datastore.allocate", 'NAME="bck" DS_MAD="dummy" TM_MAD="-" TYPE="BACKUP_DS"', 0)
        self.sleep(2 * delay)

    def answer(self, method, *arguments, session=ADMIN):
        return self.cloud.call(METHODS[f"one.{method}"], [session, *arguments])

    def __call__(self, method, *arguments, session=ADMIN):
        found = self.answer(method, *arguments, session=session)
        assert found[0], found
        return found[1]

    def refusal(self, method, *arguments, session=ADMIN):
        """The error text behind "[method] "."""
        found = self.answer(method, *arguments, session=session)
        assert not found[0], found
        return found[1].partition("] ")[2]

    def sleep(self, seconds):
        """Time goes on, and what is due by then happens."""
        self.now += seconds
        self("zone.info", 0)

    def fail(self, action, target="vm-0"):
        self.cloud.events.failures.append((action, target))

    def mend(self):
        self.cloud.events.failures.clear()

    def tree(self, method, *arguments):
        return ET.fromstring(self(method, *arguments))

    def vm(self, oid=0):
        return self.tree("vm.info", oid)

    def state(self, oid=0):
        """The state by name, that of the life cycle while the VM is ACTIVE."""
        tree = self.vm(oid)
        state, lcm = int(tree.findtext("STATE")), int(tree.findtext("LCM_STATE"))
        return lifecycle.LCM_NAMES[lcm] if state == lifecycle.ACTIVE else lifecycle.STATES[state]

    def records(self, *fields, oid=0):
        """These fields of all history records."""
        return [tuple(record.findtext(field) for field in fields) for record in self.vm(oid).iter("HISTORY")]

    def usage(self, host):
        """Percent of a core that a host gives, and its VMs."""
        tree = self.tree("host.info", host)
        return int(tree.findtext("HOST_SHARE/CPU_USAGE")), [each.text for each in tree.findall("VMS/ID")]

    def make(self, *actions, body='CPU="1" MEMORY="64"', host=0):
        """A new VM on a host, then some actions of one.vm.action; its ID."""
        oid = self("vm.allocate", body, True)
        self("vm.deploy", oid, host, False, 0, "")
        for action in actions:
            self("vm.action", action, oid)
        return oid
