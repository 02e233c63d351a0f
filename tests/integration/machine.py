"""machine -- a shell on a machine of its own, for what uses well-known ports and `pkill nomad`.

A `Machine` is one bash in new process, network and mount namespaces: its loopback, its process
table and its /usr/local/bin (our vault, nomad, serai) are its own, so that a document's commands
run as they are written, beside other tests. When its first process ends, the kernel ends the rest.

    machine = Machine(box)
    machine.run("vault server -dev > vault.log 2>&1 &")
    machine.wait("vault status")
    assert machine.run("vault policy list").out == "default\\nroot\\n"
"""
import os
import select
import subprocess
import time

import serai

PREPARE = """
ip link set lo up
mount --bind "$BOX_BIN" /usr/local/bin
cd "$HOME"
"""

# SIGINT to all but this shell, then a moment for what a server writes at its end.
LEAVE = """
kill -INT -1 2>/dev/null
for _ in $(seq 50); do
    [ "$(pgrep -c .)" -le 2 ] && break
    sleep 0.1
done
"""


class Machine:
    def __init__(self, box):
        self.box = box
        self.count = 0
        env = {**box.env, "BOX_BIN": str(box.bin), "USER": "root",
               "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        self.process = subprocess.Popen(
            ["unshare", *user, "--fork", "--kill-child", "--pid", "--mount-proc", "--net", "--mount",
             "bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=box.work, env=env)
        self.stuck = False
        self.run(PREPARE).ok()
        self.namespace = os.readlink(f"/proc/{self.process.pid}/ns/pid_for_children")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def run(self, command, timeout_s=serai.COMMAND_S):
        """Type a command (any bash text) and wait for its end; what it leaves in the background
        goes on writing into its own output files."""
        self.count += 1
        base = self.box.dir / f"step{self.count}"
        base.with_suffix(".sh").write_text(command + "\n")
        self.process.stdin.write(
            f". {base}.sh > {base}.out 2> {base}.err < /dev/null; echo exit=$?\n".encode())
        self.process.stdin.flush()
        code = self.answer(command, timeout_s)
        return serai.Result([command], code, base.with_suffix(".out").read_text("utf-8", "replace"),
                            base.with_suffix(".err").read_text("utf-8", "replace"))

    def answer(self, command, timeout_s):
        """The exit code that the shell reports on its own stdout."""
        end = time.monotonic() + timeout_s
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            if not ready:
                self.stuck = True
                raise serai.Failure(f"still running after {timeout_s} s: {command}")
            data = os.read(self.process.stdout.fileno(), 64)
            if not data:
                raise serai.Failure(f"the shell ended during: {command}\n{self.process.stderr.read().decode()}")
            line += data
        return int(line.decode().strip().removeprefix("exit="))

    def wait(self, command, timeout_s=serai.READY_S):
        """Run a command until it succeeds."""
        last = [None]

        def good():
            last[0] = self.run(command, timeout_s)
            return last[0] if last[0].code == 0 else None
        try:
            return serai.wait_for(good, timeout_s)
        except serai.Failure:
            raise serai.Failure(f"never succeeded within {timeout_s} s: {last[0]!r}\n{self.outputs()}") from None

    def start_moto(self, port=5000):
        """A fake AWS; returns its address."""
        self.run(f"{serai.ROOT}/.venv/bin/moto_server -H 127.0.0.1 -p {port} > moto.log 2>&1 &")
        self.wait(f"curl -sf http://127.0.0.1:{port}/moto-api/", 60)
        return f"http://127.0.0.1:{port}"

    def outputs(self):
        """The ends of everything that was printed, for a failure's report."""
        files = [*self.box.dir.glob("step*.out"), *self.box.dir.glob("step*.err"), *self.box.work.glob("*.log")]
        texts = [(f.name, f.read_text("utf-8", "replace")[-2000:]) for f in sorted(files)]
        return "\n".join(f"-- {name}\n{text}" for name, text in texts if text)

    def processes(self):
        """Pids (as seen from outside) of all that runs in this machine."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/ns/pid") == self.namespace:
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def close(self):
        """Ask all processes to leave, then end the namespace and with it whatever is left."""
        if self.process.poll() is None and not self.stuck:
            try:
                self.run(LEAVE, serai.LEAVE_S)
            except serai.Failure:
                pass  # what does not leave is ended below
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()
        serai.wait_for(lambda: not self.processes(), 10, "the machine to end")
