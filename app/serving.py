"""One server process: its address, its token, its lock on the data, and how it ends."""

import contextlib
import secrets
import socket
import sys
from collections.abc import Iterator

import typer
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.main import create_app
from app.settings import Settings
from app.store import damage

# Messages of a browser are small; a large document goes over REST.
MESSAGE_BYTES = 64 * 1024
GRACE_SECONDS = 3


class Socket(WebSocketsSansIOProtocol):
    """uvicorn's socket, which lets go of a peer that is no longer there. Closing waits until all
    is sent, and to such a peer nothing ever is."""

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()


class Server(uvicorn.Server):
    """uvicorn, saying where it is once it answers."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            typer.echo(f"Glassnet runs at {self._address} (Ctrl-C ends it)")
            sys.stdout.flush()


def run_server(settings: Settings) -> None:
    """Serve until a signal comes. Exits with 1 when the port or the data cannot be had."""
    token = settings.token
    if token is None and not settings.loopback:
        token = secrets.token_urlsafe(24)
    with _locked(settings), _listening(settings) as listener:
        _refuse_damaged(settings)
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            create_app(settings, token),
            ws=Socket,
            ws_max_size=MESSAGE_BYTES,
            ws_ping_interval=settings.ping_seconds,
            ws_ping_timeout=settings.ping_seconds,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            log_level=settings.log_level,
            # Addresses may carry the token.
            access_log=False,
            server_header=False,
            lifespan="on",
        )
        server = Server(config, address(settings, port, token))
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    if not server.started:
        raise typer.Exit(1)


def address(settings: Settings, port: int, token: str | None) -> str:
    """What to open in a browser."""
    host = socket.gethostname() if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    if ":" in host:
        host = f"[{host}]"
    return f"http://{host}:{port}/" + (f"?token={token}" if token else "")


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            typer.echo(
                f"Cannot listen on {settings.host}:{settings.port} ({error.strerror}). "
                "Is Glassnet running already? Otherwise choose another --port.",
                err=True,
            )
            raise typer.Exit(1) from None
        yield listener
    finally:
        listener.close()


@contextlib.contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """One server a data folder: two would train the same runs."""
    if settings.database_url is not None or sys.platform == "win32":
        yield
        return
    import fcntl

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path = settings.data_dir / "lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            typer.echo(f"Another Glassnet uses {settings.data_dir}.", err=True)
            raise typer.Exit(1) from None
        yield


def _refuse_damaged(settings: Settings) -> None:
    """A damaged file is evidence, and may be mended: it is never written to."""
    if settings.database_url is not None:
        return
    found = damage(settings.database_file)
    if found is not None:
        typer.echo(
            f"{settings.database_file} cannot be read as a data base ({found}). It was left as it "
            "is: put a copy of it back, or move it away to start afresh.",
            err=True,
        )
        raise typer.Exit(1)
