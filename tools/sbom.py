# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Bills of materials (CycloneDX 1.6, JSON): what is in a package that is published, and what it needs at run time."""

from __future__ import annotations

import email
import hashlib
import json
import tarfile
import uuid
import warnings
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from project import ROOT, fail

SUFFIX = ".cdx.json"
NEEDED = "ansible-core"  # what runs the collection, which no package brings along


def describe(package: Path, commit: str, moment: int) -> Path:
    """Write the bill of materials of PACKAGE beside it, and return its path.

    The same bytes come of the same package, COMMIT (of git) and MOMENT (seconds since the epoch).
    """
    bom = of_wheel(package) if package.suffix == ".whl" else of_collection(package)
    root = bom.metadata.component
    digest = sha256(package.read_bytes())
    root.hashes = [digest]
    root.properties = [Property(name="privazio:git:commit", value=commit)]
    bom.register_dependency(root, [part for part in bom.components if part.type is not ComponentType.FILE])
    bom.metadata.timestamp = datetime.fromtimestamp(moment, UTC)
    bom.metadata.tools.components.clear()  # with their releases, it would tell of the machine
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"{package.name} {digest.content}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a package has no dependencies
        text = JsonV1Dot6(bom).output_as_string(indent=2) + "\n"
    require_valid(text, package.name)
    path = package.with_name(package.name + SUFFIX)
    path.write_text(text, encoding="utf-8")
    return path


def require_valid(text: str, name: str) -> None:
    """End the program if TEXT, of the package NAME, is not as the schema of CycloneDX 1.6 asks."""
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error is not None:
        fail(f"the bill of materials of {name} is not valid: {error}")


def of_wheel(package: Path) -> Bom:
    """The bill of a wheel: its files; it requires nothing, or else the program ends."""
    with zipfile.ZipFile(package) as archive:
        contents = {name: archive.read(name) for name in sorted(archive.namelist()) if not name.endswith("/")}
    told = email.message_from_bytes(next(body for name, body in contents.items() if name.endswith("METADATA")))
    if told.get_all("Requires-Dist"):
        fail(f"{package.name} requires {', '.join(told.get_all('Requires-Dist', []))}: it must not need any package.")
    root = component(told["Name"], told["Version"], told["License-Expression"], "pypi")
    return bill(root, files(contents))


def of_collection(package: Path) -> Bom:
    """The bill of a collection: its files, the client that is embedded, and ansible-core, which it needs."""
    with tarfile.open(package) as archive:
        members = [member for member in archive if member.isfile()]
        contents = {member.name: archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]
    info = json.loads(contents["MANIFEST.json"])["collection_info"]
    if info["dependencies"]:
        fail(f"{package.name} depends on {', '.join(info['dependencies'])}: it must not need any collection.")
    name = f"{info['namespace']}.{info['name']}"
    root = component(name, info["version"], " AND ".join(info["license"]), "generic")
    root.external_references = [ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(info["repository"]))]
    embedded = component("pyone", f"{release()}+privazio.{info['version']}", "Apache-2.0", "pypi")
    needed = component(NEEDED, None, "GPL-3.0-or-later", "pypi")
    needed.scope = ComponentScope.REQUIRED
    needed.description = "Runs the collection; it is not part of the package."
    return bill(root, [embedded, needed, *files(contents)])


def release() -> str:
    """The release of OpenNebula that the client is generated for."""
    return (ROOT / "xsd/RELEASE").read_text(encoding="utf-8").split()[-1]


def bill(root: Component, parts: Iterable[Component]) -> Bom:
    """A bill of ROOT with PARTS."""
    found = Bom(components=parts)
    found.metadata.component = root
    return found


def component(name: str, version: str | None, licence: str, kind: str) -> Component:
    """A library; KIND of its package URL."""
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=name,
        licenses=[LicenseExpression(licence)],
        purl=PackageURL(kind, None, name, version),
    )


def files(contents: dict[str, bytes]) -> list[Component]:
    """A component for each file, with its hash."""
    return [
        Component(name=name, type=ComponentType.FILE, bom_ref=f"file:{name}", hashes=[sha256(body)])
        for name, body in sorted(contents.items())
    ]


def sha256(body: bytes) -> HashType:
    """The hash of a file."""
    return HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(body).hexdigest())
