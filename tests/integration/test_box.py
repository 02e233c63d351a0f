"""The harness itself: a Box finds what a server leaves behind. The server is a stand-in."""
import os
import signal

import pytest

import serai
from machine import Machine

STAND_IN = '''#!/usr/bin/env python3
"""Serves 200 to every GET until SIGINT; its first argument says how it misbehaves."""
import http.server, os, signal, subprocess, sys
how, port = sys.argv[1], int(sys.argv[2])

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *args):
        pass

server = http.server.HTTPServer(("127.0.0.1", port), Handler)
if how == "stubborn":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
if how == "task":
    subprocess.Popen(["sleep", "300"], start_new_session=True)
if how == "task-that-ignores-term":
    subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 300 & wait; sleep 300"], start_new_session=True)
if how == "report":
    print("==1==ERROR: AddressSanitizer: heap-use-after-free", file=sys.stderr, flush=True)
if how == "dies":
    sys.exit("cannot start: no reason")
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
'''


@pytest.fixture
def box(tmp_path, monkeypatch):
    for name in ("serai", "serai-shim"):
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("SERAI_BIN_DIR", str(tmp_path))
    return serai.Box()


def start(box, how):
    port, = serai.free_ports(1)
    s = box.spawn("stand-in", "serai", how, port)
    s.addr = f"http://127.0.0.1:{port}"
    s.wait(lambda: s.request("GET", "/").status == 200, "the stand-in")
    return s


def test_a_good_server_leaves_nothing(box):
    s = start(box, "good")
    box.close()
    assert not s.running()
    assert not box.dir.exists()


@pytest.mark.parametrize("how", ["task", "task-that-ignores-term"])
def test_tasks_that_outlive_their_agent_are_ended(box, how):
    start(box, how)
    assert len(serai.processes_below(box.dir)) >= 2
    box.close()
    assert serai.processes_below(box.dir) == []


def test_a_sanitizer_report_is_a_failure(box):
    start(box, "report")
    with pytest.raises(serai.Failure, match="heap-use-after-free"):
        box.close()


def test_a_report_file_of_any_process_is_a_failure(box):
    (box.dir / "sanitizer.77").write_text("runtime error: shift exponent 64")
    with pytest.raises(serai.Failure, match="shift exponent"):
        box.close()


def test_a_server_that_dies_shows_its_last_words(box):
    with pytest.raises(serai.Failure, match="no reason"):
        start(box, "dies")
    box.close()


def test_a_server_that_does_not_leave_is_killed_and_named(box, monkeypatch):
    monkeypatch.setattr(serai, "LEAVE_S", 1)
    s = start(box, "stubborn")
    with pytest.raises(serai.Failure, match="did not leave within 1 s"):
        s.stop(signal.SIGINT, timeout_s=1)
    assert not s.running()
    box.close()


def test_commands_see_the_box(box):
    r = box.sh("pwd; echo $HOME; cat; exit 3", stdin="hello")
    assert (r.code, r.out.split()) == (3, [str(box.work), str(box.work), "hello"])
    assert os.path.realpath(str(box.bin / "vault")) == os.path.realpath(serai.find_binary("serai"))
    box.close()


def test_a_machine_has_its_own_processes_ports_and_programs(box):
    with Machine(box) as m:
        r = m.run("which vault; echo to-stderr >&2; false")
        assert (r.code, r.out, r.err) == (1, "/usr/local/bin/vault\n", "to-stderr\n")
        m.run("cd / && export KEPT=yes")
        assert m.run('echo "$KEPT $PWD"').out == "yes /\n"
        m.run("serai good 8200 > $HOME/server.log 2>&1 &").ok()
        m.wait("curl -sf http://127.0.0.1:8200/")
        assert m.run("pgrep -c sleep").out == "0\n", "processes of other machines are visible"
        with pytest.raises(OSError):
            serai.request("http://127.0.0.1:8200", "GET", "/")
        with pytest.raises(serai.Failure, match="still running after 1 s"):
            m.run("sleep 300", timeout_s=1)
    assert serai.processes_below(box.dir) == []
    box.close()
