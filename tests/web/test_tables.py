"""A person's own data."""

from pathlib import Path

from playwright.sync_api import expect

from tests.web.workbench import Workbench

ROWS = "\n".join(
    ["height,colour,weight,kind"]
    + [
        f"{10 + 0.37 * k:.2f},{('red', 'blue')[k % 2]},{'' if k % 5 == 0 else k % 9},{('cat', 'dog')[k % 2]}"
        for k in range(40)
    ]
)


def trains(workbench: Workbench) -> None:
    workbench.button("One epoch").click()
    workbench.until(lambda: workbench.counter("Epoch") == "1")


def test_a_pasted_table_with_gaps_and_categories_trains(workbench: Workbench) -> None:
    workbench.open()
    page = workbench.page
    page.get_by_role("radio", name="Your own table").click()
    workbench.button("Paste").click()
    page.get_by_label("Rows as CSV").fill(ROWS)
    workbench.button("Use this table").click()
    expect(page.get_by_label("Predict")).to_have_value("kind")
    expect(page.get_by_role("row", name="weight")).to_contain_text("8 missing")
    expect(page.get_by_label("What colour is")).to_have_value("category")
    workbench.until(lambda: "r=" in page.url and workbench.document()["data"]["kind"] == "table")
    trains(workbench)
    notes = workbench.client.get(f"/api/runs/{workbench.run}/data").json()["notes"]
    assert notes
    for note in notes:
        expect(page.get_by_text(note["message"])).to_be_visible()
    expect(page.get_by_role("region", name="Output").get_by_role("table")).to_contain_text("dog")


def test_an_uploaded_file_can_predict_a_number(workbench: Workbench, tmp_path: Path) -> None:
    file = tmp_path / "pets.csv"
    file.write_text(ROWS, encoding="utf-8")
    workbench.open()
    page = workbench.page
    page.get_by_role("radio", name="Your own table").click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_label("Table", exact=True).locator("option:checked")).to_have_text(
        "pets.csv"
    )
    page.get_by_label("Predict").select_option("height")
    page.get_by_label("What kind is").select_option("ignore")
    workbench.until(lambda: workbench.document()["data"].get("columns") == {"kind": "ignore"})
    expect(page.get_by_label("As", exact=True)).to_have_value("regression")
    trains(workbench)
    state = workbench.state()
    assert "train_accuracy" not in state["metrics"]


def test_a_file_that_is_no_table_is_refused_in_words(workbench: Workbench, tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.write_bytes(b"")
    workbench.open()
    page = workbench.page
    page.get_by_role("radio", name="Your own table").click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator(".toast.problem")).to_contain_text("empty")
    workbench.faults.clear()  # the refusal itself


def test_names_in_a_table_and_of_a_network_are_never_markup(workbench: Workbench) -> None:
    page = workbench.page
    attack = "<img src=x onerror=window.hacked=1>"
    workbench.open()
    name = page.get_by_label("Name of this experiment")
    name.fill(attack)
    name.press("Enter")
    workbench.until(lambda: workbench.document()["name"] == attack)
    page.get_by_role("radio", name="Your own table").click()
    workbench.button("Paste").click()
    rows = "\n".join(f"{k},{k % 3},</script>{'ab'[k % 2]}<svg onload=hacked=1>" for k in range(20))
    page.get_by_label("Rows as CSV").fill(f'{attack},"""><b>b</b>",<i>kind</i>\n{rows}')
    workbench.button("Use this table").click()
    expect(page.get_by_label("Predict")).to_have_value("<i>kind</i>")
    expect(page.get_by_role("row", name=attack)).to_be_visible()
    workbench.until(lambda: "r=" in page.url and workbench.document()["data"]["kind"] == "table")
    trains(workbench)
    page.locator(".network button").first.hover()
    page.get_by_role("region", name="Output").get_by_role("button").nth(1).click()
    workbench.button("Runs").click()
    expect(page.get_by_role("dialog").get_by_role("row").nth(1)).to_be_visible()
    assert page.evaluate("window.hacked === undefined")
    assert page.locator("img, b b, i i, td script").count() == 0
