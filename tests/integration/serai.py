"""serai -- servers, agents and commands for one test, in one temporary directory.

A `Box` owns a directory, free ports, the processes it starts and the environment of the commands
it runs. Leaving it stops everything by pid, ends what tasks are left, and complains if a server
does not leave, if anything stays behind, or if a sanitizer had something to say.

    with Box() as box:
        vault = box.vault_dev()
        nomad = box.nomad(vault=vault)
        box.run("nomad", "job", "run", box.write("x.nomad", JOB)).ok()
        wait_for(lambda: nomad.get("/v1/job/x")["Status"] == "running")

Binaries come from SERAI_BIN_DIR (a build folder; default build/) and are found in the box's own
bin/ under the names serai, vault, nomad and serai-shim.
"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_S = 30        # how long a server may take to answer (under sanitizers)
LEAVE_S = 15        # how long a server may take to leave after SIGINT
COMMAND_S = 90      # how long a command may run
REPORT = re.compile(r"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:).*")


class Failure(AssertionError):
    """Something of the box itself went wrong: a server did not come up, or left traces."""


def wait_for(condition, timeout_s=30, what=None):
    """Poll until condition() is true and return its value; exceptions of a server that is not
    there yet count as false."""
    end = time.monotonic() + timeout_s
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (OSError, http.client.HTTPException, KeyError, IndexError, TypeError, ValueError) as e:
            last = e
        if time.monotonic() > end:
            raise Failure(f"waited {timeout_s} s for {what or condition}; last: {last!r}")
        time.sleep(0.03)


def free_ports(n):
    """n ports that were free a moment ago, all held together so that they differ."""
    held = [socket.socket() for _ in range(n)]
    try:
        for s in held:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


def find_binary(name):
    """The program `name` below SERAI_BIN_DIR, wherever the build put it."""
    top = pathlib.Path(os.environ.get("SERAI_BIN_DIR", ROOT / "build"))
    top = top if top.is_absolute() else ROOT / top
    for folder in (".", "src", "src/shim", "bin"):
        path = top / folder / name
        if path.is_file() and os.access(path, os.X_OK):
            return path.resolve()
    raise Failure(f"no {name} in {top}: build first (make), or set SERAI_BIN_DIR")


class Reply:
    """What a server answered: status, headers (lower case names), data, text, json (None if it is none)."""

    def __init__(self, status, headers, data):
        self.status = status
        self.headers = {k.lower(): v for k, v in headers}
        self.data = data
        self.text = data.decode("utf-8", "replace")
        try:
            self.json = json.loads(self.text)
        except ValueError:
            self.json = None

    def __repr__(self):
        return f"{self.status} {self.text[:300]}"


def request(base, method, path, body=None, headers=None, timeout_s=70):
    """One HTTP request. A dict or list goes as JSON, bytes and str as they are."""
    u = urllib.parse.urlsplit(base)
    c = http.client.HTTPConnection(u.hostname, u.port, timeout=timeout_s)
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    try:
        c.request(method, path, body=body, headers=headers or {})
        r = c.getresponse()
        return Reply(r.status, r.getheaders(), r.read())
    finally:
        c.close()


class Result:
    """What a command did: code, out, err."""

    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    def ok(self):
        assert self.code == 0, repr(self)
        return self

    def fails(self, code=None):
        assert self.code != 0 and (code is None or self.code == code), repr(self)
        return self

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"{' '.join(map(str, self.argv))}\n  exit {self.code}\n  stdout {self.out}\n  stderr {self.err}"


def heed_interrupts():
    """What runs in the background ignores SIGINT, and so would what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Server:
    """A running server: addr (its HTTP address), pid, log, and requests with its token."""

    def __init__(self, box, name, argv, env):
        self.box, self.name, self.argv, self.env = box, name, argv, env
        self.addr = self.token = None
        self.token_header = "X-Vault-Token"
        self.log_path = box.dir / f"{name}.log"
        self.process = None
        self.launch()

    def launch(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(a) for a in self.argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.box.work, env=self.env, start_new_session=True, preexec_fn=heed_interrupts)

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return self.log_path.read_text("utf-8", "replace")

    def running(self):
        return self.process.poll() is None

    def stop(self, sig=signal.SIGINT, timeout_s=LEAVE_S):
        """Send sig and wait; a server that does not leave is killed and is a Failure."""
        if self.running():
            self.process.send_signal(sig)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"{self.name} (pid {self.pid}) did not leave within {timeout_s} s of signal {sig}")

    def restart(self, sig=signal.SIGINT):
        """Stop it and start it again with the same command line (not yet ready on return)."""
        self.stop(sig)
        self.launch()

    def request(self, method, path, body=None, token="", headers=None, **kw):
        """token: None sends none, "" sends the server's own."""
        token = self.token if token == "" else token
        headers = dict(headers or {})
        if token:
            headers[self.token_header] = token
        return request(self.addr, method, path, body, headers, **kw)

    def get(self, path, **kw):
        """The JSON body of a GET that must succeed."""
        r = self.request("GET", path, **kw)
        if r.status >= 400:
            raise ValueError(f"GET {path}: {r!r}")
        return r.json

    def put(self, path, body=None, **kw):
        r = self.request("PUT", path, body, **kw)
        assert r.status < 400, f"PUT {path}: {r!r}"
        return r.json

    def wait(self, condition, what, timeout_s=READY_S):
        """wait_for, but fails at once with the log's end if the server is gone."""
        def alive_and_condition():
            if not self.running():
                raise Failure(f"{self.name} ended with {self.process.returncode}:\n{self.log[-3000:]}")
            return condition()
        try:
            return wait_for(alive_and_condition, timeout_s, what)
        except Failure as e:
            raise Failure(f"{e}\n{self.name}'s log ends:\n{self.log[-3000:]}") from None


def processes_below(folder):
    """Pids of processes that run, point, or came from below folder (tasks and their supervisors)."""
    mark = str(folder).encode()
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) == os.getpid():
            continue
        try:
            links = [os.readlink(f"/proc/{pid}/{n}") for n in ("cwd", "root")]
            text = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() + b"\0"
            text += pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if mark in text or any(link.startswith(str(folder)) for link in links):
            found.append(int(pid))
    return found


def describe(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return "gone"


class Box:
    """See the head of this file. `dir` is everything, `work` the commands' working directory."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="serai-test-"))
        self.work = self.dir / "w"
        self.bin = self.dir / "bin"
        self.work.mkdir()
        self.bin.mkdir()
        self.servers = []
        self.complaints = []
        self.link_binaries()
        self.env = {
            "PATH": f"{self.bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.work), "TZ": "UTC", "LANG": "C.UTF-8",
            "ASAN_OPTIONS": f"log_path={self.dir}/sanitizer:{os.environ.get('ASAN_OPTIONS', '')}",
            "UBSAN_OPTIONS": f"log_path={self.dir}/sanitizer:{os.environ.get('UBSAN_OPTIONS', '')}",
            "TSAN_OPTIONS": f"log_path={self.dir}/sanitizer:{os.environ.get('TSAN_OPTIONS', '')}",
        }

    def link_binaries(self):
        serai = find_binary("serai")
        for name in ("serai", "vault", "nomad"):
            (self.bin / name).symlink_to(serai)
        (self.bin / "serai-shim").symlink_to(find_binary("serai-shim"))

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            self.close()
        except Failure:
            if kind is None:
                raise

    # -- files, commands, processes ------------------------------------------------------------

    def write(self, name, text):
        """A file in the working directory; returns its path."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, *argv, stdin="", env=None, timeout_s=COMMAND_S):
        """Run a command to its end; never raises for its exit code (see Result.ok)."""
        try:
            r = subprocess.run([str(a) for a in argv], input=stdin.encode(), capture_output=True,
                               cwd=self.work, env={**self.env, **(env or {})}, timeout=timeout_s)
        except subprocess.TimeoutExpired as e:
            raise Failure(f"{argv} still runs after {timeout_s} s; stdout {e.stdout!r}") from None
        return Result(argv, r.returncode, r.stdout.decode("utf-8", "replace"),
                      r.stderr.decode("utf-8", "replace"))

    def sh(self, script, **kw):
        """Run a shell script as a person would type it."""
        return self.run("bash", "-c", script, **kw)

    def spawn(self, name, *argv, env=None):
        """Start a server that the box will stop."""
        s = Server(self, name, argv, {**self.env, **(env or {})})
        self.servers.append(s)
        return s

    # -- servers -------------------------------------------------------------------------------

    def vault_dev(self, *args, name="vault", env=None):
        """`vault server -dev` with root token `root`, unsealed and ready."""
        port, = free_ports(1)
        s = self.spawn(name, "vault", "server", "-dev", "-dev-root-token-id=root",
                       f"-dev-listen-address=127.0.0.1:{port}", *args, env=env)
        s.addr, s.token = f"http://127.0.0.1:{port}", "root"
        s.wait(lambda: s.request("GET", "/v1/sys/health").status == 200, "vault -dev to be ready")
        self.env.update(VAULT_ADDR=s.addr, VAULT_TOKEN="root")
        return s

    def vault(self, extra="", storage=None, name="vault", env=None):
        """`vault server -config` on a file store, up but not initialised."""
        port, = free_ports(1)
        storage = storage or f'storage "file" {{\n  path = "{self.dir}/{name}-data"\n}}\n'
        config = self.dir / f"{name}.hcl"
        config.write_text(
            f'{storage}listener "tcp" {{\n  address = "127.0.0.1:{port}"\n  tls_disable = 1\n}}\n'
            f'disable_mlock = true\napi_addr = "http://127.0.0.1:{port}"\n{extra}\n')
        s = self.spawn(name, "vault", "server", "-config", config, env=env)
        s.addr = f"http://127.0.0.1:{port}"
        s.wait(lambda: s.request("GET", "/v1/sys/seal-status").status == 200, "vault to answer")
        self.env.update(VAULT_ADDR=s.addr)
        return s

    def vault_unsealed(self, **kw):
        """The same, initialised with one share and unsealed; `share` and `token` are set."""
        s = self.vault(**kw)
        r = s.put("/v1/sys/init", {"secret_shares": 1, "secret_threshold": 1})
        s.share, s.token = r["keys"][0], r["root_token"]
        s.put("/v1/sys/unseal", {"key": s.share})
        self.env.update(VAULT_TOKEN=s.token)
        return s

    def nomad_config(self, name, role, extra="", vault=None, servers=None, acl=False, data=None):
        """Write an agent's configuration; returns (path, http port, rpc port, data directory)."""
        http_port, rpc, serf = free_ports(3)
        data = data or self.dir / f"{name}-data"
        text = [
            f'name = "{name}"', f'data_dir = "{data}"', 'bind_addr = "127.0.0.1"',
            f"ports {{\n  http = {http_port}\n  rpc = {rpc}\n  serf = {serf}\n}}",
            'advertise {\n  http = "127.0.0.1"\n  rpc = "127.0.0.1"\n  serf = "127.0.0.1"\n}',
            "consul {\n  auto_advertise = false\n  client_auto_join = false\n  server_auto_join = false\n}",
        ]
        if role in ("server", "both"):
            text.append("server {\n  enabled = true\n  bootstrap_expect = 1\n}")
        if role in ("client", "both"):
            joined = f"  servers = {json.dumps(servers)}\n" if servers else ""
            text.append(f'client {{\n  enabled = true\n{joined}  options {{\n    "user.denylist" = ""\n  }}\n}}')
            text.append('plugin "raw_exec" {\n  config {\n    enabled = true\n  }\n}')
        if vault:
            text.append(f"vault {{\n  enabled = true\n{vault}\n}}")
        if acl:
            text.append("acl {\n  enabled = true\n}")
        path = self.dir / f"{name}.hcl"
        path.write_text("\n".join(text + [extra]) + "\n")
        return path, http_port, rpc, data

    def nomad(self, name="node1", role="both", vault=None, env=None, wait=True, **kw):
        """One agent. vault: a Server (used with its token) or the text of the vault block.
        With wait, returns once there is a leader and (role "both") its node is ready."""
        if isinstance(vault, Server):
            vault = f'  address = "{vault.addr}"\n  token = "{vault.token}"'
        path, http_port, rpc, data = self.nomad_config(name, role, vault=vault, **kw)
        s = self.spawn(name, "nomad", "agent", "-config", path, env=env)
        s.addr, s.data, s.rpc, s.config = f"http://127.0.0.1:{http_port}", data, f"127.0.0.1:{rpc}", path
        s.token_header = "X-Nomad-Token"
        if role != "client":
            self.env.update(NOMAD_ADDR=s.addr)
        if wait:
            self.wait_nomad(s, "/v1/agent/self" if role == "client" else None,
                            nodes=role == "both" and not kw.get("acl"))
        return s

    @staticmethod
    def wait_nomad(s, path=None, nodes=False):
        s.wait(lambda: s.get(path or "/v1/status/leader"), f"{s.name} to answer")
        if nodes:
            s.wait(lambda: s.get("/v1/nodes")[0]["Status"] == "ready", f"{s.name}'s node to be ready")

    def nomad_pair(self, vault=None, extra="", env=None):
        """A server agent and a client agent of it, once the node is ready."""
        server = self.nomad("server1", "server", vault=vault, extra=extra, env=env)
        client = self.nomad("client1", "client", vault=vault, extra=extra, env=env,
                            servers=[server.rpc], wait=False)
        server.wait(lambda: server.get("/v1/nodes")[0]["Status"] == "ready", "the client's node to be ready")
        return server, client

    def serai_agent(self, extra="", name="node1", env=None):
        """`serai agent`: both halves in one process, on one store below `data`. The Server is the
        nomad half; the vault answers at `vault_addr`, uninitialised."""
        vault_port, = free_ports(1)
        extra += (f'\nvault_server {{\n  listener "tcp" {{\n    address = "127.0.0.1:{vault_port}"\n'
                  f'    tls_disable = 1\n  }}\n  disable_mlock = true\n'
                  f'  api_addr = "http://127.0.0.1:{vault_port}"\n}}\n')
        path, http_port, _, data = self.nomad_config(name, "both", extra=extra)
        s = self.spawn(name, "serai", "agent", "-config", path, env=env)
        s.addr, s.data, s.token_header = f"http://127.0.0.1:{http_port}", data, "X-Nomad-Token"
        s.vault_addr = f"http://127.0.0.1:{vault_port}"
        self.wait_nomad(s, nodes=True)
        self.env.update(NOMAD_ADDR=s.addr, VAULT_ADDR=s.vault_addr)
        return s

    @staticmethod
    def view(addr):
        """Requests to a vault inside another server's process."""
        v = Server.__new__(Server)
        v.addr, v.token, v.token_header = addr, None, "X-Vault-Token"
        return v

    def moto(self, name="moto"):
        """A fake AWS (IAM, STS)."""
        port, = free_ports(1)
        program = ROOT / ".venv/bin/moto_server"
        program = program if program.exists() else shutil.which("moto_server")
        if not program:
            raise Failure("no moto_server: run tools/install_deps test")
        s = self.spawn(name, program, "-H", "127.0.0.1", "-p", port)
        s.addr = f"http://127.0.0.1:{port}"
        s.wait(lambda: s.request("GET", "/moto-api/").status < 500, "moto to answer", 60)
        return s

    # -- the end -------------------------------------------------------------------------------

    def close(self):
        """Stop everything; raise Failure with all complaints together."""
        for s in reversed(self.servers):
            try:
                s.stop()
            except Failure as e:
                self.complaints.append(str(e))
        self.end_tasks()
        self.collect_reports()
        if os.environ.get("KEEP"):
            print(f"kept {self.dir}", file=sys.stderr)
        else:
            self.unmount()
            shutil.rmtree(self.dir, ignore_errors=True)
            if self.dir.exists():
                self.complaints.append(f"{self.dir} cannot be removed: {sorted(self.dir.rglob('*'))[:5]}")
        if self.complaints:
            raise Failure("\n".join(self.complaints))

    def end_tasks(self):
        """Tasks outlive their agent by design: end what still runs below our directory."""
        for sig, patience in ((signal.SIGTERM, 3), (signal.SIGKILL, 5)):
            for pid in processes_below(self.dir):
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass
            try:
                wait_for(lambda: not processes_below(self.dir), patience, "tasks to end")
                return
            except Failure:
                continue
        left = [f"{pid} {describe(pid)}" for pid in processes_below(self.dir)]
        self.complaints.append(f"left running after SIGKILL: {left}")

    def collect_reports(self):
        """What a sanitizer wrote, in its own files or into a server's log."""
        for path in sorted(self.dir.glob("sanitizer.*")):
            self.complaints.append(f"{path.name}:\n{path.read_text('utf-8', 'replace')[:6000]}")
        for s in self.servers:
            m = REPORT.search(s.log)
            if m:
                self.complaints.append(f"{s.name}: {s.log[m.start():m.start() + 6000]}")

    def unmount(self):
        with open("/proc/self/mounts") as mounts:
            below = [line.split()[1] for line in mounts if line.split()[1].startswith(str(self.dir))]
        for path in reversed(below):
            subprocess.run(["umount", "-l", path], capture_output=True)

    def logs(self):
        """The ends of all servers' logs, for a failed test's report."""
        return [(s.name, s.log[-6000:]) for s in self.servers]
