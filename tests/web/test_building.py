"""Building a network by hand: the server's document follows every touch."""

from playwright.sync_api import expect

from tests.web.workbench import Workbench


def ids(workbench: Workbench) -> list[str]:
    return [node["id"] for node in workbench.nodes()]


def test_neurons_and_activations_change_in_place(workbench: Workbench) -> None:
    workbench.open()
    kept = workbench.weights()["model.h1.weight"]
    second = workbench.layer("h2")
    second.get_by_role("button", name="Add a neuron").click()
    second.get_by_role("button", name="Add a neuron").click()
    second.get_by_role("button", name="Remove a neuron").click()
    second.get_by_label("Activation").select_option("ReLU")
    workbench.until(lambda: workbench.nodes()[1].get("units") == 3)
    workbench.until(lambda: workbench.nodes()[1]["activation"] == "relu")
    expect(second).to_contain_text("15 parameters")
    assert (workbench.weights()["model.h1.weight"] == kept).all()


def test_layers_are_added_copied_removed_undone_and_redone(workbench: Workbench) -> None:
    workbench.open()
    workbench.button("Add layer").click()
    workbench.page.get_by_role("group", name="Kinds of layers").get_by_role(
        "button", name="Dense"
    ).click()
    workbench.until(lambda: len(ids(workbench)) == 4)
    workbench.page.keyboard.press("Escape")
    assert ids(workbench)[-1] == "out", "a layer is added before the output"
    workbench.layer("h1").get_by_role("button", name="h1: settings").click()
    workbench.button("Duplicate").click()
    workbench.until(lambda: len(ids(workbench)) == 5)
    grown = ids(workbench)
    workbench.page.keyboard.press("Delete")
    workbench.until(lambda: len(ids(workbench)) == 4)
    workbench.page.keyboard.press("Control+z")
    workbench.until(lambda: ids(workbench) == grown)
    workbench.button("Undo").click()
    workbench.button("Undo").click()
    workbench.until(lambda: ids(workbench) == ["h1", "h2", "out"])
    workbench.button("Redo").click()
    workbench.button("Redo").click()
    workbench.until(lambda: ids(workbench) == grown)


def test_layers_are_moved_by_keyboard(workbench: Workbench) -> None:
    workbench.open()
    handle = workbench.layer("h1").get_by_role("button", name="h1: settings")
    handle.focus()
    workbench.page.keyboard.press("ArrowRight")
    workbench.until(lambda: ids(workbench) == ["h2", "h1", "out"])
    expect(handle).to_be_focused()
    workbench.page.keyboard.press("ArrowLeft")
    workbench.until(lambda: ids(workbench) == ["h1", "h2", "out"])


def test_layers_are_moved_by_mouse(workbench: Workbench) -> None:
    workbench.open()
    workbench.layer("h1").locator(".handle").hover()
    workbench.page.mouse.down()
    target = workbench.layer("h2").bounding_box()
    assert target
    x, y = target["x"] + target["width"] * 0.8, target["y"] + 12
    workbench.page.mouse.move(x - 20, y, steps=8)
    workbench.page.mouse.move(x, y, steps=4)
    workbench.until(lambda: workbench.layers()[:1] == ["h2"])
    workbench.page.mouse.up()
    workbench.until(lambda: ids(workbench) == ["h2", "h1", "out"])


def test_a_skip_connection_goes_around_a_layer(workbench: Workbench) -> None:
    workbench.open()
    for _ in range(2):
        workbench.layer("h2").get_by_role("button", name="Add a neuron").click()
    workbench.button("Insert a layer at place 3").click()
    workbench.page.get_by_role("group", name="Kinds of layers").get_by_role(
        "button", name="Add", exact=True
    ).click()
    workbench.page.keyboard.press("Escape")
    added = workbench.until(lambda: next((i for i in workbench.layers() if i[:2] == "ad"), None))
    workbench.layer(added).locator(".handle").click()
    workbench.page.get_by_role("checkbox", name="Dense · h1").check()
    workbench.until(lambda: workbench.nodes()[2].get("inputs") == ["h1", "h2"])
    workbench.run_button.click()
    workbench.until(lambda: workbench.state()["step"] > 0)


def test_a_wrong_network_says_where_and_how_to_mend_it(workbench: Workbench) -> None:
    workbench.open()
    workbench.button("Insert a layer at place 3").click()
    workbench.page.get_by_role("group", name="Kinds of layers").get_by_role(
        "button", name="Add", exact=True
    ).click()
    workbench.page.keyboard.press("Escape")
    added = workbench.until(lambda: next((i for i in workbench.layers() if i[:2] == "ad"), None))
    workbench.layer(added).locator(".handle").click()
    workbench.page.get_by_role("checkbox", name="Dense · h1").check()
    expect(workbench.layer(added).locator(".bad")).to_be_visible()
    expect(workbench.run_button).to_be_disabled()
    expect(workbench.page.locator(".body .problems")).to_contain_text("shape")
    workbench.button("Undo").click()
    expect(workbench.run_button).to_be_enabled()
