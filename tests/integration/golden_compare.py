"""golden_compare -- when do two answers count as the same?

An answer is first *normalised*: values that differ from run to run (tokens, times, addresses)
become the name of the saved value they equal, or else their kind, such as `<uuid>`. Then it is
compared with the recorded one: fields that were recorded must be there, more are allowed; numbers
under a key that ends in ttl, lease_duration or period may differ by 5.

Texts that only show how the original is written (its decoder's or number parser's words) are no
contract: any text will do in their place.
"""
import json
import re
import socket

HOSTNAME = socket.gethostname()


def _round_up(unit_name, next_name):
    """A duration just short of the next full unit is that unit: 1h59m58s -> 2h."""
    def replace(m):
        n = int(m[1]) + 1
        return f"1{next_name}" if n == 60 and next_name else f"{n}{unit_name}"
    return replace


HEX = "[0-9a-f]"
DATE = r"\d{4}-\d\d-\d\d"
CLOCK = r"\d\d:\d\d:\d\d"
ZONE = r"(?: ?(?:Z|UTC|[+-]\d\d:?\d\d(?: [A-Z]+)?))?"
UNSIGNED = r"[1-9]\d*"

# In order: a text is passed through every row, so the longer form stands before what it contains.
KINDS = [(re.compile(pattern, re.S), replacement) for pattern, replacement in [
    # Nomad's words with a number or an id behind them
    (rf"((?:[Jj]ob [Mm]odify [Ii]ndex:|-check-index|job modify index) ){UNSIGNED}\b", r"\1<n>"),
    (r"\b(Task restarting in )[\d.]+m?s\b", r"\1<dur>"),
    (rf"(/dispatch-(?:\w[\w-]*-)?)\d{{10}}-{HEX}{{8}}\b", r"\1<id>"),
    (r"(/periodic-)\d{10}\b", r"\1<unix>"),
    # Keys, tokens, identifiers
    (r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", r"<pem \1>"),
    (r"\bhv[bsr]\.[\w-]{20,}", "<token>"),
    (r"\b[bsr]\.[A-Za-z0-9]{24}\b", "<token>"),
    (rf"\b{HEX}{{8}}(?:-{HEX}{{4}}){{3}}-{HEX}{{12}}\b", "<uuid>"),
    (rf"\b{DATE}[T ]{CLOCK}(?:\.\d+)?{ZONE}(?: m=[+\d.]+)?", "<time>"),
    (r"\b(?:vault|wrapped):v(\d+):[\w+/=-]+", r"vault:v\1:<b64>"),
    (rf"\b{HEX}{{2}}(?:[:-]{HEX}{{2}}){{15,19}}\b", "<serial>"),
    (rf"\bhmac-sha256:{HEX}{{64}}\b", "<hmac>"),
    # Durations that were full a moment ago
    (r"\b(\d+)h59m5\d(?:\.\d+)?s\b", _round_up("h", "")),
    (r"\b(\d+)m5[5-9](?:\.\d+)?s\b", _round_up("m", "h")),
    (r"\brequest id: [A-Za-z0-9-]+", "request id: <id>"),
    (r"\bv\d+\.\d+\.\d+\+builtin(?:\.vault)?\b", "<builtin-version>"),
    (r"\bssh-(rsa|ed25519) [\w+/=]+", r"ssh-\1 <b64>"),
    (r"\becdsa-sha2-\S+ [\w+/=]+", "ecdsa <b64>"),
    (r"\bA[KS]IA[A-Z0-9]{16}\b", "<aws-key>"),
    (r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", "<jwt>"),
    (rf"\bvault-cluster-{HEX}{{8}}\b", "vault-cluster-<id8>"),
    (rf"\b([a-z][a-z0-9_-]*)_{HEX}{{8}}\b", r"\1_<id8>"),
    (rf"\b{HEX}{{64}}\b", "<hex64>"),
    (rf"\b{HEX}{{40}}\b", "<hex40>"),
    (rf"\b{HEX}{{32}}\b", "<hex32>"),
    (r"\b(?=\w*[A-Z])(?=\w*[a-z])[A-Za-z0-9]{24}\b", "<id24>"),
]]

# What commands print for people needs more: before and after the kinds above.
TEXT_FIRST = [(re.compile(r"\b(secret_key +)[\w/+=]{40}(?![\w/+=])", re.A), r"\1<secret>")]
TEXT_LAST = [(re.compile(pattern, re.M), replacement) for pattern, replacement in [
    (rf'("(?:Job)?(?:Create|Modify)(?:Index|Time)": ){UNSIGNED}', r"\1<num>"),
    (rf"\b((?:Create|Modify) Index +=? *){UNSIGNED}\b", r"\1<n>"),
    (r"(127\.0\.0\.1 +)\d{4,5}\b", r"\1<port>"),
    (rf"(check-index=|server-side index \(|with modify index |Check Index = ){UNSIGNED}", r"\1<n>"),
    # how often a monitor sees a change is chance
    (r'^ *(?:<time>: )?Allocation "[0-9a-f<>id8u-]+" status changed: .*\n', ""),
    (r'(^Version +|"version": "|^version: |^Vault )v?\d+\.\d+\.\d+[^"\s]*(?: \(\w+\))?', r"\1<version>"),
    (r"\b\d\d [A-Z][a-z]{2} \d\d \d\d:\d\d [A-Z]{3,4}\b", "<time>"),
    (r"\b[12]\d{9}\b", "<unix>"),
    (r"^(ttl[ \t]+)\S+$", r"\1<dur>"),
    (r'("?\bttl"?: )(\d+)\b', lambda m: m[1] + str((int(m[2]) + 59) // 60 * 60)),
    (rf"(?<![0-9a-f<-]){HEX}{{8}}(?![0-9a-f-])", "<id8>"),
    (r"\b(?:\d+[hmsd]){1,3}\d* ago\b", "<ago>"),
    (r"\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?m?s\b", "<dur>"),
    (r"\b\d+(?:\.\d+)? (?:[KMG]i)?B/", "<size>/"),
    (r"\d+\.\d+ [MGK]iB\b", "<size>"),
    (r"\b\d+/\d+ MHz", "<mhz>"),
]]
LOOPBACK = re.compile(r"127\.0\.0\.1:\d+")
VERSION = re.compile(r"v?\d+\.\d+\.\d+\S*")

# Numbers under these keys are clocks, counters and machine sizes, but not those that are configured.
MOVING = re.compile(r"(?:^time|_time|Time|Index|_id_ref|^Pid|Duration|_unix|version_ts|timestamp|^serial"
                    r"|NodesEvaluated|CPU|MHz|TimestampNs|server_time_utc|expiration|not_before)$")
CONFIGURED = {"MinHealthyTime", "CPU", "CPUShares"}
NEARLY = re.compile(r"(?:ttl|TTL|lease_duration|period)$")

NO_CONTRACT = re.compile(
    r"json: cannot|Go struct|strconv\.|unconvertible type|unsupported type|decoding:|invalid character '"
    r"|unexpected EOF|^EOF$|error converting input|reflect:|interface \{\}|dial tcp|x509: |asn1: |pem:|mime: "
    r"|nil pointer|goroutine|hcldec|mapstructure")


def _by_name(text, saved):
    """Saved values become ${name}; the longest first, for one may be part of another."""
    for name, value in sorted(saved.items(), key=lambda item: -len(str(item[1]))):
        if isinstance(value, str) and len(value) > 5:
            text = text.replace(value, "${" + name + "}")
    return text


def _by_kind(text, tables):
    for table in tables:
        for pattern, replacement in table:
            text = pattern.sub(replacement, text)
    return LOOPBACK.sub("<addr>", text)


def normalise(value, saved, key=""):
    """A JSON value with what changes from run to run replaced."""
    if isinstance(value, dict):
        return {k if k.isalpha() else normalise(k, saved):
                "<host>" if k == "unique.hostname" else normalise(v, saved, k) for k, v in value.items()}
    if isinstance(value, list):
        return [normalise(v, saved, key) for v in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        moves = value != 0 and MOVING.search(key) and key not in CONFIGURED
        return "<num>" if moves else value
    if key == "version" and VERSION.fullmatch(value):
        return "<version>"
    return _by_kind(_by_name(value, saved), [KINDS])


def normalise_text(text, saved):
    """A command's output with the same replaced, blanks folded and rules shortened."""
    text = _by_kind(_by_name(text, saved), [TEXT_FIRST, KINDS, TEXT_LAST])
    lines = text.strip("\n").split("\n")
    return "\n".join(re.sub(r"[ \t]+", " ", re.sub(r"-{3,}", "---", line)).strip() for line in lines)


def settle_monitor(text):
    """A monitor's lines as a set, and of a deployment only its first and last state."""
    head, mark, tail = text.partition("==> <time>: Monitoring deployment")
    states = tail.split("\n<time>\n")
    last = "\n<time>\n" + states[-1] if len(states) > 1 else ""
    return "\n".join(sorted(set(head.split("\n")))) + mark + states[0].strip() + last


def scrub(value, folder):
    """Nothing of this run's directory or this machine's name."""
    if isinstance(value, str):
        value = value.replace(str(folder), "<dir>")
        if len(HOSTNAME) > 5:
            return value.replace(HOSTNAME, "<host>")
        return re.sub(rf"(?m)^{re.escape(HOSTNAME)}(?= {{2,}}|$)", "<host>", value)
    if isinstance(value, list):
        return [scrub(v, folder) for v in value]
    if isinstance(value, dict):
        return {scrub(k, folder): scrub(v, folder) for k, v in value.items()}
    return value


class Paths:
    """Dotted paths, `*` standing for one level."""

    def __init__(self, patterns=()):
        self.patterns = [p.split(".") if p else [] for p in patterns]

    def __bool__(self):
        return bool(self.patterns)

    def match(self, path):
        return any(p == path or (len(p) == len(path) and all(a in ("*", b) for a, b in zip(p, path)))
                   for p in self.patterns)

    def mask(self, value, path=()):
        """The value with everything at these paths replaced by <any>."""
        path = list(path)
        if path and self.match(path):
            return "<any>"
        if isinstance(value, dict):
            return {k: self.mask(v, path + k.split(".")) for k, v in value.items()}
        if isinstance(value, list):
            return [self.mask(v, path + [str(i)]) for i, v in enumerate(value)]
        return value


def pick(value, path):
    """The value at a path (a list of keys), `*` giving one per item; <none> where there is nothing."""
    for n, key in enumerate(path):
        if key == "*":
            rest = path[n + 1:]
            if isinstance(value, list):
                return [pick(v, rest) for v in value]
            if isinstance(value, dict):
                return {k: pick(v, rest) for k, v in value.items()}
            return "<none>"
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, TypeError, ValueError):
            return "<none>"
    return value


def dig(value, dotted):
    """The value at a dotted path; raises where there is none."""
    for key in dotted.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def _findings(text):
    """A list of job file findings, which may come in any order."""
    return sorted(text.replace(": input", ":\ninput").split("\n"))


def _short(value, limit=160):
    return json.dumps(value, ensure_ascii=False)[:limit]


def _same_leaf(want, got, key):
    if want == got and isinstance(want, bool) == isinstance(got, bool):
        return True
    if isinstance(want, (int, float)) and isinstance(got, (int, float)) and not isinstance(want, bool):
        return bool(NEARLY.search(key)) and abs(want - got) <= 5
    if isinstance(want, str) and isinstance(got, str):
        if "\ninput.hcl:" in want and _findings(want) == _findings(got):
            return True
        return bool(got and NO_CONTRACT.search(want))
    return False


def differences(want, got, ignore=Paths(), unordered=Paths(), path=()):
    """Lines that say where `got` is not what was recorded; none if it is."""
    path = list(path)
    where = ".".join(path) or "."
    if path and ignore.match(path):
        return []
    if isinstance(want, dict) and isinstance(got, dict):
        found = []
        for key, value in want.items():
            below = path + key.split(".")
            if key in got:
                found += differences(value, got[key], ignore, unordered, below)
            elif not ignore.match(below):
                found.append(f"{where}: no field {key!r} (want {_short(value, 80)})")
        return found
    if isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            return [f"{where}: {len(got)} items, want {len(want)}"]
        if unordered.match(path):
            want, got = sorted(want, key=json.dumps), sorted(got, key=json.dumps)
        found = []
        for i, (a, b) in enumerate(zip(want, got)):
            found += differences(a, b, ignore, unordered, path + [str(i)])
        return found
    if _same_leaf(want, got, path[-1] if path else ""):
        return []
    return [f"{where}: {_short(got)}, want {_short(want)}"]


def text_difference(what, want, got):
    """Two normalised texts line by line, as a short diff; none if they are the same."""
    if want == got:
        return []
    import difflib
    lines = difflib.unified_diff(want.split("\n"), got.split("\n"), "recorded", "got", n=1, lineterm="")
    return [f"{what}:"] + ["    " + line for line in list(lines)[:40]]
