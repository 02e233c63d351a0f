"""golden -- plays a recording (tests/golden) against our servers and tells what differs.

A recording is a scenario: the server profiles it needs and steps, each with what the original
answered. docs/internals/recordings.md describes the format; golden_compare.py the comparison.

    for step in play(load("vault/kv2.json")):
        print(step.number, step.label, step.differences)
"""
import http.client
import json
import re
import sys
import time

import serai
from golden_compare import (NO_CONTRACT, Paths, differences, dig, normalise, normalise_text, pick, scrub,
                            settle_monitor, text_difference)

GOLDEN = serai.ROOT / "tests" / "golden"
KNOWN = GOLDEN / "known_differences.json"


def load(name):
    return json.loads((GOLDEN / name).read_text())


def load_known():
    """{file: {"*": reason}} for capabilities not there yet, {file: {"12": reason}} for steps."""
    return json.loads(KNOWN.read_text())


def fill(value, saved):
    """The value with every ${name} replaced by what is saved under it."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda m: str(saved.get(m[1], m[0])), value)
    if isinstance(value, list):
        return [fill(v, saved) for v in value]
    if isinstance(value, dict):
        return {fill(k, saved): fill(v, saved) for k, v in value.items()}
    return value


class Stage:
    """The servers of a scenario, each profile known by its name; their addresses are `saved`."""

    def __init__(self, box):
        self.box = box
        self.saved = {"work": str(box.work)}
        self.servers = {}

    def start(self, profile):
        options = profile if isinstance(profile, dict) else {"profile": profile}
        name = options["profile"].replace("-", "_")
        getattr(self, "start_" + name)(options)

    def start_moto(self, _):
        self.saved["aws"] = self.box.moto().addr

    def start_vault_dev(self, _):
        self.saved.update(vault=self.box.vault_dev().addr, root="root")

    def start_vault_new(self, _):
        self.saved["vault"] = self.box.vault().addr

    def start_nomad_dev(self, options):
        self.one_agent(options)

    def start_nomad_acl(self, options):
        self.one_agent(options, acl=True)

    def start_nomad_vault(self, options):
        more = fill(options.get("vault", 'token = "root"'), self.saved)
        self.one_agent(options, vault=f'  address = "{self.saved["vault"]}"\n  {more}')

    def one_agent(self, options, **kw):
        agent = self.box.nomad(extra=fill(options.get("extra", ""), self.saved), env=options.get("env"),
                               data=self.box.dir / "ndata", **kw)
        self.saved.update(nomad=agent.addr, nomad_data=str(agent.data))

    def start_nomad_pair(self, options):
        vault = f'  address = "{self.saved["vault"]}"' if "vault" in self.saved else None
        server, client = self.box.nomad_pair(vault, fill(options.get("extra", ""), self.saved),
                                             {"VAULT_TOKEN": "root"})
        self.saved.update(nomad=server.addr, nomad_client=client.addr, nomad_data=str(client.data))


class Step:
    """One step played: its number, what it did, and the lines that tell what differs."""

    def __init__(self, number, step):
        self.number, self.step = number, step
        self.differences = []
        verb = next((k for k in ("http", "cli", "until", "start", "file", "sleep") if k in step), "?")
        what = step.get(verb)
        what = what["http"] if verb == "until" else " ".join(what) if verb == "cli" else what
        self.label = what if verb in ("http", "cli") else f"{verb} {what}"

    @property
    def compared(self):
        return "http" in self.step or "cli" in self.step


class Player:
    """Plays steps one after the other on a stage. `send` may be replaced, to test the player."""

    def __init__(self, stage):
        self.stage, self.box, self.saved = stage, stage.box, stage.saved

    def play(self, number, step):
        played = Step(number, step)
        for verb in ("file", "sleep", "start", "until", "http", "cli"):
            if verb in step:
                played.differences = getattr(self, "play_" + verb)(step) or []
                break
        return played

    def play_file(self, step):
        self.box.write(step["file"], fill(step["text"], self.saved))

    def play_sleep(self, step):
        time.sleep(step["sleep"])  # the recording's own clock, such as a TTL that runs out

    def play_start(self, step):
        self.stage.start(step["start"])

    # -- http --------------------------------------------------------------------------------

    def send(self, step):
        method, path = fill(step["http"], self.saved).split(" ", 1)
        to = step.get("to", "vault")
        headers = fill(step.get("headers", {}), self.saved)
        if step.get("as"):
            headers["X-Nomad-Token" if to == "nomad" else "X-Vault-Token"] = fill(step["as"], self.saved)
        body = None
        if "raw" in step:
            body = fill(step["raw"], self.saved).encode()
        elif "body" in step:
            body = json.dumps(fill(step["body"], self.saved)).encode()
        return serai.request(self.saved[to], method, path, body, headers)

    def play_until(self, step):
        ask = step["until"]
        want = step["equals"]
        last = [None]

        def reached():
            reply = self.send({"to": "nomad", **ask})
            last[0] = dig(value_of(reply), step["path"]) if "path" in step else reply.status
            return last[0] == want or None
        try:
            serai.wait_for(reached, step.get("timeout", 30))
        except serai.Failure:
            return [f"never became {want!r}, was {last[0]!r}"]

    def play_http(self, step):
        try:
            reply = self.send(step)
        except (OSError, http.client.HTTPException, KeyError) as e:
            return [f"no reply: {e!r}"]
        found = self.save(step, value_of(reply))
        return found + self.compare_reply(step, reply)

    def save(self, step, body):
        found = []
        for name, path in step.get("save", {}).items():
            try:
                self.saved[name] = dig(body, path)
            except (KeyError, IndexError, TypeError, ValueError):
                found.append(f"nothing at {path} to save as {name} in {json.dumps(body)[:200]}")
        return found

    def compare_reply(self, step, reply):
        want = step["reply"]
        if reply.status != want["status"]:
            return [f"status {reply.status}, want {want['status']}; {reply.text[:300]}"]
        body = scrub(value_of(reply), self.box.dir)
        if "pick" in step and reply.status < 400:
            body = {path: pick(body, path.split(".")) for path in step["pick"]}
        recorded = want["body"]
        if not step.get("exact"):
            body, recorded = normalise(body, self.saved), normalise(recorded, {})
        ignore = Paths(step.get("ignore", ()))
        found = differences(recorded, ignore.mask(body), ignore, Paths(step.get("unordered", ())))
        return found + self.compare_headers(step, reply)

    def compare_headers(self, step, reply):
        want, found = step["reply"], []
        got = {}
        for name in step.get("show", ()):
            value = normalise(reply.headers.get(name, "<none>"), self.saved)
            got[name] = re.sub(r"^[1-9]\d*$", "<num>", value)
        if "headers" in want and got != want["headers"]:
            found.append(f"headers {got}, want {want['headers']}")
        if "location" in want:
            location = normalise(scrub(reply.headers.get("location", ""), self.box.dir), self.saved)
            if location != want["location"]:
                found.append(f"location {location!r}, want {want['location']!r}")
        kind = reply.headers.get("content-type", "").split(";")[0]
        if want["body"] != "" and kind != want["type"].split(";")[0]:
            found.append(f"content type {kind!r}, want {want['type']!r}")
        return found

    # -- commands ----------------------------------------------------------------------------

    def execute(self, step):
        return self.box.run(*fill(step["cli"], self.saved), stdin=fill(step.get("stdin", ""), self.saved),
                            env=fill(step.get("env", {}), self.saved), timeout_s=step.get("timeout", 90))

    def play_cli(self, step):
        try:
            r = self.execute(step)
        except (serai.Failure, OSError) as e:
            return [str(e)]
        found = []
        for name, pattern in step.get("save", {}).items():
            m = re.search(pattern, r.out)
            if m:
                self.saved[name] = m[1]
            else:
                found.append(f"nothing to save as {name} for {pattern!r} in {r.out[:200]!r}")
        if r.code != step["exit"]:
            found.append(f"exit {r.code}, want {step['exit']}; stderr {r.err[-300:]!r}")
        return found + self.compare_output(step, scrub(r.out, self.box.dir), scrub(r.err, self.box.dir))

    def compare_output(self, step, out, err):
        ignore = step.get("ignore", ())
        found = []
        if step.get("json"):
            found += self.compare_json(step, out)
        elif "stdout" not in ignore:
            want, got = normalise_text(step["want_out"], {}), normalise_text(out, self.saved)
            if step.get("monitor"):
                want, got = settle_monitor(want), settle_monitor(got)
            found += text_difference("stdout", want, got)
        if "stderr" not in ignore and not (err and NO_CONTRACT.search(step["want_err"])):
            found += text_difference("stderr", normalise_text(step["want_err"], {}), normalise_text(err, self.saved))
        return found

    def compare_json(self, step, out):
        try:
            body = json.loads(out)
        except ValueError:
            return [f"not JSON: {out[:200]!r}"]
        if "pick" in step:
            body = {path: pick(body, path.split(".")) for path in step["pick"]}
        ignore = Paths(step.get("ignore", ()))
        return differences(normalise(step["want_json"], {}), ignore.mask(normalise(body, self.saved)),
                           ignore, Paths(step.get("unordered", ())))


def value_of(reply):
    """A reply's body as JSON, or as text where it is none."""
    if reply.json is None and reply.text.strip() != "null":
        return reply.text
    return reply.json


def play(scenario):
    """Start the scenario's servers and yield each Step as it was played."""
    with serai.Box() as box:
        stage = Stage(box)
        for profile in scenario.get("servers", ["vault-dev"]):
            stage.start(profile)
        player = Player(stage)
        for number, step in enumerate(scenario["steps"]):
            yield player.play(number, step)


def judge(played, known):
    """What a run has to say against the known differences of its file: lines, none if all is well."""
    said = []
    for step in played:
        reason = known.get(str(step.number))
        if step.differences and reason is None:
            said.append(f"step {step.number} {step.label}")
            said += ["    " + line for line in step.differences]
        elif reason is not None and not step.differences:
            said.append(f"step {step.number} {step.label} agrees now: remove it from known_differences.json")
    return said


def write_known(known):
    """Keep the file sorted, steps by number, so that its diffs are small."""
    def order(steps):
        return dict(sorted(steps.items(), key=lambda item: int(item[0]) if item[0].isdigit() else -1))
    tidy = {name: order(known[name]) for name in sorted(known) if known[name]}
    KNOWN.write_text(json.dumps(tidy, indent=1, ensure_ascii=False) + "\n")


def update_known(known, name, played, reason):
    """The file's entry after this run: reasons of what differs still are kept."""
    old = known.get(name, {})
    differ = [s for s in played if s.differences]
    known[name] = {str(s.number): old.get(str(s.number), old.get("*", reason)) for s in differ}


def main():
    import argparse
    parser = argparse.ArgumentParser(prog="golden", description="play recordings and show what differs")
    parser.add_argument("files", nargs="+", metavar="FILE", help="such as tests/golden/vault/kv2.json or vault/kv2")
    parser.add_argument("--update", action="store_true", help="rewrite tests/golden/known_differences.json")
    parser.add_argument("--reason", default="not there yet", help="why a newly listed step differs")
    parser.add_argument("--all", action="store_true", help="show known differences too")
    parser.add_argument("-q", action="store_true", help="only the sums")
    args = parser.parse_args()
    agree = differ = 0
    failed = False
    for file in args.files:
        name = "/".join(file.split("/")[-2:]).removesuffix(".json") + ".json"
        known = load_known()
        entry = known.get(name, {}) if not (args.update or args.all) else {}
        played = []
        try:
            for step in play(load(name)):
                played.append(step)
        except serai.Failure as e:
            print(f"{name}: {e}")
            failed = True
        compared = [s for s in played if s.compared or s.differences]
        bad = [s for s in compared if s.differences]
        agree, differ = agree + len(compared) - len(bad), differ + len(bad)
        said = judge(played, {k: v for k, v in entry.items() if k != "*"})
        print(f"{name}: {len(compared) - len(bad)} agree, {len(bad)} differ")
        if not args.q:
            for line in said:
                print("  " + line)
        failed = failed or bool(said)
        if args.update and played:
            update_known(known, name, played, args.reason)
            write_known(known)
    if len(args.files) > 1:
        print(f"{agree} steps agree, {differ} differ")
    return 1 if failed and not args.update else 0


if __name__ == "__main__":
    sys.exit(main())
