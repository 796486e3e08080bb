"""Training from the command line, with a progress bar."""

from pathlib import Path
from typing import Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.client import Client, ServerProblem

Document = dict[str, Any]

SLICE = 0.1


def train_here(document: Document, weights: Path | None) -> None:
    """Train in this process until a stop condition or divergence; exits with 1 on the latter."""
    from app.training import Training
    from engine.errors import SpecError
    from engine.examine import Limits

    try:
        training = Training("r_here", document, {}, Limits(), 0)
    except SpecError as error:
        _refuse([problem.as_dict() for problem in error.problems])
    training.command({"type": "run"}, {})
    with _progress() as progress:
        bar = progress.add_task("", total=_epochs(training.document()), loss="")
        while training.status == "running":
            training.train(SLICE)
            training.points.clear()
            progress.update(bar, completed=training.trainer.epoch, loss=_loss(training.metrics))
    _conclude(training.state())
    if weights is not None:
        weights.write_bytes(training.weights())


def train_there(document: Document, weights: Path | None, server: str, token: str | None) -> None:
    """Train on a server, until the run ends there."""
    try:
        with Client(server, token) as client, _progress() as progress:
            run = client.create(document, start=True)
            bar = progress.add_task("", total=_epochs(run["document"]), loss="")

            def look(state: dict[str, Any]) -> None:
                progress.update(bar, completed=state["epoch"], loss=_loss(state["metrics"]))

            state = client.wait(run["id"], look=look)
            if weights is not None:
                weights.write_bytes(client.weights(run["id"]))
    except ServerProblem as problem:
        _refuse(problem.problems or [{"path": [], "message": str(problem), "hint": ""}])
    except httpx.HTTPError as error:
        typer.echo(f"{server}: {error}", err=True)
        raise typer.Exit(1) from None
    _conclude(state)


def _progress() -> Progress:
    return Progress(
        BarColumn(),
        TextColumn("epoch {task.completed:.0f}"),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _epochs(document: Document) -> float | None:
    epochs = document.get("training", {}).get("epochs")
    return float(epochs) if epochs else None


def _loss(metrics: dict[str, float | None]) -> str:
    loss = metrics.get("train_loss")
    return f"loss {loss:.4g}" if loss is not None else ""


def _refuse(problems: list[dict[str, Any]]) -> NoReturn:
    for problem in problems:
        place = ".".join(str(step) for step in problem["path"])
        typer.echo(f"{place or 'document'}: {problem['message']}. {problem['hint']}", err=True)
    raise typer.Exit(2)


def _conclude(state: dict[str, Any]) -> None:
    table = Table("step", "epoch", *state["metrics"])
    numbers = ("–" if value is None else f"{value:.6g}" for value in state["metrics"].values())
    table.add_row(str(state["step"]), f"{state['epoch']:.6g}", *numbers)
    Console().print(table)
    if state["reason"]:
        typer.echo(f"{state['status']}: {state['reason']['message']}")
    if state["status"] in ("diverged", "failed"):
        raise typer.Exit(1)
