"""The commands of `nomad` that need no agent: fmt, config validate, tls."""
import os
import ssl

import pytest

UGLY = 'job "x" {\n type="batch"\n   meta {\na="b"\n  bb = 1\n }\n}\n'
NEAT = 'job "x" {\n  type = "batch"\n  meta {\n    a  = "b"\n    bb = 1\n  }\n}\n'


def test_fmt_lays_out_files_and_keeps_their_modes_and_links(box):
    path = box.write("ugly.hcl", UGLY)
    os.chmod(path, 0o640)
    link = path.with_name("link.hcl")
    link.symlink_to("ugly.hcl")
    assert box.run("nomad", "fmt", "link.hcl").ok().out == "link.hcl\n"
    assert link.is_symlink() and path.read_text() == NEAT
    assert path.stat().st_mode & 0o777 == 0o640
    assert box.run("nomad", "fmt", "ugly.hcl").ok().out == ""


def test_fmt_checks_lists_and_prints_without_writing(box):
    path = box.write("ugly.hcl", UGLY)
    assert box.run("nomad", "fmt", "-check", "ugly.hcl").fails(1).out == "ugly.hcl\n"
    assert box.run("nomad", "fmt", "-write=false", "ugly.hcl").ok().out == "ugly.hcl\n"
    assert box.run("nomad", "fmt", "-write=false", "-list=false", "ugly.hcl").ok().out == NEAT
    assert path.read_text() == UGLY


def test_fmt_reads_standard_input(box):
    assert box.run("nomad", "fmt", "-", stdin=UGLY).ok().out == NEAT
    assert box.run("nomad", "fmt", "-check", "-", stdin=UGLY).fails(1).out == ""
    assert box.run("nomad", "fmt", "-check", "-", stdin=NEAT).ok().out == ""


def test_fmt_takes_the_folder_and_only_when_asked_those_in_it(box):
    for name in ("b.hcl", "a.nomad", "c.txt", ".d.hcl", "sub/e.hcl", ".git/f.hcl"):
        box.write(name, UGLY)
    assert box.run("nomad", "fmt", "-check").fails(1).out == "a.nomad\nb.hcl\n"
    assert box.run("nomad", "fmt", "-recursive").ok().out == "a.nomad\nb.hcl\nsub/e.hcl\n"
    for name in ("c.txt", ".d.hcl", ".git/f.hcl"):
        assert (box.work / name).read_text() == UGLY


@pytest.mark.parametrize("name, text, error", [
    ("gone.hcl", None, "No file or directory at gone.hcl"),
    ("x.txt", UGLY, "Only .nomad and .hcl files can be processed using nomad fmt"),
    ("x.hcl", "a = \n", "x.hcl:1,5"),
    ("x.nomad", '{"job": {}}', "own syntax only"),
])
def test_fmt_says_what_it_cannot_do_and_does_the_rest(box, name, text, error):
    good = box.write("good.hcl", UGLY)
    if text is not None:
        box.write(name, text)
    r = box.run("nomad", "fmt", name, "good.hcl").fails(1)
    assert error in r.err and r.out == "good.hcl\n"
    assert good.read_text() == NEAT
    if text is not None:
        assert (box.work / name).read_text() == text


@pytest.mark.parametrize("text, out", [
    ('data_dir = "/x"\n', "Must specify either server, client or dev mode"),
    ('data_dir = "x"\nclient { enabled = true }\n', "data-dir must be given as an absolute path"),
    ("server {\n", "Error loading configuration from bad.hcl"),
    ("servr {}\n", 'unknown key "servr", did you mean "server"?'),
])
def test_config_validate_says_what_an_agent_would(box, text, out):
    box.write("bad.hcl", text)
    assert out in box.run("nomad", "config", "validate", "bad.hcl").fails(1).err


def test_config_validate_merges_what_it_is_given_and_counts_what_it_cannot_read(box):
    box.write("one.hcl", 'data_dir = "/x"\n')
    box.write("two.hcl", "server { enabled = true }\n")
    r = box.run("nomad", "config", "validate", "one.hcl", "two.hcl").ok()
    assert r.out == "Configuration is valid!\n" and "mTLS is not configured" in r.err
    r = box.run("nomad", "config", "validate", "no1.hcl", "one.hcl", "no2.hcl").fails(1)
    assert r.err.startswith("2 errors occurred:\n\t* Error loading configuration from no1.hcl")
    assert box.run("nomad", "config", "validate").fails(1).err.startswith("Must specify at least one")
    assert "Reads files and directories" in box.run("nomad", "config", "validate", "-h").ok().out


def mode(path):
    return path.stat().st_mode & 0o777


def handshake(box, server, client, name):
    """One TLS connection in memory; both ends prove who they are."""
    ca = box.work / "nomad-agent-ca.pem"
    contexts = []
    for who, purpose in ((server, ssl.Purpose.CLIENT_AUTH), (client, ssl.Purpose.SERVER_AUTH)):
        c = ssl.create_default_context(purpose, cafile=ca)
        c.verify_mode = ssl.CERT_REQUIRED
        c.load_cert_chain(box.work / f"{who}.pem", box.work / f"{who}-key.pem")
        contexts.append(c)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [contexts[1].wrap_bio(to_client, to_server, server_hostname=name),
            contexts[0].wrap_bio(to_server, to_client, server_side=True)]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                pass


def test_tls_makes_certificates_that_agents_and_people_can_use(box):
    r = box.sh("umask 0077; nomad tls ca create").ok()
    assert r.out == ("==> CA Certificate saved to: nomad-agent-ca.pem\n"
                     "==> CA Certificate key saved to: nomad-agent-ca-key.pem\n")
    r = box.run("nomad", "tls", "cert", "create", "-server", "-additional-dnsname", "n1.example",
                "-additional-ipaddress", "10.0.0.1").ok()
    assert r.out.endswith("==> Server Certificate saved to global-server-nomad.pem\n"
                          "==> Server Certificate key saved to global-server-nomad-key.pem\n")
    box.run("nomad", "tls", "cert", "create", "-client", "-region", "eu").ok()
    box.run("nomad", "tls", "cert", "create", "-cli").ok()
    for name in ("nomad-agent-ca", "global-server-nomad", "eu-client-nomad", "global-cli-nomad"):
        assert mode(box.work / f"{name}.pem") == 0o644 and mode(box.work / f"{name}-key.pem") == 0o600
    for name in ("server.global.nomad", "localhost", "n1.example", "10.0.0.1", "127.0.0.1"):
        handshake(box, "global-server-nomad", "global-cli-nomad", name)
    handshake(box, "eu-client-nomad", "global-server-nomad", "client.eu.nomad")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(box, "global-server-nomad", "global-cli-nomad", "server.eu.nomad")
    with pytest.raises(ssl.SSLError):
        handshake(box, "global-cli-nomad", "global-server-nomad", "localhost")


def test_tls_shows_what_is_in_a_certificate(box):
    box.run("nomad", "tls", "ca", "create", "-days", "10", "-common-name", "The CA", "-country", "DE",
            "-organization", "Us", "-name-constraint", "-additional-domain", "example").ok()
    info = box.run("nomad", "tls", "ca", "info").ok().out
    assert "Issuer CN              The CA\n" in info and "CN=The CA,O=Us,C=DE\n" in info
    assert info.endswith("Permitted DNS Domains  [nomad localhost example]\n")
    box.run("nomad", "tls", "cert", "create", "-cli").ok()
    info = box.run("nomad", "tls", "cert", "info", "global-cli-nomad.pem").ok().out
    assert "Common Name    CN=cli.global.nomad\n" in info
    assert info.endswith("DNS Names      [cli.global.nomad localhost]\nIP Addresses   []\n")
    assert "not the certificate of an authority" in box.run(
        "nomad", "tls", "ca", "info", "global-cli-nomad.pem").fails(1).err


def test_tls_writes_over_nothing(box):
    box.run("nomad", "tls", "ca", "create").ok()
    before = {p.name: p.read_bytes() for p in box.work.iterdir() if p.is_file()}
    assert "nomad-agent-ca.pem' already exists" in box.run("nomad", "tls", "ca", "create").fails(1).err
    (box.work / "global-cli-nomad-key.pem").symlink_to("elsewhere")
    r = box.run("nomad", "tls", "cert", "create", "-cli").fails(1)
    assert "global-cli-nomad-key.pem' already exists" in r.err
    assert {p.name: p.read_bytes() for p in box.work.iterdir() if p.is_file()} == before


@pytest.mark.parametrize("args, error", [
    ("ca create -domain other -days 0", "1 to 36500 days"),
    ("ca create -domain ../x", "The domain must be"),
    ("ca create -domain other -additional-domain x", "with -name-constraint only"),
    ("ca create -domain other -name-constraint -additional-domain a/b", "not a DNS name"),
    ("ca create -domain other -country Germany", "a country has two letters"),
    ("ca info gone.pem", "no such file"),
    ("ca info nomad-agent-ca-key.pem", "nomad-agent-ca-key.pem"),
    ("cert create", "exactly one of -server, -client and -cli"),
    ("cert create -server -cli", "exactly one of -server, -client and -cli"),
    ("cert create -cli -region a/b", "The region must be"),
    ("cert create -cli -ca gone.pem", "no such file"),
    ("cert create -cli -key nomad-agent-ca.pem", "private key"),
    ("cert create -cli -additional-ipaddress x", "not an IP address"),
    ("cert create -cli -additional-dnsname foo.example", "permitted subtree"),
    ("cert info", "one argument"),
])
def test_tls_says_what_it_cannot_do_and_leaves_no_file(box, args, error):
    box.run("nomad", "tls", "ca", "create", "-name-constraint").ok()
    before = sorted(p.name for p in box.work.iterdir())
    assert error in box.run("nomad", "tls", *args.split()).fails(1).err
    assert sorted(p.name for p in box.work.iterdir()) == before
