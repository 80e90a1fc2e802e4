# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Render the documentation of the collection: its guides and every plugin.

    python tools/build_docs.py       leaves it in build/docs/html/

A fault in any documentation, and a warning of Sphinx, fails the build. References to other sites stay plain text, so
that the result does not depend on what is in reach.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import draw_architecture
from project import BUILD, NAME, NAMESPACE, VENV, environment, fail, link_collection, remove

DOCS = BUILD / "docs"
PAGES = DOCS / "html"
COLLECTION = f"{NAMESPACE}.{NAME}"
TITLE = "OpenNebula collection"  # for readers, instead of what antsibull-docs makes of the name, Privazio.Opennebula
TITLES = ("--project", "OpenNebula", "--title", TITLE, "--html-short-title", TITLE)
HEADING = re.compile(r"^Privazio\.Opennebula\n=+$", re.MULTILINE)
SECTION = re.compile(r"^(?P<title>[^\n]+)\n[-~]+\n(?:(?!^[-~]{3}).)*?^\.\. toctree::\n", re.MULTILINE | re.DOTALL)
GUIDES = re.compile(
    r"(?P<options>^\.\. toctree::\n    :caption: Guides\n    :maxdepth: 1\n)\n(?P<names>(?:    docsite/\w+\n)+)",
    re.MULTILINE,
)
PAGE = re.compile(r"^    (\w+)_(module|connection|filter|inventory|lookup|role)$", re.MULTILINE)
COPYRIGHT = ("--copyright", f"Contributors to the {COLLECTION} collection")

# Only what is ours must resolve; labels of other documentation stay text.
SETTINGS = rf"""
intersphinx_mapping = {{}}
nitpicky = True
nitpick_ignore_regex = [(".*", r"(?!ansible_collections\.{NAMESPACE}\.{NAME}\.).*")]
"""


def main() -> None:
    """Make a Sphinx project of the collection and build it."""
    link_collection()
    remove(DOCS)
    DOCS.mkdir(parents=True)
    scope = ("--use-current", "--squash-hierarchy", "--fail-on-error")
    run("antsibull-docs", "sphinx-init", *scope, "--lenient", *TITLES, *COPYRIGHT, "--dest-dir", ".", COLLECTION)
    with (DOCS / "conf.py").open("a", encoding="utf-8") as settings:
        settings.write(SETTINGS)
    (DOCS / "rst").mkdir(mode=0o755, exist_ok=True)
    configuration = ("--config-file", "antsibull-docs.cfg")
    run(
        "antsibull-docs",
        *configuration,
        "collection",
        "--cleanup",
        "everything",
        *scope,
        "--dest-dir",
        "rst",
        COLLECTION,
    )
    index = DOCS / "rst" / "index.rst"
    index.write_text(readable(index.read_text(encoding="utf-8")), encoding="utf-8")
    draw_architecture.draw(DOCS / "rst" / "docsite" / "architecture.svg")
    run("sphinx-build", "-q", "-b", "html", "-c", ".", "--fail-on-warning", "--keep-going", "rst", str(PAGES))
    print(f"Done: {len(list(PAGES.rglob('*.html')))} pages, beginning with {PAGES / 'index.html'}")


def readable(index: str) -> str:
    """Return the first page with a title, and with a sidebar of sections and of names as tasks have them."""
    titled = HEADING.sub(f"{TITLE}\n{'=' * len(TITLE)}", index)
    captioned = SECTION.sub(lambda found: f"{found.group()}    :caption: {found['title']}\n", titled)
    return GUIDES.sub(listed, PAGE.sub(r"    \1 <\1_\2>", captioned))


def listed(found: re.Match[str]) -> str:
    """Return the guides as a list on the page, and in the sidebar: a visible toctree repeats its caption."""
    links = "".join(f"* :doc:`{name}`\n" for name in found["names"].split())
    return f"{links}\n{found['options']}    :hidden:\n\n{found['names']}"


def run(program: str, *arguments: str) -> None:
    """Run PROGRAM of the virtual environment in DOCS; show its words, and end the program, only if it fails."""
    command = [str(VENV / "bin" / program), *arguments]
    done = subprocess.run(command, cwd=DOCS, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, sep="", file=sys.stderr)
        fail(f"{Path(program).name} ended with status {done.returncode}; its words stand above.")


if __name__ == "__main__":
    main()
