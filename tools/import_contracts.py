# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: Contributors to the privazio.opennebula collection
"""Check with import-linter that imports keep the contracts of pyproject.toml: layers, no circles, nothing foreign.

    python tools/import_contracts.py

One kind of contract is defined here: a package that needs nothing but itself and the standard library.
"""

from __future__ import annotations

import sys

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, cli, fields, output
from project import COLLECTIONS, ROOT, link_collection


def main() -> None:
    """Check the contracts; end with the exit status of import-linter."""
    link_collection()
    sys.path[:0] = [str(COLLECTIONS), str(ROOT / "simulator")]
    sys.exit(cli.lint_imports(str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True))


class SelfContained(Contract):
    """Every import of the modules of `packages` is one of themselves or of the standard library."""

    packages = fields.ListField(subfield=fields.ModuleField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return whether GRAPH keeps this contract, with the imports that break it."""
        found = [broken for package in self.packages for broken in foreign(graph, package.name)]
        return ContractCheck(kept=not found, metadata={"foreign": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that break this contract."""
        for importer, imported in check.metadata["foreign"]:
            output.print_error(f"{importer} imports {imported}")


def foreign(graph: ImportGraph, package: str) -> list[tuple[str, str]]:
    """Return (importer, imported) of each import in PACKAGE that leads out of it, but to the standard library."""
    return [
        (module, imported)
        for module in sorted({package, *graph.find_descendants(package)})
        for imported in sorted(graph.find_modules_directly_imported_by(module))
        if imported.partition(".")[0] not in sys.stdlib_module_names and not f"{imported}.".startswith(f"{package}.")
    ]


if __name__ == "__main__":
    main()
