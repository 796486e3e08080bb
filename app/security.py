"""Who may call: checked once, before anything else sees the request.

Host (against DNS rebinding), Origin (against other sites in the same browser), the token (when the
server can be reached from elsewhere), content type and size. Every answer carries the headers that
keep scripts of others out.
"""

import asyncio
import contextlib
import hmac
import ipaddress
import json
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.problems import ApiProblem, Language, refusal
from app.settings import MIB, Settings

COOKIE = "glassnet_token"
OPEN_PATHS = frozenset({"/api/health"})
"""Answered without a token: whoever watches over the server need not know it."""

UPLOADS = frozenset({"/api/tables"})
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

DRAINED = 256 * MIB
DRAIN_SECONDS = 10.0

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """ASGI middleware. `token` is None where everybody on this machine may call."""

    def __init__(self, app: ASGIApp, settings: Settings, token: str | None) -> None:
        self.app, self.settings, self.token = app, settings, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = _first_headers(scope["headers"])
        try:
            self._check_host(headers)
            self._check_origin(scope, headers)
            if await self._let_in_by_address(scope, send):
                return
            self._check_token(scope, headers)
            if scope["type"] == "http":
                self._check_content(scope, headers)
                receive = self._bounded(scope, receive)
                send = _with_headers(send)
        except ApiProblem as problem:
            await refuse(scope, receive, send, problem, language_of(scope, self.settings))
            return
        await self.app(scope, receive, send)

    # -- checks: each raises `ApiProblem` -------------------------------------------------------

    def _check_host(self, headers: dict[str, str]) -> None:
        name = _name_of(headers.get("host", ""))
        allowed = LOOPBACK_NAMES | set(self.settings.allowed_hosts) | {self.settings.host}
        # Rebinding needs a name of the attacker's; an address is what was typed. Away from
        # loopback the token is asked for as well.
        if name in allowed or (not self.settings.loopback and _is_address(name)):
            return
        raise refusal(
            403, "host", "this server is not known as “{name}”",
            "Use the address it printed, or add the name to GLASSNET_ALLOWED_HOSTS.",
            name=name[:80],
        )  # fmt: skip

    def _check_origin(self, scope: Scope, headers: dict[str, str]) -> None:
        socket = scope["type"] == "websocket"
        if not socket and scope["method"] not in CHANGING:
            return
        origin = headers.get("origin")
        if origin is None:
            # Programs send neither; a browser always sends one of them.
            if not socket and headers.get("sec-fetch-site") in (None, "same-origin", "none"):
                return
        elif urlsplit(origin).netloc == headers.get("host", ""):
            return
        raise refusal(
            403, "origin", "this request comes from another site",
            "Use the page that this server shows. A program sends the server's own address as "
            "Origin when it opens a socket.",
        )  # fmt: skip

    async def _let_in_by_address(self, scope: Scope, send: Send) -> bool:
        """The printed address carries the token: keep it in a cookie, out of sight."""
        if self.token is None or scope["type"] != "http" or scope["method"] != "GET":
            return False
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        given = query.pop("token", None)
        if given is None or not _same(given, self.token):
            return False
        target = "/" + scope["path"].lstrip("/\\") + (f"?{urlencode(query)}" if query else "")
        cookie = f"{COOKIE}={self.token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000"
        await _with_headers(send)(
            {
                "type": "http.response.start",
                "status": 303,
                "headers": [
                    (b"location", target.encode("latin-1", "ignore")),
                    (b"set-cookie", cookie.encode()),
                    (b"content-length", b"0"),
                ],
            }
        )
        await send({"type": "http.response.body", "body": b""})
        return True

    def _check_token(self, scope: Scope, headers: dict[str, str]) -> None:
        if self.token is None or (scope["type"] == "http" and scope["path"] in OPEN_PATHS):
            return
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = bearer if scheme.lower() == "bearer" else _cookie(headers.get("cookie", ""))
        if not _same(given, self.token):
            raise refusal(
                401, "token", "this server asks for its token",
                "Open the address that the server printed when it started, or send the token as "
                "“Authorization: Bearer …”.",
                headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip

    def _check_content(self, scope: Scope, headers: dict[str, str]) -> None:
        length = headers.get("content-length")
        if length is not None and length.isdigit() and int(length) > self._most(scope):
            raise self._too_large(scope)
        has_body = length not in (None, "0") or "transfer-encoding" in headers
        if scope["method"] not in CHANGING or not has_body:
            return
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        upload = scope["path"] in UPLOADS
        known = ("multipart/form-data", "text/csv") if upload else ("application/json",)
        if kind not in known:
            raise refusal(
                415, "content_type", "the content type “{given}” is not understood here",
                "Send {expected}.",
                given=kind[:80], expected=" / ".join(known),
            )  # fmt: skip

    def _most(self, scope: Scope) -> int:
        upload = scope["path"] in UPLOADS
        return self.settings.max_upload if upload else self.settings.max_body

    def _too_large(self, scope: Scope) -> ApiProblem:
        return refusal(
            413, "too_large", "the request is larger than {limit} bytes", "Send less.",
            limit=self._most(scope), headers={"Connection": "close"},
        )  # fmt: skip

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """Count what comes in: a length need not be announced, and need not be true."""
        left = self._most(scope)

        async def counting() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                if message.get("more_body"):
                    await _drain(receive)
                raise self._too_large(scope)
            return message

        return counting


async def refuse(
    scope: Scope, receive: Receive, send: Send, problem: ApiProblem, language: Language
) -> None:
    """Answer with a problem, also to a socket that is not open yet."""
    body = json.dumps(problem.body(language), ensure_ascii=False).encode()
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        *(
            (name.lower().encode(), value.encode())
            for name, value in (problem.headers or {}).items()
        ),
    ]
    if scope["type"] == "websocket":
        await receive()  # the request to connect
    else:
        await _drain(receive)
    start = {"type": f"{kind}.start", "status": problem.status, "headers": [*headers, *HEADERS]}
    await send(start)
    await send({"type": f"{kind}.body", "body": body})


async def _drain(receive: Receive) -> None:
    """Read what is still coming and forget it: who is busy sending does not hear an answer, and a
    connection closed on unread bytes takes the answer with it. Nobody may send for ever."""
    left = DRAINED
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def language_of(scope: Scope, settings: Settings) -> Language:
    """`?language=`, otherwise the first of `Accept-Language` that is spoken here."""
    query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    wanted = [query.get("language", "")]
    accepted = _first_headers(scope["headers"]).get("accept-language", "")
    wanted += [item.partition(";")[0].strip() for item in accepted.split(",")]
    for tag in wanted:
        if tag[:2].lower() == "zh":
            return "zh"
        if tag[:2].lower() == "en":
            return "en"
    return settings.language


def _with_headers(send: Send) -> Send:
    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            more = [header for header in HEADERS if header[0] not in given]
            if b"cache-control" not in given:
                more.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return adding


def _first_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


def _name_of(host: str) -> str:
    """The host without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _same(given: str | None, token: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), token.encode())


def _cookie(header: str) -> str | None:
    try:
        found: Any = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None
