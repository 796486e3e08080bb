"""Who may call: every door is tried by those who must not come in."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from app.main import create_app
from app.security import COOKIE, OPEN_PATHS, Guard
from app.settings import Settings
from tests.app.driver import Json, ServerProcess, create

TOKEN = "a-token-of-more-than-16-letters"
HERE = "http://127.0.0.1:8000"


async def _yes(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"yes"})


def guarded(token: str | None = None, **settings: Any) -> httpx.AsyncClient:
    """A client of an application that answers everything that is let through."""
    guard = Guard(_yes, Settings(**settings), token)
    return httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url=HERE)


async def status(client: httpx.AsyncClient, method: str = "GET", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client:
        return (await client.request(method, "/api/runs", headers=named)).status_code


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:8000", 200),
        ("localhost:8000", 200),
        ("LOCALHOST", 200),
        ("[::1]:8000", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example:8000", 403),
        ("192.168.0.7:8000", 403),
        ("", 403),
    ],
)
async def test_a_foreign_host_is_refused(host: str, expected: int) -> None:
    assert await status(guarded(), host=host) == expected


async def test_names_can_be_allowed_and_addresses_are_fine_away_from_loopback() -> None:
    assert await status(guarded(allowed_hosts=("class.example",)), host="class.example") == 200
    away = {"host": "0.0.0.0"}
    assert await status(guarded(**away), host="192.168.0.7:8000") == 200
    assert await status(guarded(**away), host="evil.example") == 403


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),  # a program
        ({"origin": HERE}, 200),
        ({"origin": HERE, "sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
async def test_another_site_cannot_change_anything(headers: dict[str, str], expected: int) -> None:
    for method in ("POST", "PATCH", "DELETE", "PUT"):
        assert await status(guarded(), method, **headers) == expected
    assert await status(guarded(), "GET", **headers) == 200


async def test_the_printed_address_lets_a_browser_in() -> None:
    async with guarded(TOKEN) as client:
        assert (await client.get("/")).status_code == 401
        assert (await client.get("/", params={"token": TOKEN + "x"})).status_code == 401
        first = await client.get("/", params={"token": TOKEN, "language": "zh"})
        assert first.status_code == 303
        assert first.headers["location"] == "/?language=zh", "the token leaves the address"
        cookie = first.headers["set-cookie"]
        assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", f"{COOKIE}={TOKEN}"))
        assert (await client.get("/api/runs")).status_code == 200
        client.cookies.clear()
        assert (await client.get("/api/runs")).status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/api/runs", headers=bearer)).status_code == 200


async def test_the_redirect_stays_here() -> None:
    async with guarded(TOKEN) as client:
        address = httpx.URL(HERE).copy_with(raw_path=f"//evil.example?token={TOKEN}".encode())
        answer = await client.get(address)
        assert answer.headers["location"] == "/evil.example"


def addresses(routes: list[BaseRoute]) -> list[tuple[str, str]]:
    """Method and address of everything that an application answers."""
    found = []
    for route in routes:
        assert not isinstance(route, Mount), "a mount needs a check of its own"
        if (included := getattr(route, "original_router", None)) is not None:
            found += addresses(included.routes)
            continue
        if isinstance(route, WebSocketRoute):
            found.append(("WEBSOCKET", route.path))
        elif isinstance(route, Route | APIRoute):
            found += [(method, route.path) for method in route.methods or ()]
        else:
            raise AssertionError(f"an unknown kind of route: {route}")
    return [(method, path.replace("{run}", "latest")) for method, path in found]


def test_no_door_is_open_to_those_without_a_token(
    start_server: Callable[..., ServerProcess], document: Json, tmp_path: Path
) -> None:
    server = start_server(GLASSNET_TOKEN=TOKEN)
    assert server.token == TOKEN
    doors = addresses(create_app(Settings(data_dir=tmp_path)).routes)
    assert len(doors) > 25
    with server.client(headers={"authorization": f"Bearer {TOKEN}"}) as inside:
        run = create(inside, document)["id"]
        with server.socket(run, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as live:
            assert '"hello"' in str(live.recv(timeout=5))
    with server.client() as outside:
        for method, path in doors:
            if method == "WEBSOCKET":
                with pytest.raises(InvalidStatus, match="401"), server.socket(run):
                    pass
            else:
                answer = outside.request(method, path)
                expected = 200 if path in OPEN_PATHS else 401
                assert answer.status_code == expected, (method, path)
                assert expected == 200 or method == "HEAD" or answer.json()["problems"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
def test_a_socket_of_another_site_is_refused_before_it_opens(
    shared_server: ServerProcess, origin: str | None
) -> None:
    with (
        pytest.raises(InvalidStatus, match="403"),
        shared_server.socket("latest", origin=origin),
    ):
        pass


def test_a_socket_under_a_foreign_name_is_refused(shared_server: ServerProcess) -> None:
    with (
        socket.create_connection(("127.0.0.1", shared_server.port)) as raw,
        pytest.raises(InvalidStatus, match="403"),
        connect(
            "ws://evil.example/api/runs/latest/live", sock=raw, origin=Origin("http://evil.example")
        ),
    ):
        pass


def test_every_answer_keeps_foreign_scripts_out(client: httpx.Client) -> None:
    for path in ("/", "/docs", "/api/health", "/api/nothing", "/openapi.json"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "default-src 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert client.get("/api/runs").headers["cache-control"] == "no-store"


def test_a_name_stays_text(client: httpx.Client, document: Json) -> None:
    document["name"] = "<img src=x onerror=alert(1)>"
    answer = client.post("/api/runs", json={"document": document})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["name"] == document["name"]


def test_away_from_loopback_a_token_is_made_and_asked_for(
    start_server: Callable[..., ServerProcess],
) -> None:
    server = start_server(GLASSNET_HOST="0.0.0.0")
    assert len(server.token) >= 32
    with server.client() as client:
        assert client.get("/api/runs").status_code == 401
        assert client.get("/", params={"token": server.token}).status_code == 303
        assert client.get("/api/runs").status_code == 200
