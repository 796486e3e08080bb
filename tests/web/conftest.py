"""A real browser on a real server: one server for all tests that leave it running."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.app.driver import ServerProcess
from tests.web.workbench import Workbench


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("web"))
    yield process
    process.close()


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {
        **browser_context_args,
        "viewport": {"width": 1440, "height": 900},
        "locale": "en-US",
        "reduced_motion": "reduce",
    }


@pytest.fixture
def workbench(page: Page, server: ServerProcess) -> Iterator[Workbench]:
    """A page, not yet opened, that must neither complain nor fail in its console."""
    with server.client() as client:
        workbench = Workbench(page, server, client)
        yield workbench
        page.close()  # before its run goes, so that it does not miss it
        for run in client.get("/api/runs").json():
            client.delete(f"/api/runs/{run['id']}")
    assert not workbench.faults


@pytest.fixture
def chinese(
    browser: Browser, server: ServerProcess, browser_context_args: dict[str, Any]
) -> Iterator[Workbench]:
    """The same for someone whose browser speaks Chinese."""
    context = browser.new_context(**{**browser_context_args, "locale": "zh-CN"})
    with server.client() as client:
        workbench = Workbench(context.new_page(), server, client)
        yield workbench
    context.close()
    assert not workbench.faults


@pytest.fixture
def another_tab(context: BrowserContext, workbench: Workbench) -> Callable[[str], Workbench]:
    """Opens an address in a second tab of the same browser."""

    def open_tab(url: str) -> Workbench:
        tab = Workbench(context.new_page(), workbench.server, workbench.client)
        tab.page.goto(url)
        return tab.settled()

    return open_tab
