"""What every test relies on: one BLAS thread, repeatable examples, a real browser."""

import os
from pathlib import Path
from typing import Any

# Before NumPy or PyTorch is imported: both sides of a comparison run one thread.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")

SYSTEM_CHROMIUM = Path("/usr/bin/chromium")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run browser tests last: Playwright's event loop stays on for the session, and
    pytest-asyncio cannot start its own beside it."""
    items.sort(key=lambda item: "web" in Path(item.path).parts)


def chromium() -> dict[str, Any]:
    """How to launch a browser: Debian's Chromium where it is installed, otherwise the one
    Playwright downloaded."""
    if not SYSTEM_CHROMIUM.exists():
        return {}
    # Chromium refuses its sandbox to root, and /dev/shm is small in containers.
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return {"executable_path": str(SYSTEM_CHROMIUM), "args": arguments}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, **chromium()}
