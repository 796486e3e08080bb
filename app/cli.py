"""The command `glassnet`: serve, or train a document without a server or on one."""

import gc
import json
from pathlib import Path
from typing import Annotated

import typer

from app.settings import Settings

cli = typer.Typer(
    help="Neural networks you can see through.",
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"glassnet {version('glassnet')}")
        raise typer.Exit


Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")
]
DataDir = Annotated[Path | None, typer.Option(help="Folder of the data base.")]


@cli.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Start the server when no command is given."""
    if context.invoked_subcommand is None:
        serve()


@cli.command()
def serve(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Start the server and print its address. Every other setting is an environment variable:
    `glassnet settings` lists them."""
    # Nothing that is imported now is ever garbage; not looking saves a tenth of the start.
    gc.disable()
    from app.serving import run_server

    gc.freeze()
    gc.enable()

    given = {"host": host, "port": port, "data_dir": data_dir}
    chosen = {name: value for name, value in given.items() if value is not None}
    run_server(Settings().model_copy(update=chosen))


@cli.command()
def settings() -> None:
    """List every setting: the environment variable, its value now, and what it does."""
    from rich.console import Console
    from rich.table import Table

    table = Table("variable", "now", "what it does", show_lines=True)
    now = Settings()
    for name, field in Settings.model_fields.items():
        value = "•••" if name == "token" and now.token else str(getattr(now, name))
        table.add_row(f"GLASSNET_{name.upper()}", value, field.description)
    Console().print(table)


@cli.command()
def train(
    document: Annotated[Path, typer.Argument(help="The experiment, as JSON.")],
    server: Annotated[str | None, typer.Option(help="Train on this server instead.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="GLASSNET_TOKEN", help="Token of that server.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the document's.")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Write the trained weights here (safetensors).")
    ] = None,
) -> None:
    """Train a document with a progress bar, then print the last losses."""
    from app.terminal import train_here, train_there

    try:
        experiment = json.loads(document.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        typer.echo(f"{document}: {error}", err=True)
        raise typer.Exit(2) from None
    if epochs is not None:
        experiment.setdefault("training", {})["epochs"] = epochs
    if server is None:
        train_here(experiment, weights)
    else:
        train_there(experiment, weights, server, token)


def main() -> None:
    """Entry point of the package."""
    cli()


if __name__ == "__main__":
    main()
