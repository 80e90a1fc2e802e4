# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The addresses of a VM: those of its NICs, and those that its guest agent tells."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._vm.addresses import guest_addresses, has_address
from fake_vms import Element, vm

ADDRESSES = [  # NICs, what the guest agent tells, whether the VM has an address on net
    ([], None, False),
    ([], "10.0.0.9", False),
    ([{"NETWORK": "net"}], None, False),
    ([{"NETWORK": "net"}], "", False),
    ([{"NETWORK": "net"}], "10.0.0.9", True),
    ([{"NETWORK": "net2"}], "10.0.0.9", False),
    ([{"NETWORK": "net2", "IP": "10.0.0.1"}], None, False),
    ([{"NETWORK": "net2"}, {"NETWORK": "net", "IP": "10.0.0.1"}], None, True),
    ([{"NETWORK": "net", "IP6": "fe80::1"}], None, True),
    ([{"NETWORK": "net", "IP6_GLOBAL": "2001:db8::1"}], None, True),
    ([{"NETWORK": "net", "MAC": "02:00:0a:00:00:01"}], None, False),
]


@pytest.mark.parametrize(("nics", "told", "found"), ADDRESSES)
def test_a_nic_has_an_address_or_the_guest_agent_tells_one(nics, told, found):
    item = vm(TEMPLATE={"NIC": nics}, MONITORING=Element(GUEST_IP_ADDRESSES=told))
    assert has_address("net", item) is found


def test_a_vm_without_a_template_or_monitoring_has_no_address():
    assert has_address("net", vm(TEMPLATE=None)) is False
    assert has_address("net", vm(TEMPLATE={"NIC": {"NETWORK": "net"}}, MONITORING=None)) is False


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({}, []),
        ({"GUEST_IP": "10.0.0.9"}, ["10.0.0.9"]),
        ({"GUEST_IP_ADDRESSES": "10.0.0.9, 2001:db8::9"}, ["10.0.0.9", "2001:db8::9"]),
        ({"GUEST_IP": "FE80::1", "GUEST_IP_ADDRESSES": "127.0.0.1,::1,169.254.0.1,,10.0.0.9"}, ["10.0.0.9"]),
        ({"GUEST_IP": ["10.0.0.9", "10.0.0.8"]}, ["10.0.0.9"]),
        ({"GUEST_IP": Element(A="b")}, []),
    ],
)
def test_addresses_of_one_link_or_of_the_guest_alone_are_left_out(told, found):
    item = vm(TEMPLATE={"NIC": {"NETWORK": "net"}}, MONITORING=Element(**told))
    assert guest_addresses(item) == found
    assert has_address("net", item) is bool(found)
