"""For people who see, hear or move otherwise: axe finds nothing, and no mouse is needed."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.workbench import Workbench

AXE = Path(__file__).parents[2] / "static" / "node_modules" / "axe-core" / "axe.min.js"


CHECK = """async () => {
  // Colours in the middle of a transition are nobody's choice.
  const changes = document.getAnimations().filter((change) => change instanceof CSSTransition)
  await Promise.allSettled(changes.map((change) => change.finished))
  return (await axe.run(document, { resultTypes: ['violations'] })).violations
}"""


def violations(workbench: Workbench) -> list[str]:
    """What axe complains about, each with its rule, place and reason."""
    found: list[dict[str, Any]] = workbench.page.evaluate(CHECK)
    return [
        f"{rule['id']}: {node['html'][:120]}: {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(workbench: Workbench, theme: str) -> None:
    page = workbench.page
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    workbench.open()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = {"main": violations(workbench)}
    workbench.button("One step").click()
    workbench.until(lambda: workbench.step() == 1)
    for name, where in (("Gallery", "gallery"), ("Runs", "runs")):
        workbench.button(name).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        expect(page.get_by_role("dialog").get_by_role("button").nth(1)).to_be_visible()
        found[where] = violations(workbench)
        page.keyboard.press("Escape")
    page.get_by_role("radio", name="Your own table").click()
    workbench.button("Paste").click()
    page.get_by_label("Rows as CSV").fill("a,b,kind\n1,2,x\n3,,y\n5,6,x\n7,8,y")
    workbench.button("Use this table").click()
    expect(page.get_by_label("What b is")).to_be_visible()
    expect(workbench.run_button).to_be_enabled()
    found["table"] = violations(workbench)
    page.get_by_role("tab", name="Training").click()
    page.locator(".cards .handle").first.click()
    expect(page.locator(".wiring")).to_be_visible()
    found["layer"] = violations(workbench)
    assert not {where: rules for where, rules in found.items() if rules}


FOCUSED = """() => {
  const { activeElement: it } = document
  const name = it.getAttribute('aria-label') || it.labels?.[0]?.innerText || it.innerText || it.tagName
  return it === document.body ? null : name.trim()
}"""


def test_the_tabulator_reaches_everything(workbench: Workbench) -> None:
    workbench.open()
    reached: list[str] = []
    for _ in range(120):
        workbench.page.keyboard.press("Tab")
        name = workbench.page.evaluate(FOCUSED)
        if name is None:
            break
        reached.append(name)
    else:
        raise AssertionError("the focus never leaves the page")
    for wanted in (
        "Gallery", "Runs", "Share", "Name of this experiment", "Help", "Data", "Test share",
        "Dense, h1: settings", "Add a neuron", "Activation", "Add layer", "h1, neuron 1",
        "out, neuron 1", "Log scale", "Distributions", "Run", "One step", "One epoch", "Reset",
        "New initial weights", "Speed", "Learning rate",
    ):  # fmt: skip
        assert any(name.startswith(wanted) for name in reached), f"{wanted}: {reached}"
    workbench.page.locator("body").focus()
    workbench.page.evaluate("document.activeElement.blur()")
    workbench.page.keyboard.press("Space")
    expect(workbench.run_button).to_have_text("Pause")
