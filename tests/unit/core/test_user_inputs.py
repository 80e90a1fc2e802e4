# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""User inputs of VM templates, and start scripts."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._vm import context, user_inputs
from hypothesis import given
from hypothesis import strategies as some

TEMPLATE = {
    "USER_INPUTS": {
        "PLAIN": "M|text|Name of the database| |",
        "BLOB": "O|text64|Script",
        "COUNT": "M|number|| |3",
        "SHARE": "O|number-float||",
        "SIZE": "M|range|Size of the pool|1..20|4",
        "LOAD": "O|range-float||0.5..1.5|1",
        "COLOUR": "M|list||red,green|red",
        "PARTS": "O|list-multiple||a,b,c|",
        "FLAG": "O|boolean|||NO",
        "CONST": "O|fixed|||7",
    }
}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("plain", "app", "app"),
        ("PLAIN", 5, "5"),
        ("BLOB", "echo $(date)", base64.b64encode(b"echo $(date)").decode()),
        ("COUNT", -4, "-4"),
        ("SHARE", "0.25", "0.25"),
        ("SIZE", 20, "20"),
        ("LOAD", 1.5, "1.5"),
        ("COLOUR", "green", "green"),
        ("PARTS", ["a", "c"], "a,c"),
        ("FLAG", True, "YES"),
        ("CONST", 7, "7"),
    ],
)
def test_a_value_that_fits_is_taken(name, value, text):
    assert user_inputs.attributes(TEMPLATE, {"PLAIN": "x", name: value}, {})[name.upper()] == text


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("PLAIN", "", "a text that is not empty"),
        ("COUNT", "1.5", "a whole number"),
        ("SHARE", "much", "a number"),
        ("SIZE", 21, r"Size of the pool\) has to be a whole number from 1 to 20"),
        ("SIZE", "2.5", "a whole number from 1 to 20"),
        ("LOAD", 0.4, "a number from 0.5 to 1.5"),
        ("COLOUR", "blue", "one of red, green"),
        ("PARTS", "a,d", "some of a, b, c"),
        ("FLAG", "perhaps", "YES or NO"),
        ("CONST", 8, "its fixed value, 7"),
        ("PLAIN", {"A": 1}, "a text"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name, value, what):
    with pytest.raises(Failure, match=rf"The user input {name}.*{what}"):
        user_inputs.attributes(TEMPLATE, {"PLAIN": "x", name: value}, {})


def test_initial_values_are_taken_and_what_is_mandatory_is_told():
    initial = {"COUNT": "3", "SIZE": "4", "LOAD": "1", "COLOUR": "red", "FLAG": "NO", "CONST": "7"}
    assert user_inputs.attributes(TEMPLATE, {"PLAIN": "x"}, {}) == {"PLAIN": "x", **initial}
    assert "COUNT" not in user_inputs.attributes(TEMPLATE, {"PLAIN": "x"}, {"COUNT": "9"})
    with pytest.raises(Failure, match=r"user_inputs that are missing: PLAIN \(Name of the database\)"):
        user_inputs.attributes(TEMPLATE, {}, {})
    with pytest.raises(Failure, match="no user input PLAN; did you mean PLAIN"):
        user_inputs.attributes(TEMPLATE, {"plan": "x"}, {})


@given(some.text())
def test_whatever_stands_in_user_inputs_can_be_read(text):
    found = user_inputs.inputs_of({"USER_INPUTS": {"A": text}})
    assert found["A"].name == "A"
    assert user_inputs.inputs_of({"USER_INPUTS": text}) == {}


# ---------------------------------------------------------------- variables of CONTEXT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no variable",
        "$NAME",
        "$name.example.org",
        "$A$B",
        '$NETWORK[DNS, NETWORK="my net"]',
        "$NIC[IP]",
        "$DISK[IMAGE_ID]",
        "$USER[SSH_PUBLIC_KEY]",
        r"\$NAME",
        r"\${NAME}",
        "a\\",
        "$1 is empty",
        "$NAME\n",
        "echo $NAME; reboot",
    ],
)
def test_variables_and_escaped_dollars_are_taken(text):
    assert context.refused_at(text) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("${HOSTNAME}", 0),
        ("echo $(date)", 5),
        ("$$", 0),
        ("costs 5 $", 8),
        ("$ 5", 0),
        ("$?", 0),
        ("$A, $B", 0),
        ("$A = 1", 0),
        ("echo $HOME\nreboot", 5),
        ("$NIC[", 0),
        (r"\$A ${B}", 4),
    ],
)
def test_a_dollar_that_begins_no_variable_is_found(text, at):
    assert context.refused_at(text) == at


@given(some.text(alphabet="$\\{}()[]=, \nA_1\"'", max_size=30))
def test_any_text_is_judged_and_one_without_a_dollar_is_taken(text):
    at = context.refused_at(text)
    assert at is None or text[at] == "$"
    assert context.refused_at(text.replace("$", "")) is None


@given(some.text(max_size=40))
def test_a_start_script_arrives_as_it_is_written(script):
    assert base64.b64decode(context.encoded(script)).decode("utf-8", "surrogatepass") == script


# ---------------------------------------------------------------- one_vm


def test_a_dollar_is_told_before_anything_is_sent(run, one):
    for check in (True, False):
        with pytest.raises(
            Failure, match=r"START_SCRIPT of CONTEXT in this task has a \$ in line 2.*start_script"
        ) as got:
            run(check=check, name="db", template="tpl", context={"START_SCRIPT": "x\necho ${SECRET}"})
        assert "SECRET" not in str(got.value)
    one.template.update(0, {"CONTEXT": {"START_SCRIPT": "echo $(date)"}}, 1)
    with pytest.raises(Failure, match="VM template tpl"):
        run(check=True, name="db", template="tpl")
    assert one.vmpool.info(-2, -1, -1, -1).VM == []
    script = "#!/bin/sh\necho ${HOME} $(date) $$\n"
    assert run(name="db", template="tpl", start_script=script)[0].changed
    found = one.vm.info(0).TEMPLATE["CONTEXT"]
    assert base64.b64decode(found["START_SCRIPT_BASE64"]).decode() == script
    assert not run(name="db", template="tpl", start_script=script)[0].changed
    with pytest.raises(Failure, match="Give the start script once"):
        run(name="db", template="tpl", start_script=script, context={"start_script": "x"})


def test_user_inputs_become_attributes_of_the_new_vm(run, one):
    one.template.update(0, {"USER_INPUTS": {"DB": "M|range|Database|1..9|"}}, 1)
    for check in (True, False):
        with pytest.raises(Failure, match=r"missing: DB \(Database\)"):
            run(check=check, name="db", template="tpl")
        with pytest.raises(Failure, match="from 1 to 9"):
            run(check=check, name="db", template="tpl", user_inputs={"DB": 10})
    assert run(name="db", template="tpl", user_inputs={"DB": 9})[0].changed
    assert one.vm.info(0).USER_TEMPLATE["DB"] == "9"
    assert not run(name="db", template="tpl", user_inputs={"DB": 9})[0].changed
    assert run(name="other", template="tpl", attributes={"DB": 3})[0].changed


# ---------------------------------------------------------------- private copies, numbers from another than 0


def test_private_copies_stay_or_go_as_told(run, one):
    assert run(name="db", template="tpl", persistent=True)[0].changed
    images = {image.NAME for image in one.imagepool.info(-2, -1, -1).IMAGE}
    assert "db-disk-0" in images
    run(name="db", state="absent", hard=True)
    assert {image.NAME for image in one.imagepool.info(-2, -1, -1).IMAGE} == images
    report = run(name="db", template="tpl", persistent=True)[0]
    assert report.record["instances"][0]["disks"][0]["IMAGE"] == "db-disk-0"
    run(name="db", state="absent", hard=True, remove_images=True)
    assert {image.NAME for image in one.imagepool.info(-2, -1, -1).IMAGE} == images - {"db-disk-0"}
    assert [template.NAME for template in one.templatepool.info(-2, -1, -1).VMTEMPLATE] == ["tpl"]
    run(name="plain", template="tpl")
    run(name="plain", state="absent", hard=True, remove_images=True)
    assert [template.NAME for template in one.templatepool.info(-2, -1, -1).VMTEMPLATE] == ["tpl"]


def test_a_template_of_the_name_that_is_no_private_copy_is_left_alone(run, one):
    one.template.allocate({"NAME": "db", "CPU": 1, "MEMORY": 64, "DISK": [{"IMAGE_ID": 0}]})
    with pytest.raises(Failure, match="already taken by TEMPLATE 1"):
        run(name="db", template="tpl", persistent=True)


def test_a_fleet_begins_where_it_is_to_begin(run, one):
    report = run(name="web-##", template="tpl", exact_count=2, first_index=1)[0]
    assert sorted(one["name"] for one in report.record["instances"]) == ["web-01", "web-02"]
    assert not run(name="web-##", template="tpl", exact_count=2, first_index=1)[0].changed
    run(name="web-01", state="absent", hard=True)
    report = run(name="web-##", template="tpl", exact_count=3, first_index=1)[0]
    assert sorted(one["name"] for one in report.record["instances"]) == ["web-01", "web-02", "web-03"]
    with pytest.raises(Failure, match="first_index takes a number from 0, not -1"):
        run(name="web-##", template="tpl", exact_count=3, first_index=-1)


def test_what_a_vm_to_be_removed_names_may_be_gone(run):
    for check in (True, False):
        report = run(check=check, name="gone", owner="nobody", group="none", template="none", state="absent")[0]
        assert not report.changed
        gone = {"networks": [{"network": "x"}], "vm_group": {"group": "x", "role": "y"}, "labels": ["a"]}
        assert not run(check=check, name="gone", state="absent", **gone)[0].changed
