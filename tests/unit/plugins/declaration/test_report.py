# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""The page of a plan: whole, escaped, and needing nothing else."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from ansible_collections.privazio.opennebula.plugins.plugin_utils.declaration import report_html

from .conftest import CLOUD

HOSTILE = '<script>alert(1)</script> & "quoted" {0} {{ x }}'
CHROMIUM = shutil.which("chromium")


@pytest.fixture
def page(site):
    declared = copy.deepcopy(CLOUD)
    declared["templates"][0]["template"]["NOTE"] = HOSTILE
    dummy, plan, faults = site.plan(declared)
    assert faults == []
    return report_html.page(plan)


class Elements(HTMLParser):
    """Counts elements, and keeps what refers to elsewhere."""

    def __init__(self):
        super().__init__()
        self.counts: dict[str, int] = {}
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.links += [value for name, value in attrs if name in ("src", "href", "action")]


def test_every_object_has_a_row_and_a_box(page):
    found = Elements()
    found.feed(page)
    number = sum(map(len, CLOUD.values()))
    assert found.counts["tr"] == number + 1
    assert found.counts["rect"] == number
    assert found.links == [], "nothing is loaded from elsewhere"


def test_the_page_counts_in_the_words_of_the_plan(page):
    counts = re.search(r'<p class="counts">(.*)</p>', page).group(1)
    assert re.sub("<[^>]*>", "|", counts) == "||9| to create|||2| to update|||0| to remove|||0| as declared|"


def test_rules_for_everyone_and_single_vms_are_named_and_have_ids(site):
    vm = {"name": "web", "template": "tpl", "state": "held"}
    declared = {key: CLOUD[key] for key in ("clusters", "hosts", "virtual_networks", "security_groups", "templates")}
    everyone = {"everyone": True, "rules": [{"resources": ["zone"], "rights": ["use"]}]}
    declared |= {"virtual_machines": [vm], "acls": [everyone]}
    site.apply(declared)
    dummy, plan, faults = site.plan(declared)
    assert faults == []
    told = {one.kind: one.told() for one in plan.objects}
    assert (told["acl"]["name"], told["vm"]["name"], told["vm"]["id"]) == ("everyone", "web", 0)


def test_what_a_document_says_is_text(page):
    assert page.count("<script>") == 1, "the page's own"
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "secret" not in page, "nor is the password"


def test_the_graph_is_drawn_from_left_to_right(site):
    kinds = ("security_groups", "virtual_networks", "templates")
    dummy, plan, faults = site.plan(
        {key: copy.deepcopy(CLOUD[key]) for key in kinds} | {"clusters": [{"name": "edge"}]}
    )
    assert faults == []
    svg = ET.fromstring(re.search(r"<svg.*</svg>", report_html.page(plan)).group())
    lines = [line.get("d") for line in svg.iter("{http://www.w3.org/2000/svg}path")]
    ends = [re.match(r"M(\d+) .* (\d+) \d+$", line).groups() for line in lines]
    assert len(ends) == 3
    assert all(int(start) < int(end) for start, end in ends)


def test_the_text_of_a_box_fits_into_it(site):
    name = "m" * 60
    dummy, plan, dummy = site.plan({"groups": [{"name": name}]})
    text = re.search(r">([^<]*)</text>", report_html.page(plan)).group(1)
    assert text.endswith("m…")
    assert len(text) * 8 <= report_html.WIDTH - 8


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_shows_it(page, tmp_path):
    path = tmp_path / "plan.html"
    path.write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    command = [CHROMIUM, *options, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert "Plan of an OpenNebula cloud" in shown
    assert "before and after" in shown
