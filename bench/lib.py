"""lib -- what the measuring parts share: figures, programs, nginx, wrk, memory, and the real servers

A part prints its figures with figure() (bench/run says what becomes of them). Whatever it starts
is stopped when its `with` block ends, also when the part is interrupted.

    with Nginx() as nginx, Program("bench_http") as ours:
        base, mine = in_turn(nginx.url, ours.url + "/")
        figure("empty handler", mine / base, "of nginx", ">= 0.9")
"""
import http.client
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("SERAI_BIN_DIR", ROOT / "build"))
BUILD = BUILD if BUILD.is_absolute() else ROOT / BUILD
CONNECTIONS = 64
READY_S = 30

sys.path.insert(0, str(ROOT / "tests/integration"))
from serai import Box, Failure, free_ports, wait_for  # noqa: E402,F401  (for the parts)


# A part that is told to end leaves through its `with` blocks.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def figure(name, value, unit="", target="", note=""):
    """One figure. target: "", or ">= N" or "<= N" in the same unit."""
    fields = [name, f"{value:.4g}" if isinstance(value, float) else str(value), unit, target, note]
    print("FIGURE|" + "|".join(f.replace("|", "/") for f in fields), flush=True)


def program(name):
    """The path of one of bench's C programs, built if need be."""
    path = BUILD / "bench" / name
    build = ["ninja", "-C", BUILD, f"bench/{name}"]
    r = subprocess.run(build, capture_output=True, text=True)
    if r.returncode != 0 and "unknown target" in r.stdout + r.stderr:  # a library came after meson
        subprocess.run(["meson", "setup", "--reconfigure", "--clearcache", BUILD], check=True,
                       capture_output=True)
        r = subprocess.run(build, capture_output=True, text=True)
    if r.returncode != 0:
        raise SystemExit(f"{name} does not build:\n{r.stdout[-3000:]}{r.stderr[-3000:]}")
    return path


def ended(process):
    """End a process that we started, and wait for it."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Nginx:
    """nginx that answers 200 with nothing: what this machine can do at all."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="nginx-")
        self.port, = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}/"
        conf = pathlib.Path(self.dir.name, "nginx.conf")
        conf.write_text(
            f"worker_processes auto; daemon off; error_log {self.dir.name}/log; pid {self.dir.name}/pid;\n"
            "events { worker_connections 1024; }\n"
            "http { access_log off; keepalive_requests 1000000000;\n"
            f"  client_body_temp_path {self.dir.name}/b; proxy_temp_path {self.dir.name}/p;\n"
            f"  fastcgi_temp_path {self.dir.name}/f; uwsgi_temp_path {self.dir.name}/u;\n"
            f"  scgi_temp_path {self.dir.name}/s;\n"
            f"  server {{ listen 127.0.0.1:{self.port}; location / {{ return 200; }} }} }}\n")
        self.process = subprocess.Popen(["nginx", "-c", conf, "-p", self.dir.name],
                                        stderr=subprocess.DEVNULL)
        wait_for(lambda: status(self.port, "/") == 200, READY_S, "nginx to answer")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        ended(self.process)
        self.dir.cleanup()


class Program:
    """A C program of bench that prints its port (figures may come before it) and ends with its
    standard input, or goes on to its own end."""

    def __init__(self, name, *args):
        self.process = subprocess.Popen([program(name), *map(str, args)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for line in self.process.stdout:
            if line.strip().isdigit():
                break
            print(line, end="", flush=True)
        else:
            raise SystemExit(f"{name} ended with {self.process.wait()}")
        self.port = int(line)
        self.pid, self.url = self.process.pid, f"http://127.0.0.1:{self.port}"

    def rest(self):
        """End its standard input, and pass on what it says until its end."""
        self.process.stdin.close()
        for line in self.process.stdout:
            print(line, end="", flush=True)
        if self.process.wait() != 0:
            raise SystemExit(f"{self.process.args[0]} ended with {self.process.returncode}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            ended(self.process)


def status(port, path):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        c.request("GET", path)
        return c.getresponse().status
    finally:
        c.close()


class Load:
    """What wrk saw: rate (requests a second), p99_ms, text."""

    UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}

    def __init__(self, text):
        self.text = text
        self.rate = float(re.search(r"Requests/sec: *([\d.]+)", text)[1])
        p99 = re.search(r"99% *([\d.]+)(us|ms|s|m)", text)
        self.p99_ms = float(p99[1]) * self.UNITS[p99[2]]


def wrk(url, seconds, connections=CONNECTIONS, script=None, token=None, args=()):
    """Load a URL over keep-alive connections. script: the text of a Lua script. An answer that is
    neither 2xx nor 3xx ends the part: refusals are quick and would look good."""
    argv = ["wrk", "-t", "2", "-c", str(connections), "-d", f"{seconds}s", "--latency"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        if script:
            lua.write(script)
            lua.flush()
            argv += ["-s", lua.name]
        if token:
            argv += ["-H", f"X-Vault-Token: {token}"]
        text = subprocess.run([*argv, url, *args], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"{' '.join(argv)} {url}:\n{text}")
    return Load(text)


def bare_lmdb(seconds):
    """Records a second of LMDB alone: 256 bytes each, synced in groups of 64, on the same disk."""
    argv = [program("bench_store"), "lmdb", str(seconds)]
    return float(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)


def in_turn(*loads, rounds=5, seconds=2):
    """Run several loads (URLs, or functions that return a rate) one after the other, some rounds,
    for machines are noisy; returns the sum of each one's rates."""
    sums = [0.0] * len(loads)
    for _ in range(rounds):
        for i, load in enumerate(loads):
            sums[i] += load() if callable(load) else wrk(load, seconds).rate
    return [s / rounds for s in sums]


def rss_kb(pid, field="VmRSS"):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise SystemExit(f"process {pid} is gone")


def settled_rss_kb(pid, quiet_s=1.0, limit_s=10):
    """RSS once it has not moved for quiet_s: freed memory goes back a moment later."""
    last, since, end = rss_kb(pid), time.monotonic(), time.monotonic() + limit_s
    while time.monotonic() - since < quiet_s and time.monotonic() < end:
        time.sleep(0.05)
        now = rss_kb(pid)
        if now != last:
            last, since = now, time.monotonic()
    return last


def idle_connections(port, n, path):
    """n keep-alive connections that have had one answer each and now ask nothing."""
    held = []
    ask = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    for _ in range(n):
        s = socket.create_connection(("127.0.0.1", port))
        s.sendall(ask)
        if not s.recv(4096).startswith(b"HTTP/1.1 2"):
            raise SystemExit(f"GET {path} is refused")
        held.append(s)
    return held


def median(values):
    return statistics.median(values)
