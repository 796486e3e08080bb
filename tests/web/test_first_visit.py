"""Someone who has never seen the page."""

from playwright.sync_api import expect

from tests.web.workbench import Workbench


def test_a_network_trains_with_one_press(workbench: Workbench) -> None:
    workbench.open()
    workbench.run_button.click()
    workbench.until(lambda: workbench.step() > 0)
    first = workbench.points()[0]["values"]["train_loss"]
    workbench.until(lambda: workbench.points()[-1]["values"]["train_loss"] < first / 2)
    shown = workbench.page.get_by_role("region", name="Curves").get_by_role("row", name="training")
    workbench.until(lambda: float(shown.get_by_role("cell").first.inner_text()) < first / 2)


def test_space_runs_and_pauses(workbench: Workbench) -> None:
    workbench.open()
    workbench.page.keyboard.press("Space")
    expect(workbench.run_button).to_have_text("Pause")
    workbench.until(lambda: workbench.state()["step"] > 0)
    workbench.page.keyboard.press("Space")
    expect(workbench.run_button).to_have_text("Run")
    assert workbench.until(workbench.state)["status"] == "paused"


def test_one_step_one_epoch_and_reset_to_the_same_weights(workbench: Workbench) -> None:
    workbench.open()
    before = workbench.weights()
    workbench.button("One step").click()
    workbench.until(lambda: workbench.step() == 1)
    workbench.button("One epoch").click()
    workbench.until(lambda: workbench.counter("Epoch") == "1")
    changed = workbench.weights()
    assert any((changed[name] != before[name]).any() for name in before)
    workbench.button("Reset").click()
    workbench.until(lambda: workbench.step() == 0)
    again = workbench.weights()
    assert all((again[name] == before[name]).all() for name in before)
