"""The runnable examples run, say what they promise, and clean up after themselves."""
import pytest

import serai
from machine import Machine

CASES = [
    # script, what its output must hold, in order
    ("demo.sh", ["the caravan leaves at dawn", "policies", "[default hello]", "the token is dead", "* invalid accessor"]),
    ("workshop.sh", ["Success! Uploaded policy: aws", "access_key", "policies", "[aws default]", "* bad token"]),
    ("blog.sh", ["Success! Uploaded policy: nomad-server", "nomad", "Sealed", "true", "ready"]),
]


@pytest.mark.parametrize("script,words", CASES, ids=[c[0] for c in CASES])
def test_example(box, script, words):
    with Machine(box) as m:
        r = m.run(f"SERAI={serai.find_binary('serai')} TMPDIR={box.dir} {serai.ROOT}/examples/{script}", 120)
        assert r.code == 0, repr(r)
        at = 0
        for word in words:
            found = (r.out + r.err).find(word, at)
            assert found >= 0, f"no {word!r} after character {at} of:\n{r!r}"
            at = found + len(word)
        assert not list(box.dir.glob("serai-example-*")), "the example left its folder behind"
