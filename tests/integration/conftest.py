"""Fixtures: `box` (an empty one), `vault` (dev), `nomad` (one agent), `pair` (both, connected).

A failed test shows the ends of its servers' logs. A box that does not close cleanly (a server
that does not leave, a sanitizer's report) fails its test.
"""
import pytest

import serai

BOX = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    box = item.stash.get(BOX, None)
    if report.failed and call.when == "call" and box:
        for name, text in box.logs():
            report.sections.append((f"log of {name}", text))
    return report


@pytest.fixture
def box(request):
    b = serai.Box()
    request.node.stash[BOX] = b
    yield b
    b.close()


@pytest.fixture
def vault(box):
    return box.vault_dev()


@pytest.fixture
def nomad(box):
    return box.nomad()


@pytest.fixture
def pair(box):
    """(vault, nomad): an agent whose vault block holds the root token of a dev vault."""
    v = box.vault_dev()
    return v, box.nomad(vault=v)
