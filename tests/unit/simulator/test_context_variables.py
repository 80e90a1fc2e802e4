# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Variables in CONTEXT: what they stand for, and which texts with a $ the server refuses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opennebula_simulator.errors import Refused
from opennebula_simulator.families import variables
from opennebula_simulator.template import Template


@pytest.fixture
def context(one):
    """context(**members) -> the CONTEXT of a new VM, or the message of the refusal."""
    one("image.allocate", 'NAME="disk" TYPE="OS" PATH="/d" COLOR="red"', 1)
    one("image.allocate", 'NAME="file" TYPE="CONTEXT" PATH="/f"', 2)
    one("image.allocate", 'NAME="kernel" TYPE="KERNEL" PATH="/k"', 2)
    one("vn.allocate", 'NAME="net" VN_MAD="dummy" BRIDGE="b" DNS="9.9.9.9" AR=[TYPE="IP4",IP="10.0.0.5",SIZE="9"]', -1)

    def make(**members):
        escaped = ",".join([name + '="' + text.replace('"', '\\"') + '"' for name, text in members.items()])
        body = f'NAME="v" CPU=1 MEMORY=64 COLOR="blue" DISK=[IMAGE="disk"] NIC=[NETWORK="net"] CONTEXT=[{escaped}]'
        ok, answer, *_rest = one("vm.allocate", body, True)
        if not ok:
            return answer
        xml = one("vm.info", answer)[1]
        section = re.search("<CONTEXT>(.*?)</CONTEXT>", xml, re.DOTALL)[1]
        return dict(re.findall(r"<(\w+)><!\[CDATA\[(.*?)\]\]></\1>", section, re.DOTALL))

    return make


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$NAME", "v"),
        ("$NAME-$VMID", "v-0"),
        ("$name.", "v."),
        ("$UNAME/$GNAME", "oneadmin/oneadmin"),
        ("$COLOR", "blue"),
        ("$NOTHING", ""),
        ("a$NAME$COLOR b", "avblue b"),
        ("$NIC[IP]", "10.0.0.5"),
        ('$NIC[IP, NETWORK="net"]', "10.0.0.5"),
        ('$NIC[IP, NETWORK="other"]', ""),
        ("$NIC[IP, NETWORK_ID=0]!", "10.0.0.5!"),
        ("$DISK[IMAGE_ID]", "0"),
        ('$NETWORK[DNS, NETWORK="net"]', "9.9.9.9"),
        ('$IMAGE[COLOR, IMAGE="disk"]', "red"),
        ("$USER[NOTHING]", ""),
        (r"\$NAME", r"\$NAME"),
        (r"a\\b", r"a\\b"),
        ("no dollar = [x], y", "no dollar = [x], y"),
    ],
)
def test_what_a_variable_stands_for(context, text, value):
    assert context(X=text)["X"] == value


@pytest.mark.parametrize(
    "text", ["${NAME}", "$(date)", "$$", "price $", "$NAME, x", "$NAME=x", "$NIC[IP", "$NIC[]", "$!"]
)
def test_what_is_refused(context, text):
    assert re.search(r"Error parsing: .*\. syntax error, unexpected \S+, expecting ", context(X=text), re.DOTALL)


def test_a_refused_vm_leaves_nothing_behind(context, one):
    context(X="${NAME}")
    assert "<USED_LEASES>0<" in one("vn.info", 0)[1]
    assert "<VMS></VMS>" in one("image.info", 0)[1]


def test_files(context):
    found = context(FILES_DS='$FILE[IMAGE="file", IMAGE_UNAME="oneadmin"] $FILE[IMAGE_ID=1]')
    assert found["FILES_DS"] == "dummy_path:'file' dummy_path:'file' "
    assert "Only images of type CONTEXT" in context(FILES_DS="$FILE[IMAGE_ID=2]")
    assert "Image with ID: 77 does not exist" in context(FILES_DS="$FILE[IMAGE_ID=77]")
    assert "does not own an image with name: none" in context(FILES_DS='$FILE[IMAGE="none"]')
    assert "Must use FILE variable" in context(FILES_DS="$NIC[IMAGE_ID=1]")


@given(st.text())
def test_every_text_is_read_or_refused_in_a_sentence(text):
    class Vm:
        name = uname = gname = ""
        uid = gid = 0

    vm = Vm()
    vm.template = vm.user_template = Template()
    try:
        variables.substituted(None, vm, text)
    except Refused as error:
        assert error.message.startswith("Error parsing: ")
    except TypeError:
        assert "USER" in text.upper()  # asks the cloud, which is not there


@given(st.text(st.characters(exclude_characters="$\\")).filter(bool))
def test_a_text_without_dollars_stays(text):
    assert variables.substituted(None, None, text) == text
