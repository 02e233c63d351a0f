"""The player of the recordings, tested without a server: every recorded answer agrees with itself,
and an answer that was tampered with does not."""
import copy
import json
import pathlib

import pytest

import golden
import serai

FILES = sorted(str(p.relative_to(golden.GOLDEN)) for p in golden.GOLDEN.glob("*/*.json"))


class Tape(golden.Player):
    """A player whose servers and commands answer what was recorded. Values that
    no sample holds (addresses, what `pick` left out) are `unknown`."""

    def __init__(self, tamper=None):
        class FakeBox:
            dir = work = pathlib.Path("/nonexistent")
        stage = golden.Stage(FakeBox())
        super().__init__(stage)
        self.unknown = {"vault", "nomad", "nomad_client", "nomad_data", "work", "aws"}
        self.tamper = tamper or (lambda value: value)

    def send(self, step):
        want = step["reply"]
        body = self.tamper(step.get("sample", want["body"]))
        body = "" if body is None and want["body"] == "" else body
        headers = {"Content-Type": want["type"], **want.get("headers", {})}
        if "location" in want:
            headers["Location"] = want["location"]
        data = body if isinstance(body, str) else json.dumps(body)
        return serai.Reply(want["status"], list(headers.items()), data.encode())

    def save(self, step, body):
        super().save(step, body)
        self.unknown |= set(step.get("save", {})) - set(self.saved)
        return []

    def execute(self, step):
        return serai.Result(step["cli"], step["exit"], self.tamper(step["stdout"]), step["stderr"])


def replay(name, tamper=None):
    """The steps of a recording played from tape, but for those that show an unknown value."""
    player = Tape(tamper)
    for number, step in enumerate(golden.load(name)["steps"]):
        if not ("http" in step or "cli" in step):
            continue
        step = copy.deepcopy(step)
        if "http" in step:
            step.pop("pick", None)  # a reply's sample is what was picked
        played = player.play(number, step)
        shown = json.dumps([step.get("reply"), step.get("want_out"), step.get("want_err"), step.get("want_json")])
        if not any("${" + name + "}" in shown for name in player.unknown):
            yield played


@pytest.mark.parametrize("name", FILES)
def test_a_recording_agrees_with_itself(name):
    said = golden.judge(list(replay(name)), {})
    assert not said, "\n".join(said)


TAMPERED = [
    # label, file, what is done to the answer, what is said
    ("a field goes missing", "vault/kv2.json", lambda v: without(v, "data"), "no field 'data'"),
    ("a text changes", "nomad/cli-run.json", lambda v: v.replace("Status", "State") if isinstance(v, str) else v, "stdout:"),
    ("an extra field is no difference", "vault/kv2.json", lambda v: {**v, "x": 1} if isinstance(v, dict) else v, None),
]


def without(value, key):
    return {k: v for k, v in value.items() if k != key} if isinstance(value, dict) else value


@pytest.mark.parametrize("label,name,tamper,want", TAMPERED, ids=[t[0] for t in TAMPERED])
def test_an_answer_that_was_tampered_with(label, name, tamper, want):
    said = "\n".join(golden.judge(list(replay(name, tamper)), {}))
    assert (want in said) if want else not said


def test_known_differences_are_strict_in_both_directions():
    same, differs = golden.Step(1, {"http": "GET /a"}), golden.Step(2, {"http": "GET /b"})
    differs.differences = ["status 500, want 200"]
    assert golden.judge([same, differs], {"2": "later"}) == []
    assert golden.judge([differs], {})[0] == "step 2 GET /b"
    assert "remove it" in golden.judge([same], {"1": "later"})[0]


LEAVES = [
    # label, key, recorded, got, the same?
    ("a ttl within five", "ttl", 3600, 3596, True),
    ("a ttl beyond five", "ttl", 3600, 3594, False),
    ("another number", "count", 3, 4, False),
    ("false is not zero", "on", 0, False, False),
    ("the original's own words", "errors", "json: cannot unmarshal", "field x: must be a string", True),
    ("but not silence", "errors", "json: cannot unmarshal", "", False),
]


@pytest.mark.parametrize("label,key,want,got,same", LEAVES, ids=[row[0] for row in LEAVES])
def test_leaves(label, key, want, got, same):
    assert (not golden.differences({key: want}, {key: got})) == same
