"""Looking into a network and changing what is there."""

from playwright.sync_api import expect

from tests.web.workbench import Workbench


def test_a_weight_is_edited_also_while_training(workbench: Workbench) -> None:
    workbench.open()
    workbench.button("h1, neuron 2").focus()
    workbench.page.keyboard.press("Enter")
    inspector = workbench.page.get_by_role("region", name="Inspector")
    inspector.get_by_role("row").nth(1).get_by_role("button").click()
    field = inspector.get_by_role("textbox")
    field.fill("1.25")
    field.press("Enter")
    workbench.until(lambda: workbench.weights()["model.h1.weight"][0, 1] == 1.25)
    workbench.page.get_by_label("Learning rate", exact=True).first.fill("0.00001")
    workbench.page.keyboard.press("Enter")
    workbench.until(lambda: workbench.document()["optimizer"] != "sgd")
    workbench.run_button.click()
    workbench.until(lambda: workbench.state()["step"] > 0)
    field.fill("-2")
    field.press("Enter")
    workbench.until(lambda: abs(workbench.weights()["model.h1.weight"][0, 1] + 2) < 0.1)
    assert workbench.state()["status"] == "running"


def test_the_bias_of_the_output_is_there_to_be_changed(workbench: Workbench) -> None:
    workbench.open()
    workbench.button("out, neuron 1").focus()
    workbench.page.keyboard.press("Enter")
    inspector = workbench.page.get_by_role("region", name="Inspector")
    inspector.get_by_role("row", name="bias").get_by_role("button").click()
    expect(inspector).to_contain_text("model.out.bias[0]")
    inspector.get_by_role("textbox").fill("0.5")
    inspector.get_by_role("textbox").press("Enter")
    workbench.until(lambda: workbench.weights()["model.out.bias"][0] == 0.5)


def test_a_sample_is_followed_through_the_network(workbench: Workbench) -> None:
    workbench.open()
    workbench.button("Follow a sample").click()
    inspector = workbench.page.get_by_role("region", name="Inspector")
    expect(inspector).to_contain_text("out")
    data = workbench.client.get(f"/api/runs/{workbench.run}/data").json()
    sample = data["test"]["inputs"][0]
    answer = workbench.client.post(
        f"/api/runs/{workbench.run}/predict", json={"inputs": [sample]}
    ).json()
    share = max(answer["probabilities"][0]) if "probabilities" in answer else None
    if share is not None:
        expect(inspector.locator(".answer")).to_contain_text(f"{share:.1%}".replace("%", " %"))


def test_the_perceptron_learns_sample_by_sample(workbench: Workbench) -> None:
    workbench.open_example("perceptron")
    before = workbench.weights()
    for count in range(1, 6):
        workbench.button("One step").click()
        workbench.until(lambda count=count: workbench.step() == count)  # type: ignore[misc]
    after = workbench.weights()
    assert any((after[name] != before[name]).any() for name in before)
    workbench.page.get_by_label("Speed").press("End")
    workbench.run_button.click()
    workbench.until(lambda: workbench.points()[-1]["values"]["train_accuracy"] == 1)


def test_points_are_drawn_onto_the_plane(workbench: Workbench) -> None:
    workbench.open()
    workbench.page.get_by_role("radio", name="Your own points").click()
    for label, x in (("0", 0.3), ("1", 0.7)):
        workbench.button(f"Draw points of class {label}").click()
        plane = workbench.page.get_by_role("region", name="Output").locator("canvas").last
        box = plane.bounding_box()
        assert box
        for y in (0.3, 0.5, 0.7):
            workbench.page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    workbench.until(lambda: len(workbench.document()["data"].get("points", ())) >= 6)
    workbench.button("Undo").click()
    workbench.until(lambda: len(workbench.edited()["data"].get("points", ())) < 6)
