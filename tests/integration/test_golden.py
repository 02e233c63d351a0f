"""Every recording of the originals, played against our servers.

tests/golden/known_differences.json lists what is known to differ yet: a file as "*" (its capability
is not there), or single steps, each with its reason. Anything else that differs fails, and so does
a listed step that agrees by now. `tools/golden FILE` plays one while you work.
"""
import pytest

import golden

KNOWN = golden.load_known()
FILES = sorted(str(p.relative_to(golden.GOLDEN)) for p in golden.GOLDEN.glob("*/*.json"))


@pytest.mark.parametrize("name", [f for f in FILES if "*" not in KNOWN.get(f, {})])
def test_recording(name):
    said = golden.judge(list(golden.play(golden.load(name))), KNOWN.get(name, {}))
    assert not said, "\n".join(said)


def test_known_differences_name_files_steps_and_reasons():
    for name, steps in KNOWN.items():
        assert name in FILES, f"{name} is no recording"
        count = len(golden.load(name)["steps"])
        for number, reason in steps.items():
            assert number == "*" or int(number) < count, f"{name} has no step {number}"
            assert len(reason) > 3, f"{name} step {number} gives no reason"
