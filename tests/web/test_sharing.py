"""Addresses, tabs, documents as text, and a server that goes and comes back."""

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.app.driver import ServerProcess
from tests.web.workbench import Workbench


def train(workbench: Workbench, steps: int = 50) -> None:
    """Train for a while, then pause."""
    workbench.run_button.click()
    workbench.until(lambda: workbench.state()["step"] >= steps)
    workbench.run_button.click()
    workbench.until(lambda: workbench.state()["status"] == "paused")


def test_reload_keeps_the_run_and_its_curve(workbench: Workbench) -> None:
    workbench.open()
    train(workbench)
    run, step = workbench.run, workbench.state()["step"]
    workbench.page.reload()
    workbench.settled()
    assert workbench.run == run
    workbench.until(lambda: workbench.step() == step)


def test_back_returns_to_the_network_that_was_left(workbench: Workbench) -> None:
    workbench.open()
    train(workbench)
    run, name = workbench.run, workbench.page.get_by_label("Name of this experiment")
    workbench.button("Gallery").click()
    workbench.page.get_by_role("dialog").get_by_role("button", name="XOR with a hidden").click()
    expect(name).to_have_value("XOR with a hidden layer")
    workbench.until(lambda: "r=" in workbench.page.url and workbench.run != run)
    workbench.page.go_back()
    expect(name).to_have_value("Circle")
    workbench.until(lambda: workbench.run == run)
    workbench.until(lambda: workbench.step() > 0)


def test_a_second_tab_shows_and_steers_the_same_run(
    workbench: Workbench, another_tab: Callable[[str], Workbench]
) -> None:
    workbench.open()
    workbench.layer("h1").get_by_role("button", name="Add a neuron").click()
    workbench.until(lambda: workbench.nodes()[0]["units"] == 5)
    second = another_tab(workbench.page.url)
    second.run_button.click()
    expect(workbench.run_button).to_have_text("Pause")
    second.layer("h2").get_by_role("button", name="Add a neuron").click()
    expect(workbench.layer("h2").locator(".count")).to_have_text("3")
    workbench.run_button.click()
    expect(second.run_button).to_have_text("Run")


def test_a_shared_link_opens_the_same_network_afresh(
    workbench: Workbench, another_tab: Callable[[str], Workbench]
) -> None:
    workbench.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    workbench.open()
    workbench.layer("h1").get_by_role("button", name="Add a neuron").click()
    workbench.until(lambda: workbench.nodes()[0]["units"] == 5)
    workbench.button("Share").click()
    workbench.button("Copy link to this network").click()
    expect(workbench.page.get_by_text("Link copied.")).to_be_visible()
    link = workbench.page.evaluate("navigator.clipboard.readText()")
    second = another_tab(link)
    assert second.run != workbench.run
    assert second.document() == workbench.document()


def test_a_document_goes_out_and_in_as_json(workbench: Workbench) -> None:
    workbench.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    workbench.open()
    workbench.button("Share").click()
    workbench.button("Copy as JSON").click()
    expect(workbench.page.get_by_text("Document copied as JSON.")).to_be_visible()
    document = json.loads(workbench.page.evaluate("navigator.clipboard.readText()"))
    document["networks"]["model"][0]["units"] = 7
    workbench.button("Share").click()
    workbench.button("Paste JSON").click()
    dialog = workbench.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("{}")
    dialog.get_by_role("button", name="Open").click()
    expect(dialog.get_by_role("alert")).to_contain_text("not a Glassnet document")
    dialog.get_by_role("textbox").fill(json.dumps(document))
    dialog.get_by_role("button", name="Open").click()
    expect(workbench.layer("h1").locator(".count")).to_have_text("7")


def test_a_damaged_link_says_so_and_opens_the_first_example(workbench: Workbench) -> None:
    workbench.open("#d=bm90aGluZw")
    expect(workbench.page.get_by_text("damaged on the way")).to_be_visible()
    assert workbench.document()["name"] == "Circle"


def test_a_restart_of_the_server_leaves_no_gap_in_the_curve(page: Page, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    try:
        with server.client() as client:
            workbench = Workbench(page, server, client).open()
            workbench.run_button.click()
            workbench.until(lambda: workbench.state()["step"] > 600)
            server.kill()
            expect(workbench.page.get_by_text("Reconnecting…")).to_be_visible()
            server.start()
            expect(workbench.page.get_by_text("Reconnecting…")).to_be_hidden(timeout=20_000)
            expect(workbench.run_button).to_have_text("Pause", timeout=20_000)
            workbench.until(lambda: workbench.points()[-1]["step"] > 600, within=20)
            workbench.run_button.click()
            workbench.until(lambda: workbench.state()["status"] == "paused")
            steps = [point["step"] for point in workbench.points()]
            assert steps[:513] == list(range(513))
            assert len(set(steps)) == len(steps)
            last = workbench.points()[-1]["values"]["train_loss"]
            row = workbench.page.get_by_role("region", name="Curves").get_by_role(
                "row", name="training"
            )
            cell = row.get_by_role("cell").first
            workbench.until(lambda: abs(float(cell.inner_text()) - last) < 1e-3)
            workbench.page.close()
    finally:
        server.close()
