"""The page as a person meets it: what is on show, and the run behind it."""

import base64
import json
import time
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import ConsoleMessage, Locator, Page, Response, expect
from safetensors.numpy import load

from tests.app.driver import Json, ServerProcess

WITHIN = 10.0


def address(document: Json) -> str:
    """The part of an address behind `#` that opens a document."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(json.dumps(document).encode()) + packer.flush()
    return f"#d={base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


class Workbench:
    """A page of a server. Everything waits for what it needs."""

    def __init__(self, page: Page, server: ServerProcess, client: httpx.Client) -> None:
        self.page, self.server, self.client = page, server, client
        self.run_button = page.locator("footer .run")
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._read)
        page.on("response", self._look)

    def _read(self, line: ConsoleMessage) -> None:
        # What was answered with an error is told better by `_look`.
        if line.type in ("error", "warning") and "Failed to load resource" not in line.text:
            self.faults.append(line.text)

    def _look(self, response: Response) -> None:
        # Data that are yet to be chosen are asked for in vain.
        if response.status >= 400 and not response.url.endswith("/api/data"):
            self.faults.append(f"{response.status} {response.request.method} {response.url}")

    # -- opening --------------------------------------------------------------------------------

    def open(self, hash: str = "") -> "Workbench":
        """Opens the page; done when its network is on the server and can be trained."""
        self.page.goto(f"{self.server.url}/{hash}")
        return self.settled()

    def settled(self) -> "Workbench":
        expect(self.run_button).to_be_enabled()
        self.until(lambda: "r=" in self.page.url)
        return self

    def open_example(self, id: str) -> "Workbench":
        return self.open(address(self.example(id)["document"]))

    def example(self, id: str) -> Json:
        found: list[Json] = self.client.get("/api/examples").json()
        return next(example for example in found if example["id"] == id)

    # -- what is there --------------------------------------------------------------------------

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def layer(self, node: str) -> Locator:
        """The card of a layer."""
        return self.page.locator(f".card[data-node='{node}']")

    def layers(self) -> list[str]:
        return [
            str(card.get_attribute("data-node"))
            for card in self.page.locator(".cards .card[data-node]").all()
        ]

    def counter(self, name: str) -> str:
        row = self.page.locator("footer dl > div", has=self.page.get_by_text(name, exact=True))
        return row.locator("dd").inner_text()

    def step(self) -> int:
        return int(self.counter("Step").replace(",", ""))

    def edited(self) -> Json:
        """The document as it is on the page: what its address holds."""
        packed = parse_qs(urlsplit(self.page.url).fragment)["d"][0]
        text = zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), -15)
        document: Json = json.loads(text)
        return document

    # -- the run behind it ----------------------------------------------------------------------

    @property
    def run(self) -> str:
        return parse_qs(urlsplit(self.page.url).fragment)["r"][0]

    def state(self) -> Json:
        state: Json = self.client.get(f"/api/runs/{self.run}").json()
        return state

    def document(self) -> Json:
        document: Json = self.state()["document"]
        return document

    def nodes(self) -> list[Json]:
        nodes: list[Json] = self.document()["networks"]["model"]
        return nodes

    def weights(self) -> dict[str, Any]:
        return load(self.client.get(f"/api/runs/{self.run}/weights").content)

    def points(self) -> list[Json]:
        points: list[Json] = self.client.get(f"/api/runs/{self.run}/metrics").json()["points"]
        return points

    # -- waiting --------------------------------------------------------------------------------

    def until(self, seen: Callable[[], Any], within: float = WITHIN) -> Any:
        """The first true answer; the page lives on meanwhile."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            if answer := seen():
                return answer
            self.page.wait_for_timeout(25)
        raise AssertionError("never seen")
