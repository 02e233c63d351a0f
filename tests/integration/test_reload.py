"""SIGHUP gives a whole server new certificates: connections that are open go on, new ones get the new
certificate, and files that are no good leave the old one in use."""
import http.client
import signal
import ssl
import subprocess

import pytest

import serai


class Certificate:
    """A self-signed certificate for 127.0.0.1 in two files that can be written anew."""

    def __init__(self, folder):
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self.renew()

    def renew(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", self.key, "-out", self.cert, "-days", "2", "-subj", "/CN=test",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        return self.now()

    def now(self):
        return ssl.PEM_cert_to_DER_cert(self.cert.read_text())


def connect(port):
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    c = http.client.HTTPSConnection("127.0.0.1", port, context=trusting, timeout=20)
    c.connect()
    return c


def shown(port):
    c = connect(port)
    try:
        return c.sock.getpeercert(binary_form=True)
    finally:
        c.close()


def get(c, path):
    c.request("GET", path)
    r = c.getresponse()
    r.read()
    return r.status


def vault_server(box, pair):
    port, = serai.free_ports(1)
    config = box.dir / "tls.hcl"
    config.write_text(f'storage "file" {{\n  path = "{box.dir}/tls-data"\n}}\nlistener "tcp" {{\n'
                      f'  address = "127.0.0.1:{port}"\n  tls_cert_file = "{pair.cert}"\n  tls_key_file = "{pair.key}"\n}}\n'
                      'disable_mlock = true\n')
    return box.spawn("vault", "vault", "server", "-config", config), port, "/v1/sys/seal-status"


def nomad_agent(box, pair):
    tls = f'tls {{\n  http = true\n  ca_file = "{pair.cert}"\n  cert_file = "{pair.cert}"\n  key_file = "{pair.key}"\n}}'
    agent = box.nomad(extra=tls, wait=False)
    return agent, int(agent.addr.rsplit(":", 1)[1]), "/v1/agent/self"


@pytest.mark.parametrize("start", [vault_server, nomad_agent])
def test_certificates_are_renewed_by_sighup(box, start):
    pair = Certificate(box.dir)
    first = pair.now()
    server, port, path = start(box, pair)
    server.wait(lambda: shown(port) == first, "the server to show its certificate")
    old = connect(port)
    assert get(old, path) == 200

    second = pair.renew()
    assert shown(port) == first, "files alone change nothing"
    server.process.send_signal(signal.SIGHUP)
    server.wait(lambda: shown(port) == second, "new connections to get the new certificate")
    assert get(old, path) == 200, "the old connection goes on"
    assert old.sock.getpeercert(binary_form=True) == first

    pair.cert.write_text("no certificate\n")
    before = server.log.count("[ERROR]")
    server.process.send_signal(signal.SIGHUP)
    server.wait(lambda: server.log.count("[ERROR]") > before, "an error in the log")
    assert str(pair.cert) in [line for line in server.log.splitlines() if "[ERROR]" in line][-1]
    assert shown(port) == second
    assert get(old, path) == 200

    third = pair.renew()
    server.process.send_signal(signal.SIGHUP)
    server.wait(lambda: shown(port) == third, "the next good one to be taken")
    old.close()
