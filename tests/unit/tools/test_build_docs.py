# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The first page of the documentation, its sidebar and its picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import draw_architecture
import pytest
from build_docs import readable

INDEX = """\
Privazio.Opennebula
===================

Guides
------

.. toctree::
    :maxdepth: 1

    docsite/fleets
    docsite/day2

Modules
~~~~~~~

* a list

.. toctree::
    :maxdepth: 1
    :hidden:

    one_host_module
"""
READABLE = """\
OpenNebula collection
=====================

Guides
------

* :doc:`docsite/fleets`
* :doc:`docsite/day2`

.. toctree::
    :caption: Guides
    :maxdepth: 1
    :hidden:

    docsite/fleets
    docsite/day2

Modules
~~~~~~~

* a list

.. toctree::
    :caption: Modules
    :maxdepth: 1
    :hidden:

    one_host <one_host_module>
"""


def test_the_first_page_has_titles_that_can_be_read():
    assert readable(INDEX) == READABLE


def test_the_picture_shows_every_layer_from_top_to_bottom(tmp_path):
    draw_architecture.draw(tmp_path / "picture.svg")
    texts = [node.text for node in ET.parse(tmp_path / "picture.svg").iter("{http://www.w3.org/2000/svg}text")]
    names = [text for text in texts if text in (*draw_architecture.LAYERS, *draw_architecture.BELOW)]
    assert names == [*draw_architecture.LAYERS, "oned"]


def test_a_layer_that_the_picture_has_no_words_for_is_a_mistake(monkeypatch):
    monkeypatch.delitem(draw_architecture.LAYERS, "_engine")
    with pytest.raises(KeyError, match="_engine"):
        draw_architecture.boxes()
