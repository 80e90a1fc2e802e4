# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Build what is published, the collection's tarball and two wheels, and prove that each works when installed.

    python tools/build_dist.py [--only-build]       leaves them in build/dist/

Beside each lies its bill of materials (CycloneDX), and SHA256SUMS has the hashes of all. The same commit gives the same
bytes, wherever and whenever it is built. Each package is installed into an empty environment with no package index in
reach, and imported there. The tarball holds the files of the repository as they are, and has to pass galaxy-importer,
by which Galaxy decides what it accepts.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

import sbom
from project import BUILD, NAME, NAMESPACE, ROOT, VENV, environment, fail, project_files, remove
from set_up import provide

DIST = BUILD / "dist"
IMPORTER = BUILD / "galaxy-importer"  # an environment of its own: it wants other releases than our tools
WHEEL_SOURCES = (
    *("pyproject.toml", "setup.py", "galaxy.yml", "xsd/RELEASE", "LICENSES/Apache-2.0.txt"),
    *("docs/docsite/rst/pyone.rst", "plugins/module_utils/pyone"),
)
WEIGHED = f"{NAMESPACE}.{NAME}.one_host"
BUDGET = 80  # KiB that the module_utils may add to the zip file of a task before the build warns
OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "",
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
SIMULATOR_SOURCES = ("simulator",)
PYONE_WORKS = """
import pyone
from pathlib import Path
assert "site-packages" in pyone.__file__, pyone.__file__
folder = Path(pyone.__file__).parent
assert {"py.typed", "__init__.pyi", "bindings.pyi"} <= {path.name for path in folder.iterdir()}
for module in folder.glob("[a-z]*.py"):
    __import__("pyone." + module.stem)
assert pyone.VM_STATE.ACTIVE.label == "active" and pyone.acl.parse_rights("USE") == "0x1"
assert issubclass(pyone.bindings.VM, pyone.Element) and "info" in dir(pyone.OneServer("http://x", session="a:b").vm)
client = pyone.OneServer("http://127.0.0.1:1/RPC2", session="user:password", timeout=1)
try:
    client.host.info(0)
except pyone.OneException as error:
    print("pyone:", type(error).__name__, "as expected where no server listens")
"""
SIMULATOR_WORKS = """
import pathlib, subprocess, sys, time, xmlrpc.client
ready = pathlib.Path("ready")
with subprocess.Popen([sys.argv[1], "--port", "0", "--quiet", "--ready-file", str(ready)]) as process:
    try:
        deadline = time.monotonic() + 30
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        with xmlrpc.client.ServerProxy(ready.read_text().split()[0]) as proxy:
            ok, version = proxy.one.system.version("oneadmin:onedemo")[:2]
        assert ok, version
        print("opennebula-simulator: answers as OpenNebula", version)
    finally:
        process.terminate()
"""


def main() -> None:
    """Build all, list and try them."""
    parser = argparse.ArgumentParser(description="Build the collection and the wheels.")
    parser.add_argument("--only-build", action="store_true", help="do not try what was built")
    only_build = parser.parse_args().only_build
    remove(DIST)
    DIST.mkdir(parents=True)
    os.umask(0o022)  # what the builders write themselves has the same modes for everybody
    commit, moment = provenance()
    os.environ["SOURCE_DATE_EPOCH"] = str(moment)
    pyone, simulator = build_wheel("pyone", WHEEL_SOURCES), build_wheel("opennebula_simulator", SIMULATOR_SOURCES)
    tarball = build_tarball(moment)
    packages = [pyone, simulator, tarball]
    bills = [sbom.describe(package, commit, moment) for package in packages]
    list_hashes([*packages, *bills])
    if only_build:
        return
    for wheel in (pyone, simulator):
        show(wheel, sorted(zipfile.ZipFile(wheel).namelist()))
    with tarfile.open(tarball) as archive:
        show(tarball, sorted(archive.getnames()))
    try_pyone(pyone)
    try_simulator(simulator)
    try_tarball(tarball)
    import_as_galaxy(tarball)
    print(f"Done: {pyone.name}, {simulator.name} and {tarball.name} lie in {DIST.relative_to(ROOT)}.")


def provenance() -> tuple[str, int]:
    """Return the commit that is built, with a mark if files differ from it, and its time in seconds since the epoch."""
    commit, moment = git("log", "-1", "--format=%H %ct").split()
    changed = "+changes" if git("status", "--porcelain") else ""
    return commit + changed, int(os.environ.get("SOURCE_DATE_EPOCH") or moment)


def git(*arguments: str) -> str:
    """Return what git says of the clone."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def list_hashes(paths: list[Path]) -> None:
    """Write SHA256SUMS, for `sha256sum --check`."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(paths)]
    (DIST / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def build_wheel(package: str, sources: tuple[str, ...]) -> Path:
    """Build the wheel of PACKAGE from a copy of its SOURCES; setuptools keeps old files in the folder it works in.

    A single folder holds the project, several names are its parts.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in sources:
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(ROOT / name, target)
        settle_modes(Path(folder))
        project = folder if len(sources) > 1 else str(Path(folder, *sources))
        run("pip", "wheel", "-qq", "--no-deps", "--no-build-isolation", "--wheel-dir", str(DIST), project)
    return the_one(f"{package}-*.whl")


def settle_modes(folder: Path) -> None:
    """Give what is in FOLDER the modes that git knows: who may execute it."""
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def build_tarball(moment: int) -> Path:
    """Build the tarball of the collection, with files of the time MOMENT in the order of their names."""
    with tempfile.TemporaryDirectory() as folder:
        collection = stage(Path(folder, NAME))
        run("ansible-galaxy", "collection", "build", "--output-path", folder, str(collection))
        (built,) = Path(folder).glob("*.tar.gz")
        settle_tarball(built, DIST / built.name, moment)
    return the_one("*.tar.gz")


def settle_tarball(source: Path, target: Path, moment: int) -> None:
    """Write the collection in SOURCE to TARGET; ansible-galaxy takes the order of files from the file system."""
    with tarfile.open(source) as archive:
        contents = {
            member.name: (member, archive.extractfile(member).read() if member.isfile() else b"")  # type: ignore[union-attr]
            for member in archive
        }
    settled = {name: body for name, (dummy, body) in contents.items()}
    listing, manifest = json.loads(settled["FILES.json"]), json.loads(settled["MANIFEST.json"])
    listing["files"].sort(key=lambda file: file["name"])
    settled["FILES.json"] = json.dumps(listing, indent=True).encode()
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(settled["FILES.json"]).hexdigest()
    settled["MANIFEST.json"] = json.dumps(manifest, indent=True).encode()
    with (
        target.open("wb") as stream,
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=moment) as packed,
        tarfile.open(mode="w", fileobj=packed, format=tarfile.GNU_FORMAT) as archive,
    ):
        for name in ("MANIFEST.json", "FILES.json", *sorted(settled.keys() - {"MANIFEST.json", "FILES.json"})):
            member = contents[name][0]
            member.mtime, member.size = moment, len(settled[name])
            archive.addfile(member, io.BytesIO(settled[name]))


def stage(folder: Path) -> Path:
    """Copy the files of the project to FOLDER, and return it; galaxy.yml says which of them are not published."""
    for name in project_files(ROOT):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def try_pyone(wheel: Path) -> None:
    """Install WHEEL into an empty environment, offline, and import it."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        call([python, "-m", "pip", "install", "-qq", "--no-index", "--no-deps", str(wheel)], folder)
        call([python, "-I", "-c", PYONE_WORKS], folder)
        # what wants the pyone of PyPI is content with this one, or else pip, without an index, fails
        call([python, "-m", "pip", "install", "-qq", "--no-index", "pyone>=6,<8"], folder)


def try_simulator(wheel: Path) -> None:
    """Install WHEEL into an empty environment, offline, and ask what its console script serves."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        programs = Path(folder, "bin")
        call([programs / "python", "-m", "pip", "install", "-qq", "--no-index", "--no-deps", str(wheel)], folder)
        call([programs / "python", "-I", "-m", "opennebula_simulator", "--help"], folder, quiet=True)
        call([programs / "python", "-I", "-c", SIMULATOR_WORKS, programs / "opennebula-simulator"], folder)


def try_tarball(tarball: Path) -> None:
    """Install TARBALL into an empty folder, offline, and let Ansible load all that it holds."""
    with tempfile.TemporaryDirectory() as folder:
        galaxy: list[str | Path] = [VENV / "bin" / "ansible-galaxy", "collection"]
        call([*galaxy, "install", "--offline", "-p", folder, str(tarball)], folder, quiet=True)
        call([*galaxy, "verify", "--offline", f"{NAMESPACE}.{NAME}"], folder, quiet=True)
        plugins = Path(folder, "ansible_collections", NAMESPACE, NAME, "plugins")
        files = sorted(path.relative_to(folder).with_suffix("") for path in plugins.rglob("*.py"))
        names = [".".join(path.parts) for path in files if path.name != "__init__"]
        call(
            [VENV / "bin" / "python", "-c", f"import importlib\nfor name in {names}: importlib.import_module(name)"],
            folder,
        )
        print(f"collection: {len(names)} Python files import where it was installed")
        weigh(folder)


def import_as_galaxy(tarball: Path) -> None:
    """Let galaxy-importer judge TARBALL, as Galaxy does with what is published; a refusal ends the program."""
    provide(IMPORTER, "galaxy")
    with tempfile.TemporaryDirectory() as folder:
        settings = environment(IMPORTER, **OFFLINE)
        command = [IMPORTER / "bin" / "python", "-m", "galaxy_importer.main", tarball]
        done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, sep="", file=sys.stderr)
        fail(f"Galaxy would refuse {tarball.name}; what galaxy-importer says of it stands above.")
    print("collection: galaxy-importer accepts it")


def weigh(folder: str) -> None:
    """Print what a task ships of the collection that is installed in FOLDER, with a warning if that is much."""
    command = [VENV / "bin" / "python", ROOT / "tools" / "payload.py", WEIGHED]
    size = json.loads(call(command, folder, quiet=True))[WEIGHED]["module_utils"] / 1024
    print(f"collection: a task of {WEIGHED} ships {size:.1f} KiB of its module_utils")
    if size > BUDGET:
        print(f"WARNING: that is more than {BUDGET} KiB, which every task on a remote host pays for.")


def run(program: str, *arguments: str) -> None:
    """Run PROGRAM of the virtual environment, offline; show its words only if it fails."""
    call([VENV / "bin" / program, *arguments], str(ROOT), quiet=True)


def call(command: list[str | Path], folder: str, quiet: bool = False) -> str:
    """Run COMMAND offline in FOLDER, where Python and Ansible also look for collections, and return what it prints.

    A failure ends the program.
    """
    settings = environment(**OFFLINE, PYTHONPATH=folder, ANSIBLE_COLLECTIONS_PATH=folder)
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, sep="", file=sys.stderr)
        fail(f"{Path(command[0]).name} ended with status {done.returncode}; its words stand above.")
    if not quiet:
        print(done.stdout, end="")
    return done.stdout


def show(package: Path, names: list[str]) -> None:
    """Print what PACKAGE holds."""
    print(f"{package.name}: {len(names)} entries, {package.stat().st_size // 1024} KiB")
    print(*(f"  {name}" for name in names), sep="\n")


def the_one(pattern: str) -> Path:
    """Return the one file in DIST that matches PATTERN."""
    found = list(DIST.glob(pattern))
    if len(found) != 1:
        fail(f"expected one {pattern} in {DIST}, found {len(found)}.")
    return found[0]


if __name__ == "__main__":
    main()
