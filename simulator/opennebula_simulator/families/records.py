# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The history records of a VM as its XML shows them. A record is a dictionary of lifecycle.begin_record."""

from __future__ import annotations

from ..store import Object

NO_PLAN, NO_ACTION = "-2", "-1"
TIMES = ("pstime", "petime", "rstime", "retime", "estime", "eetime")


def shown(entry: dict, vm: Object, seq: int, more: str = "") -> str:
    """One record; `more` stands behind its own fields."""
    plan = vm.release.shown("HISTORY", {"PLAN_ID": NO_PLAN, "ACTION_ID": NO_ACTION})
    plans = "".join([f"<{name}>{number}</{name}>" for name, number in plan.items()])
    times = "".join([f"<{name.upper()}>{entry[name]}</{name.upper()}>" for name in TIMES])
    return (
        f"<HISTORY><OID>{vm.oid}</OID><SEQ>{seq}</SEQ><HOSTNAME>{entry['hostname']}</HOSTNAME><HID>{entry['hid']}</HID>"
        f"<CID>{entry['cid']}</CID><STIME>{entry['stime']}</STIME><ETIME>{entry['etime']}</ETIME>"
        f"<VM_MAD><![CDATA[{entry['vm_mad']}]]></VM_MAD><TM_MAD><![CDATA[{entry['tm_mad']}]]></TM_MAD>"
        f"<DS_ID>{entry['ds_id']}</DS_ID>{plans}{times}"
        f"<ACTION>{entry['action']}</ACTION><UID>{entry['uid']}</UID><GID>{entry['gid']}</GID>"
        f"<REQUEST_ID>{entry['request_id']}</REQUEST_ID>{more}</HISTORY>"
    )


def short(obj: Object) -> str:
    """The last record, as the pool shows it."""
    entry = obj.history[-1]
    return (
        f"<HISTORY><OID>{obj.oid}</OID><SEQ>{len(obj.history) - 1}</SEQ>"
        f"<HOSTNAME><![CDATA[{entry['hostname']}]]></HOSTNAME><HID>{entry['hid']}</HID><CID>{entry['cid']}</CID>"
        f"<DS_ID>{entry['ds_id']}</DS_ID><VM_MAD><![CDATA[{entry['vm_mad']}]]></VM_MAD>"
        f"<TM_MAD><![CDATA[{entry['tm_mad']}]]></TM_MAD><ACTION><![CDATA[{entry['action']}]]></ACTION></HISTORY>"
    )


def history(obj: Object) -> str:
    """All records, oldest first."""
    return element("".join([shown(entry, obj, seq) for seq, entry in enumerate(obj.history)]))


def short_history(obj: Object) -> str:
    return element(short(obj) if obj.history else "")


def element(inner: str) -> str:
    return f"<HISTORY_RECORDS>{inner}</HISTORY_RECORDS>" if inner else "<HISTORY_RECORDS/>"
