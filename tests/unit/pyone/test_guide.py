# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The examples of the PyONE guide run, in their order, against the simulator, and give what the guide says."""

from __future__ import annotations

import doctest
import re
import sys
import textwrap

import pytest
from project import ROOT

GUIDE = ROOT / "docs/docsite/rst/pyone.rst"
BLOCK = re.compile(r"^\.\. code-block:: (python|pycon)\n\n((?:(?:   .*)?\n)+)", re.MULTILINE)
ENDPOINT = "http://frontend:2633/RPC2"
FLOW_ENDPOINT = "http://frontend:2474"


@pytest.fixture
def standalone(monkeypatch):
    """Makes `import pyone` find the package as the wheel has it."""
    monkeypatch.syspath_prepend(str(ROOT / "plugins/module_utils"))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyone"]:
        del sys.modules[name]


def blocks():
    """(language, line, text) of each example."""
    text = GUIDE.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        yield found[1], text.count("\n", 0, found.start(2)), textwrap.dedent(found[2])


@pytest.mark.usefixtures("standalone")
def test_every_example_gives_what_the_guide_says(simulator, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    said = []
    runner = doctest.DocTestRunner(verbose=False)
    for language, line, text in blocks():
        here = text.replace(ENDPOINT, simulator.url).replace(FLOW_ENDPOINT, simulator.flow_url)
        if language == "python":
            exec(compile(here, f"{GUIDE.name}:{line}", "exec"), names)  # noqa: S102
        else:
            test = doctest.DocTestParser().get_doctest(here, names, GUIDE.name, str(GUIDE), line)
            runner.run(test, out=said.append, clear_globs=False)
            names = test.globs
    assert runner.summarize(verbose=False).failed == 0, "".join(said)
    assert runner.tries > 30
    for client in ("one", "flow", "player"):
        names[client].server_close()


def test_there_are_no_other_examples():
    text = GUIDE.read_text(encoding="utf-8")
    assert text.count("code-block::") == len(list(blocks())) > 10
    assert "::\n\n   " not in BLOCK.sub("", text).replace(".. contents::\n   ", "")
