"""Every example opens and trains."""

from playwright.sync_api import expect

from tests.web.workbench import Workbench


def test_every_example_opens_and_trains(workbench: Workbench) -> None:
    workbench.open()
    page = workbench.page
    for example in workbench.client.get("/api/examples").json():
        if example["document"]["data"]["kind"] == "table":
            continue  # asks for a table first; see test_tables
        left = workbench.run
        page.keyboard.press("g")
        page.get_by_role("dialog").get_by_role("button", name=example["title"]).first.click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(page.get_by_label("Name of this experiment")).to_have_value(
            example["document"]["name"]
        )
        expect(page.get_by_text(example["notice"])).to_be_visible()
        workbench.until(lambda left=left: "r=" in page.url and workbench.run != left)  # type: ignore[misc]
        workbench.button("One epoch").click()
        workbench.until(lambda: workbench.counter("Epoch") == "1")
        assert workbench.points()[-1]["step"] > 0
