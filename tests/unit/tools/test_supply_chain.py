# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""What is published needs nothing else, tells what is in it, and is the same bytes wherever it is built."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile

import build_dist
import pytest
import sbom
import yaml
from project import ROOT, environment, project_files

OF_ANSIBLE = {"ansible", "jinja2", "yaml"}  # ansible-core and what it requires
MODULE_UTILS = ROOT / "plugins/module_utils"


def imported(path):
    """The names of the packages that a file imports by their full names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("folder", sorted(path.name for path in (ROOT / "plugins").iterdir()))
def test_plugins_import_nothing_that_ansible_does_not_bring(folder):
    ours = {"ansible_collections"}
    others = {name for path in (ROOT / "plugins" / folder).rglob("*.py") for name in imported(path)}
    assert others - sys.stdlib_module_names - ours <= OF_ANSIBLE


def test_what_targets_are_sent_needs_python_alone():
    """And what Ansible itself sends; the client not even that."""
    for path in MODULE_UTILS.rglob("*.py"):
        others = set(imported(path)) - sys.stdlib_module_names
        assert others <= (set() if "pyone" in path.parts else {"ansible"}), path


def test_no_package_requires_another():
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["dependencies"] == {}
    for name in ("pyproject.toml", "simulator/pyproject.toml"):
        project = tomllib.loads((ROOT / name).read_text(encoding="utf-8"))["project"]
        assert not project.get("dependencies")
        assert not project.get("optional-dependencies")
    needed = yaml.safe_load((ROOT / "meta/execution-environment.yml").read_text(encoding="utf-8"))
    assert not needed.get("dependencies")
    assert not list((ROOT / "meta").glob("*requirements*"))


# ---------------------------------------------------------------- bills of materials


def wheel(folder, *lines):
    path = folder / "one-1-py3-none-any.whl"
    told = "\n".join(["Metadata-Version: 2.4", "Name: one", "Version: 1", "License-Expression: Apache-2.0", *lines])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one/a.py", "x = 1\n")
        archive.writestr("one-1.dist-info/METADATA", told + "\n")
    return path


def test_a_bill_names_every_file_with_its_hash(tmp_path):
    package = wheel(tmp_path)
    text = sbom.describe(package, "0" * 40, 1_000_000_000).read_text(encoding="utf-8")
    found = json.loads(text)
    hashes = {part["name"]: part["hashes"][0]["content"] for part in found["components"]}
    assert hashes["one/a.py"] == hashlib.sha256(b"x = 1\n").hexdigest()
    root = found["metadata"]["component"]
    assert root["hashes"][0]["content"] == hashlib.sha256(package.read_bytes()).hexdigest()
    assert root["properties"] == [{"name": "privazio:git:commit", "value": "0" * 40}]
    assert {"ref": "one"} in found["dependencies"]  # on nothing
    assert sbom.describe(package, "0" * 40, 1_000_000_000).read_text(encoding="utf-8") == text


def test_a_package_that_requires_another_is_refused(tmp_path):
    with pytest.raises(SystemExit, match=r"requires two>=2: it must not need any package"):
        sbom.describe(wheel(tmp_path, "Requires-Dist: two>=2"), "0" * 40, 0)


def test_a_bill_against_the_schema_is_refused():
    with pytest.raises(SystemExit, match="is not valid"):
        sbom.require_valid('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}]}', "one")


# ---------------------------------------------------------------- the same bytes


def tarball(path, names, moment):
    """A collection as ansible-galaxy makes one, with files in this order and of this time."""
    files = [{"name": name, "ftype": "file", "chksum_sha256": "0", "format": 1} for name in names]
    listing = json.dumps({"files": files, "format": 1}, indent=True).encode()
    manifest = {"collection_info": {}, "file_manifest_file": {"chksum_sha256": hashlib.sha256(listing).hexdigest()}}
    contents = {"MANIFEST.json": json.dumps(manifest, indent=True).encode(), "FILES.json": listing}
    contents.update({name: name.encode() for name in names})
    with tarfile.open(path, "w:gz") as archive:
        for name, body in contents.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(body), moment
            archive.addfile(member, build_dist.io.BytesIO(body))
    return path


def test_order_and_time_of_files_leave_no_trace(tmp_path):
    for number, names in enumerate((["a", "b", "c"], ["c", "a", "b"])):
        source = tarball(tmp_path / f"{number}.tar.gz", names, moment=number)
        build_dist.settle_tarball(source, tmp_path / f"settled-{number}", moment=7)
    assert (tmp_path / "settled-0").read_bytes() == (tmp_path / "settled-1").read_bytes()
    with tarfile.open(tmp_path / "settled-0") as archive:
        assert archive.getnames() == ["MANIFEST.json", "FILES.json", "a", "b", "c"]
        assert {member.mtime for member in archive.getmembers()} == {7}
        listing = archive.extractfile("FILES.json").read()
        manifest = json.load(archive.extractfile("MANIFEST.json"))
    assert int.from_bytes((tmp_path / "settled-0").read_bytes()[4:8], "little") == 7, "the time in the head of gzip"
    assert manifest["file_manifest_file"]["chksum_sha256"] == hashlib.sha256(listing).hexdigest()


@pytest.mark.long
def test_two_clones_give_the_same_bytes(tmp_path, tally):
    """In folders of other names, with other modes of files, in another time zone, one after the other."""
    first = built(cloned(tmp_path / "first", 0o022), TZ="UTC")
    time.sleep(2)
    second = built(cloned(tmp_path / "another" / "second", 0o077), TZ="Asia/Tokyo", PYTHONHASHSEED="7")
    assert first == second
    assert len(first) == 7
    tally("Builds compared", "packages, bills of materials and hashes", files=len(first), same=len(first))


def cloned(folder, mask):
    """A clone of the files of the project, of one commit, made with this umask."""
    before = os.umask(mask)
    try:
        for name in project_files(ROOT):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
            (folder / name).chmod((0o777 if os.access(ROOT / name, os.X_OK) else 0o666) & ~mask)
        when = {"GIT_AUTHOR_DATE": "@1700000000 +0000", "GIT_COMMITTER_DATE": "@1700000000 +0000"}
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "All"]):
            subprocess.run(["git", *command], cwd=folder, env=environment(**when), check=True)
    finally:
        os.umask(before)
    return folder


def built(folder, **variables):
    """{name: bytes} of what a clone builds, with the tools of this one."""
    settings = environment(PROJECT_VENV=sys.prefix, HOME=str(folder / "build" / "home"), **variables)
    settings.pop("SOURCE_DATE_EPOCH", None)
    command = [sys.executable, "tools/build_dist.py", "--only-build"]
    subprocess.run(command, cwd=folder, env=settings, check=True)
    return {path.name: path.read_bytes() for path in (folder / "build" / "dist").iterdir()}
