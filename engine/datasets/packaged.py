"""Well-known real data sets.

None of them is in the repository: `build_datasets.py` takes them from pinned packages when Glassnet
is installed, and writes each as a table into the folder `files`.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from engine.catalogue import setting
from engine.data import Samples, Source, Tables, Task
from engine.datasets.sheet import read
from engine.datasets.table import Tabular, samples_of
from engine.errors import SpecError, problem

FILES = Path(__file__).parent / "files"


class Packaged(Tabular):
    """A table that comes with Glassnet; its kind is the name of its file."""

    group: ClassVar[str] = "real"
    target: ClassVar[str]
    task: ClassVar[Task] = "classification"
    source: ClassVar[Source]

    test_share: float = setting(
        0.3, ge=0.0, le=0.9, title="Test share",
        help="The part of the rows that is kept for testing and never trained on.",
    )  # fmt: skip

    def make(self, seed: int, tables: Tables) -> Samples:
        path = FILES / f"{self.kind_name()}.csv"
        if not path.is_file():
            raise SpecError(
                problem(
                    ("kind",),
                    "data_not_built",
                    "the data set “{name}” was not fetched when Glassnet was installed",
                    "Install Glassnet again with the package registry in reach, or run "
                    "build_datasets.py in its folder.",
                    name=self.kind_name(),
                )
            )
        return samples_of(read(path.read_bytes()), self.target, self.task, {}, self.source)


class Iris(Packaged):
    """150 iris flowers of three species, told apart by their leaves.

    Length and width of sepals and petals in centimetres. R. A. Fisher (1936), *The use of multiple
    measurements in taxonomic problems*; collected by E. Anderson.
    """

    kind: Literal["iris"] = "iris"
    title: ClassVar[str] = "Iris flowers"
    target: ClassVar[str] = "species"
    source: ClassVar[Source] = Source(
        "Iris, R. A. Fisher (1936), UCI Machine Learning Repository, from mlxtend 0.25.0",
        "https://archive.ics.uci.edu/dataset/53/iris",
        "CC BY 4.0",
    )


class Wine(Packaged):
    """178 wines from three growers in one region of Italy, told apart by chemistry.

    Thirteen measurements, from alcohol to proline. M. Forina et al. (1991), *PARVUS*; S. Aeberhard
    and M. Forina (1992), UCI Machine Learning Repository.
    """

    kind: Literal["wine"] = "wine"
    title: ClassVar[str] = "Wines"
    target: ClassVar[str] = "grower"
    source: ClassVar[Source] = Source(
        "Wine, S. Aeberhard and M. Forina (1992), UCI Machine Learning Repository, "
        "from mlxtend 0.25.0",
        "https://archive.ics.uci.edu/dataset/109/wine",
        "CC BY 4.0",
    )


class Penguins(Packaged):
    """344 penguins of three species on three Antarctic islands.

    Bill, flipper and weight as numbers, island and sex as categories; some values are missing.
    A. M. Horst, A. P. Hill and K. B. Gorman (2020), *palmerpenguins*.
    """

    kind: Literal["penguins"] = "penguins"
    title: ClassVar[str] = "Penguins"
    target: ClassVar[str] = "species"
    source: ClassVar[Source] = Source(
        "Palmer penguins, K. B. Gorman et al. (2014), from palmerpenguins 0.1.6",
        "https://allisonhorst.github.io/palmerpenguins/",
        "CC0 1.0",
    )


class Houses(Packaged):
    """211 houses sold in Baltimore in 1978, to predict the price.

    Rooms, baths, age, size, lot and place; the price is in thousands of dollars. R. A. Dubin
    (1992), *Spatial autocorrelation and neighborhood quality*, Regional Science and Urban
    Economics 22(3).
    """

    kind: Literal["houses"] = "houses"
    title: ClassVar[str] = "House prices"
    target: ClassVar[str] = "price (1000 $)"
    task: ClassVar[Task] = "regression"
    source: ClassVar[Source] = Source(
        "Baltimore house sales, R. A. Dubin (1992), from libpysal 4.14.1",
        "https://geodacenter.github.io/data-and-lab/baltim/",
        "BSD 3-Clause",
    )
