# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Templates and values as tables: their one form, what a declared value makes of them, what is refused and how."""

from __future__ import annotations

import pytest
from ansible_collections.privazio.opennebula.plugins.module_utils._core import values
from ansible_collections.privazio.opennebula.plugins.module_utils._core.failure import Failure
from ansible_collections.privazio.opennebula.plugins.module_utils._core.secret_names import SecretNames

CANONICAL = [
    ({"cpu": 1}, {"CPU": "1"}),
    ({"Cpu": 1.5, "memory": " 64 "}, {"CPU": "1.5", "MEMORY": "64"}),
    ({"a": True, "b": False, "c": None, "d": ""}, {"A": "YES", "B": "NO", "D": ""}),
    ({"nic": {"model": "virtio", "none": None}}, {"NIC": {"MODEL": "virtio"}}),
    ({"nic": {}}, {}),
    ({"nic": {"none": None}}, {}),
    ({"nic": []}, {"NIC": []}),
    ({"nic": [{}, None]}, {}),
    ({"nic": [None]}, {}),
    ({"nic": [{}, {"a": 1}]}, {"NIC": [{"A": "1"}]}),
    ({"nic": ({"a": 1},)}, {"NIC": [{"A": "1"}]}),
    ({"a": [1, None, True]}, {"A": ["1", "YES"]}),
    ({"nic": {"groups": [1, None, "b", ""]}}, {"NIC": {"GROUPS": "1,b"}}),
    ({"nic": {"groups": (1, 2)}}, {"NIC": {"GROUPS": "1,2"}}),
    ({"nic": {"groups": []}}, {"NIC": {"GROUPS": ""}}),
    ({"labels": ["x", 2, None, {"a": 1}, ["y"]]}, {"LABELS": "x,2"}),
    ({"labels": "x, y ,,z"}, {"LABELS": "x,y,z"}),
    ({"labels": ("x", "y")}, {"LABELS": "x,y"}),
    ({"labels": 5}, {"LABELS": "5"}),
]


@pytest.mark.parametrize(("given", "form"), CANONICAL)
def test_a_template_has_one_form(given, form):
    assert values.canonical(given) == form
    assert values.canonical(form) == form
    assert values.declared("template", given) == form


YAML_READS = (
    "Cannot use the option template: an attribute cannot be called %s; YAML reads %s so: put the name in quotes."
)
REFUSED = [
    (5, "The option template takes a dictionary or a text, not 5."),
    (["a"], "The option template takes a dictionary or a text, not ['a']."),
    ("A=", "Cannot use the option template: the template cannot be read at line 1: a value of A expected."),
    (
        {"nic": {"a": {"b": 1}}},
        "Cannot use the option template: the member a of the vector nic has to be a text, a number or a list of these.",
    ),
    (
        {"nic": {"a": [[1]]}},
        "Cannot use the option template: the member a of the vector nic has to be a text, a number or a list of these.",
    ),
    (
        {"nic": [["a"]]},
        "Cannot use the option template: the attribute nic is a list inside of a list, which OpenNebula does not have.",
    ),
    (
        {"nic": [("a",)]},
        "Cannot use the option template: the attribute nic is a list inside of a list, which OpenNebula does not have.",
    ),
    (
        {True: 1},
        YAML_READS % ("True", "ON, YES and TRUE"),
    ),
    (
        {"nic": [{False: 1}]},
        YAML_READS % ("False", "OFF, NO and FALSE"),
    ),
    (
        {"nic": {None: 1}},
        YAML_READS % ("None", "NULL and ~"),
    ),
    (
        {"b": 1, "nic": {"c": 1, "C": 2, "a": 1, "A": 2}},
        "Cannot use the option template: it names A twice: upper and lower case are the same.",
    ),
    ({"a": "x\x00y"}, "Cannot use the option template: the attribute A holds '\\x00', which OpenNebula cannot store."),
    ({"a": "x😀"}, "Cannot use the option template: the attribute A holds '😀', which cannot be sent to OpenNebula."),
    (
        {"nic": [{"ip": "1"}, {"b": "x😀", "c": "1"}]},
        "Cannot use the option template: the attribute B holds '😀', which cannot be sent to OpenNebula.",
    ),
    (
        {"nic": {"ip": "1", "b": "😀"}},
        "Cannot use the option template: the attribute B holds '😀', which cannot be sent to OpenNebula.",
    ),
    (
        {"a": ["x", "😀"]},
        "Cannot use the option template: the attribute A holds '😀', which cannot be sent to OpenNebula.",
    ),
]


@pytest.mark.parametrize(("given", "sentence"), REFUSED)
def test_what_opennebula_cannot_store_is_refused_in_one_sentence(given, sentence):
    with pytest.raises(Failure) as caught:
        values.declared("template", given)
    assert caught.value.message == sentence


def test_a_vector_of_an_option_is_like_one_of_a_template():
    assert values.declared_vector("nics", "NIC", {"network": 1, "x": None}) == {"NETWORK": "1"}
    assert values.declared_vector("nics", "NIC", {}) == {}
    with pytest.raises(Failure, match=r"^Cannot use the option nics: the member a of the vector NIC has to be a text"):
        values.declared_vector("nics", "NIC", {"a": {"b": 1}})


MERGED = [
    # present, wanted, replaced: what stands
    ({"A": "1"}, {"B": "2"}, False, {"A": "1", "B": "2"}),
    ({"A": "1"}, {"B": "2"}, True, {"B": "2"}),
    ({"A": "1", "M": "2"}, {}, True, {"M": "2"}),
    ({"A": "1.0"}, {"A": "1"}, False, {"A": "1.0"}),
    ({"A": "yes"}, {"A": "YES"}, False, {"A": "yes"}),
    ({"A": "x"}, {"A": "X"}, False, {"A": "X"}),
    ({"A": "1"}, {"A": []}, False, {}),
    ({}, {"A": []}, False, {}),
    ({"V": {"A": "1", "B": "2"}}, {"V": {"A": "3"}}, False, {"V": {"A": "3", "B": "2"}}),
    ({"V": {"A": "1", "B": "2"}}, {"V": {"A": "3"}}, True, {"V": {"A": "3"}}),
    ({"V": "text"}, {"V": {"A": "3"}}, False, {"V": {"A": "3"}}),
    ({"V": {"A": "1"}}, {"V": "text"}, False, {"V": "text"}),
    # one that is a list of one item, or wanted as such
    ({"V": [{"A": "1.0"}]}, {"V": {"A": "1"}}, False, {"V": [{"A": "1.0"}]}),
    ({"V": [{"A": "1", "B": "2"}]}, {"V": {"A": "3"}}, False, {"V": [{"A": "3", "B": "2"}]}),
    ({"V": [{"A": "1", "B": "2"}]}, {"V": {"A": "3"}}, True, {"V": [{"A": "3"}]}),
    ({"V": {"A": "1.0"}}, {"V": [{"A": "1"}]}, False, {"V": {"A": "1.0"}}),
    ({"V": {"A": "1", "B": "2"}}, {"V": [{"A": "3"}]}, False, {"V": [{"A": "3", "B": "2"}]}),
    ({"V": {"A": "1", "B": "2"}}, {"V": [{"A": "3"}]}, True, {"V": [{"A": "3"}]}),
    ({"V": [{"A": "1"}, {"A": "2"}]}, {"V": {"A": "3"}}, False, {"V": {"A": "3"}}),
    # several: by position, or by their natural key
    ({"V": [{"A": "1"}, {"A": "2", "B": "x"}]}, {"V": [{"A": "1"}, {"A": "3"}]}, False, None),
    ({"V": [{"A": "1"}, {"A": "2"}]}, {"V": [{"A": "1"}]}, False, {"V": [{"A": "1"}]}),
    ({}, {"V": [{"A": "1"}, {"A": "2"}]}, False, {"V": [{"A": "1"}, {"A": "2"}]}),
    (
        {"DISK": [{"DISK_ID": "0", "A": "1"}, {"DISK_ID": "1", "A": "2"}]},
        {"DISK": [{"DISK_ID": "1", "B": "3"}]},
        False,
        {"DISK": [{"DISK_ID": "1", "A": "2", "B": "3"}]},
    ),
    ({"DISK": [{"DISK_ID": "0", "A": "1"}]}, {"DISK": [{"DISK_ID": "7"}]}, False, {"DISK": [{"DISK_ID": "7"}]}),
    (
        {"ROLE": [{"A": "1"}, {"NAME": "b"}]},
        {"ROLE": [{"NAME": "b", "A": "2"}]},
        False,
        {"ROLE": [{"NAME": "b", "A": "2"}]},
    ),
    ({"ROLE": [{"A": "1"}]}, {"ROLE": [{"NAME": "XXXX"}]}, False, {"ROLE": [{"NAME": "XXXX"}]}),
    (
        {"AR": [{"AR_ID": "0", "IP": "10.0.0.1"}, {"AR_ID": "1", "IP": "10.1.0.1", "SIZE": "5"}, "text"]},
        {"AR": [{"IP": "10.1.0.1", "SIZE": "6"}]},
        False,
        {"AR": [{"AR_ID": "1", "IP": "10.1.0.1", "SIZE": "6"}]},
    ),
    ({"A": ["1", "2"]}, {"A": ["1.0", "3"]}, False, {"A": ["1", "3"]}),
    ({"A": ["1", "2"]}, {"A": ["1.0", "2.0"]}, False, {"A": ["1", "2"]}),
]


@pytest.mark.parametrize(("present", "wanted", "replace", "after"), MERGED)
def test_what_stands_after_a_change(present, wanted, replace, after):
    after = {"V": [{"A": "1"}, {"A": "3", "B": "x"}]} if after is None else after
    found = values.merged_template(present, wanted, replace, ("M",))
    assert found == after
    assert values.merged_template(found, wanted, replace, ("M",)) == found


SIZES = [
    (1, 1),
    ("4096", 4096),
    ("1 GB", 1024),
    ("35.2 GB", 36045),
    (" 2g ", 2048),
    ("3 GiB", 3072),
    ("5 MiB", 5),
    ("6M", 6),
    ("7mb", 7),
    ("1T", 1024 * 1024),
    ("1 tb", 1024 * 1024),
    ("2 TiB", 2 * 1024 * 1024),
    (0.6, 1),
    ("1.5", 2),
]


@pytest.mark.parametrize(("given", "size"), SIZES)
def test_sizes_are_whole_megabytes(given, size):
    assert values.megabytes(given, "size") == size


@pytest.mark.parametrize("given", ["", "big", "0", -1, "1 KB", "GB", "0.2", None, "1 GB 2"])
def test_what_is_no_size_is_told_with_its_option(given):
    with pytest.raises(Failure) as caught:
        values.megabytes(given, "limit")
    sentence = f"The option limit takes a size such as 4096 (MB), 512 MB or 4 GB, not {given!r}."
    assert caught.value.message == sentence


TEMPLATE = {"A": "x", "B": ["y", {"C": "z"}], "D": {"E": "1"}, "F": [{"G": "1"}, {"G": "2"}], "LABELS": " a ,b,,"}


def test_parts_of_a_template_are_found_whatever_their_shape():
    found = {name: values.first_text(TEMPLATE, name) for name in TEMPLATE}
    assert found == {"A": "x", "B": "y", "D": "", "F": "", "LABELS": " a ,b,,"}
    assert values.first_text(TEMPLATE, "Z", None) is None
    assert values.first_text(None, "A") == ""
    assert [values.vectors(TEMPLATE, name) for name in "ABDFZ"] == [[], [{"C": "z"}], [{"E": "1"}], TEMPLATE["F"], []]
    assert [values.first_vector(TEMPLATE, name) for name in "ABDFZ"] == [{}, {"C": "z"}, {"E": "1"}, {"G": "1"}, {}]
    assert values.labels_of(TEMPLATE) == ["a", "b"]
    assert values.labels_of({}) == values.split_labels(None) == []


def test_names_that_changed_and_names_that_are_gone():
    assert values.changed_names({"A": 1, "D": 4, "B": 2}, {"B": 3, "C": None, "A": 1}) == (["B", "C"], ["D"])


CONTRASTS = [
    ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 2}, {"b": 3}),
    ({"a": 1}, {"b": 1}, {"a": 1}, {"b": 1}),
    ({"a": {"x": 1, "y": 2}}, {"a": {"x": 1, "y": 3, "z": 4}}, {"a": {"y": 2}}, {"a": {"y": 3, "z": 4}}),
    ({"a": {"x": 1}}, {"a": 5}, {"a": {"x": 1}}, {"a": 5}),
    ({"a": None}, {"a": 0}, {"a": None}, {"a": 0}),
    ({"a": {}}, {}, {"a": {}}, {}),
]


@pytest.mark.parametrize(("before", "after", "left", "right"), CONTRASTS)
def test_the_parts_that_differ(before, after, left, right):
    for values_given, parts in (((before, after), (left, right)), ((after, before), (right, left))):
        assert values.contrast(*values_given) == parts


SECRET = {"PASSWORD": "a", "api_key": "b", "SSH_PRIVATE_KEY": "c", "TOKEN": "d", "ACCESS_KEY": 5, "WEB_APIKEY": "e"}


def test_names_of_secrets_cover_texts_numbers_and_lists():
    assert set(values.masked(SECRET).values()) == {values.MASK}
    assert values.masked({"PASSWORD": ["a", {"X": "y"}]}) == {"PASSWORD": [values.MASK, {"X": values.MASK}]}
    assert values.masked({"CREDENTIALS": {"A": {"B": ["c", 1, True]}}, "D": "d"}) == {
        "CREDENTIALS": {"A": {"B": [values.MASK, values.MASK, True]}},
        "D": "d",
    }
    told = {"login_tokens": [{"token": values.MASK, "group_id": 1}], "user_inputs": {"API_TOKEN": {"type": "password"}}}
    assert values.masked(told) == told
    assert values.masked([{"PASSWORD": ("a",)}, ("b",)]) == [{"PASSWORD": [values.MASK]}, ["b"]]
    colours = [{"COLOUR": "a", "IN": ({"colour_of": "b"},)}]
    names = SecretNames(["*COLOUR*"])
    assert values.masked(colours, names) == [{"COLOUR": values.MASK, "IN": [{"colour_of": values.MASK}]}]
    bare = {"PASSWORD": "", "TOKEN": None, "SECRET": True, "NAME": "a", "KEY": {"PASSWORD": False}}
    assert values.masked(bare) == bare
