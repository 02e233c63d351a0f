"""What agents say about a configuration that is wrong, before they start anything."""
import pytest


@pytest.mark.parametrize("program, text, said", [
    (["serai", "agent"], 'vault_server {\n  listner "tcp" {}\n}\n',
     '2:3: unknown key "listner" in configuration, did you mean "listener"?'),
    (["serai", "agent"], 'vault_server {\n  storage "cassandra" {}\n}\ndata_dir = "/nonexistent"\nserver {\n  enabled = true\n}\n',
     "Unknown storage type cassandra"),
    (["nomad", "agent"], 'vault_server {}\n', "a vault_server block is for `serai agent`"),
    (["nomad", "agent"], 'data_dir = "/nonexistent"\nserver {\n  enabled = true\n  job_max_source_size = "1 furlong"\n}\n',
     'server.job_max_source_size: invalid size "1 furlong": unknown unit'),
    (["nomad", "agent"], 'data_dir = "/nonexistent"\nserver {\n  enabled = true\n  job_max_source_size = "1G"\n}\n',
     "server.job_max_source_size must not be above 32 MiB, got 1G"),
    (["nomad", "agent"], 'servr {\n}\n', 'unknown key "servr", did you mean "server"?'),
])
def test_a_wrong_configuration_is_refused(box, program, text, said):
    path = box.dir / "wrong.hcl"
    path.write_text(text)
    r = box.run(*program, "-config", path)
    assert r.code == 1
    assert said in r.out + r.err
