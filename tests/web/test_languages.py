"""Everything that a person reads, in Chinese and in English, on screens of two sizes."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.web.workbench import Workbench

# Names, terms and formulas that stay as they are in Chinese.
KEPT = """
    Glassnet English XOR CSV JSON REST safetensors ReLU ELU GELU SiLU Softplus Tanh Sigmoid tanh sin
    cos exp log max min SGD Adam AdamW RMSProp Adagrad Nesterov Huber Glorot LeCun Ctrl Shift Enter
    Esc Delete Tab softmax sigmoid Xavier Dropout rate weight bias out
"""

# Texts on show, and those that a screen reader or a tooltip tells.
TEXTS = """() => {
  const found = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { parentElement: parent, data } = walker.currentNode
    if (data.trim() && parent.checkVisibility() && !parent.closest('[lang=en]:not(html)'))
      found.push(data.trim())
  }
  for (const element of document.querySelectorAll('*'))
    for (const name of ['aria-label', 'data-tip', 'title', 'placeholder', 'aria-valuetext'])
      if (element.getAttribute(name)) found.push(element.getAttribute(name))
  return found
}"""

# Elements whose own text is wider or higher than they are, and hidden or cut with an ellipsis.
CLIPPED = """() => [...document.querySelectorAll('body *')].filter((element) => {
  if (!element.checkVisibility() || element.closest('.visually-hidden, canvas, textarea')) return false
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
  if (!own || getComputedStyle(element).overflowX === 'visible') return false
  return element.scrollWidth > element.clientWidth + 1
}).map((element) => element.textContent.trim())"""


def everywhere(workbench: Workbench) -> list[tuple[str, list[str]]]:
    """Every text of the page, by where it is: panels, palette, settings, dialogs."""
    page, found = workbench.page, []

    def look(where: str) -> None:
        found.append((where, page.evaluate(TEXTS)))

    look("start")
    page.get_by_role("tab").last.click()
    look("training")
    page.locator(".cards .handle").first.click()
    expect(page.locator(".wiring")).to_be_visible()
    look("layer")
    page.keyboard.press("Escape")
    page.locator("button.add").click()
    look("palette")
    page.keyboard.press("Escape")
    page.locator(".network button").nth(2).focus()
    page.keyboard.press("Enter")
    expect(page.locator("main .card .body table")).to_be_visible()
    look("neuron")
    page.keyboard.press("Escape")
    page.locator(".right details summary").click()
    look("histograms")
    for key in ("g", "?"):
        page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_be_visible()
        look(f"dialog {key}")
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("tab").first.click()
    for chip in page.locator(".names .chip").all():
        chip.click()
        expect(chip).to_have_attribute("aria-checked", "true")
        page.wait_for_load_state("networkidle")
        look(chip.inner_text())
    return found


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z][A-Za-z'-]{2,}", text))


def test_nothing_is_left_in_english_for_a_chinese_reader(chinese: Workbench) -> None:
    chinese.open()
    kept = words(KEPT)
    for kind in ("iris", "wine", "penguins", "houses"):
        # Columns, classes and sources have the names that their makers gave them.
        data = chinese.client.post("/api/data", json={"data": {"kind": kind}}).json()
        names = ("columns", "classes", "target", "features", "source")
        kept |= words(json.dumps([data[name] for name in names]))
    told = everywhere(chinese)
    left = {(where, text) for where, texts in told for text in texts if words(text) - kept}
    assert not left


def test_the_language_changes_without_losing_the_run(workbench: Workbench) -> None:
    workbench.open()
    workbench.run_button.click()
    workbench.until(lambda: workbench.state()["step"] > 0)
    run = workbench.run
    workbench.button("EN").click()
    workbench.button("简体中文").click()
    expect(workbench.run_button).to_have_text("暂停")
    assert workbench.page.locator("html").get_attribute("lang") == "zh-Hans"
    assert workbench.run == run
    workbench.page.reload()
    expect(workbench.run_button).to_have_text("暂停")


@pytest.mark.parametrize("width", [1440, 1024])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_is_cut_off(
    workbench: Workbench, chinese: Workbench, language: str, width: int
) -> None:
    shown = chinese if language == "zh" else workbench
    shown.page.set_viewport_size({"width": width, "height": 900 if width == 1440 else 768})
    shown.open()
    clipped = shown.page.evaluate(CLIPPED)
    shown.page.get_by_role("tab").last.click()
    clipped += shown.page.evaluate(CLIPPED)
    shown.page.locator(".cards .handle").first.click()
    expect(shown.page.locator(".wiring")).to_be_visible()
    clipped += shown.page.evaluate(CLIPPED)
    assert not clipped
    wide = "document.documentElement.scrollWidth <= innerWidth"
    assert shown.page.evaluate(wide), "the page scrolls sideways"
