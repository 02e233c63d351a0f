"""The commands of `nomad` that need no agent: fmt, config validate."""
import os

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
