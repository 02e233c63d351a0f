"""Our JSON reader takes what Python's takes, refuses what it refuses, and means the same."""
import json
import os
import pathlib
import random
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests/fuzz/corpus/json"

BITS = ["{", "}", "[", "]", ",", ":", '"', "\\", "null", "true", "false", "0", "-1", "1.5", "2e3", "01", "NaN",
        "Infinity", " ", "\n", "\t", "\x00", "\x01", "\\u0000", "\\u00e9", "\\ud83d\\ude00", "\\ud83d", "\\uZZ", "é", "😀",
        "\u2028", "\ufeff", "key", '"a"', '"a":', "/*", "'", "+1", ".5", "1.", "-", "1e", "0123456789abcdef"]


def values(rng, depth=4):
    """A random value that JSON has."""
    kind = rng.randrange(7 if depth else 4)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([0, -1, 2**70, 1.5, -2e-7, 1e300])
    if kind < 4:
        return "".join(rng.choice(["a", "é", "\n", '"', "\\", "\x00", "\x1f", "😀", "\u2028", "<&>", "x" * 17]) for _ in range(rng.randrange(5)))
    if kind == 4:
        return [values(rng, depth - 1) for _ in range(rng.randrange(5))]
    return {f"k{rng.randrange(40)}": values(rng, depth - 1) for _ in range(rng.randrange(30))}


def texts():
    rng = random.Random(20260101)
    yield from (p.read_bytes() for p in sorted(CORPUS.iterdir()))
    for _ in range(2000):
        text = json.dumps(values(rng), ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1]))
        yield text.encode()
        raw = bytearray(text.encode())
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(raw) + 1)
            raw[at:at + rng.randrange(3)] = rng.choice(BITS).encode() if rng.random() < 0.8 else bytes([rng.randrange(256)])
        yield bytes(raw)
        yield "".join(rng.choice(BITS) for _ in range(rng.randrange(1, 8))).encode()


def whole(value):
    """Lone surrogates are U+FFFD for us."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [whole(v) for v in value]
    if isinstance(value, dict):
        return {whole(k): whole(v) for k, v in value.items()}
    return value


def refuse(word):
    raise ValueError(word)


def python_reads(raw):
    try:
        return True, whole(json.loads(raw.decode("utf-8"), parse_constant=refuse))
    except (ValueError, RecursionError):
        return False, None


def nested_too_deep(answer):
    return "nested deeper" in answer


def tool():
    top = ROOT / os.environ.get("SERAI_BIN_DIR", "build")
    path = top / "tests/unit/lang/json_tool"
    if not path.exists():
        pytest.fail(f"no {path}: build first (make), or set SERAI_BIN_DIR")
    return path


def test_the_json_reader_agrees_with_python():
    inputs = list(texts())
    done = subprocess.run([tool()], input="\n".join(t.hex() or "zz" for t in inputs) + "\n", capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answers = done.stdout.split("\n")[:-1]
    assert len(answers) == len(inputs)
    taken = 0
    for raw, answer in zip(inputs, answers):
        if nested_too_deep(answer):
            continue
        good, value = python_reads(raw)
        assert (answer[0] == "=") == good, (raw, answer)
        if good:
            taken += 1
            assert json.loads(answer[1:]) == value, (raw, answer)
    assert taken > 2000, "most inputs are no JSON: the test has lost its point"
