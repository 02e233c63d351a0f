"""The blog's set-up, command by command: a vault from a configuration file, a Nomad server with a
token that is not root and a token role, and what hurt its author: after a restart the vault is
sealed, and Nomad must start all the same."""
import re

import pytest

import serai
from golden_compare import normalise_text
from machine import Machine

EXAMPLES = serai.ROOT / "examples"

VAULT_CONFIG = """mkdir -p vault-data && cat << EOF > vault.hcl
storage "file" {
  path = "$PWD/vault-data"
}
listener "tcp" {
  address     = "127.0.0.1:8200"
  tls_disable = 1
}
api_addr = "http://127.0.0.1:8200"
EOF"""

# The document's stanza in an agent of one machine. Nomad reads the whole folder, as its unit says.
NOMAD_CONFIG = """mkdir -p nomad.d && cat << EOF > nomad.d/nomad.hcl
data_dir  = "$PWD/nomad-data"
bind_addr = "127.0.0.1"

advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}

server {
  enabled          = true
  bootstrap_expect = 1
}

client {
  enabled = true
}

plugin "raw_exec" {
  config {
    enabled = true
  }
}

vault {
  enabled          = true
  address          = "http://127.0.0.1:8200"
  create_from_role = "nomad-cluster"
  token            = "%s"
}
EOF"""

JOB = """cat << EOF > app.nomad
job "app" {
  datacenters = ["dc1"]
  group "app" {
    task "app" {
      driver = "raw_exec"
      vault {
        policies = ["app"]
      }
      config {
        command = "/bin/sh"
        args    = ["-c", "/usr/local/bin/vault kv get -field=password secret/app; exec sleep 1000"]
      }
    }
  }
}
EOF"""

TOKEN_TABLE = """Key Value
--- -----
token <token>
token_accessor <id24>
token_duration 72h
token_renewable true
token_policies ["default" "nomad-server"]
identity_policies []
policies ["default" "nomad-server"]"""


@pytest.fixture
def machine(box):
    with Machine(box) as m:
        yield m


def start_vault(m):
    m.run("vault server -config=vault.hcl >> vault.log 2>&1 &")
    m.wait("vault status > /dev/null; [ $? != 1 ]")


def initialise(m):
    """init and unseal with the document's defaults (5 shares, 3 needed); returns (shares, root)."""
    text = m.run("vault operator init").ok().out
    shares = re.findall(r"^Unseal Key \d: (\S+)$", text, re.M)
    root = re.search(r"^Initial Root Token: (\S+)$", text, re.M)[1]
    assert len(shares) == 5
    unseal(m, shares)
    return shares, root


def unseal(m, shares):
    for number, share in enumerate(shares[:3], 1):
        out = normalise_text(m.run(f"vault operator unseal {share}").ok().out, {})
        assert ("Sealed true" if number < 3 else "Sealed false") in out


def prepare_for_nomad(m):
    """The document's three commands; returns the server's token."""
    m.run(f"cp {EXAMPLES}/nomad-server-policy.hcl {EXAMPLES}/nomad-cluster-role.json .").ok()
    r = m.run("vault policy write nomad-server nomad-server-policy.hcl").ok()
    assert r.out == "Success! Uploaded policy: nomad-server\n"
    r = m.run("vault write /auth/token/roles/nomad-cluster @nomad-cluster-role.json").ok()
    assert r.out == "Success! Data written to: auth/token/roles/nomad-cluster\n"
    out = m.run("vault token create -policy nomad-server -period 72h -orphan").ok().out
    assert normalise_text(out, {}) == normalise_text(TOKEN_TABLE, {})
    return re.search(r"^token +(\S+)$", out, re.M)[1]


def start_nomad(m):
    m.run("nomad agent -config=nomad.d >> nomad.log 2>&1 &")
    m.wait("nomad node status | grep ' ready$'")


def allocation(m):
    m.wait("nomad job status app | grep ' running '")
    return m.run("nomad job allocs -json app | jq -r '.[0].ID'").ok().out.strip()


def task_is_untouched(m, alloc, token):
    return (f"[ $(cat nomad-data/alloc/{alloc}/app/secrets/vault_token) = {token} ] && "
            f"nomad alloc status -json {alloc} | jq -e '.TaskStates.app | .State == \"running\" and .Restarts == 0'")


def test_the_blog(machine):
    m = machine
    m.run("export VAULT_ADDR=http://127.0.0.1:8200")
    m.run(VAULT_CONFIG).ok()
    start_vault(m)
    shares, root = initialise(m)
    m.run(f"export VAULT_TOKEN={root}")
    server_token = prepare_for_nomad(m)
    m.run("vault secrets enable -path=secret -version=2 kv").ok()
    m.run("vault kv put secret/app password=sesame").ok()
    m.run("""echo 'path "secret/data/app" { capabilities = ["read"] }' | vault policy write app -""").ok()

    m.run(NOMAD_CONFIG % server_token).ok()
    start_nomad(m)
    assert "nomad" in m.run("pgrep -l nomad").ok().out
    m.run(JOB).ok()
    m.run("nomad job run -detach app.nomad").ok()
    alloc = allocation(m)
    m.wait(f"nomad alloc logs {alloc} | grep sesame")
    token = m.run(f"cat nomad-data/alloc/{alloc}/app/secrets/vault_token").ok().out
    assert m.run(f"vault token lookup -format=json {token}").ok().json["data"]["path"] == \
        "auth/token/create/nomad-cluster"
    forbidden = m.run(f"VAULT_TOKEN={token} vault policy read nomad-server").fails(2)
    assert "permission denied" in forbidden.err

    # What hurt: the vault restarts and is sealed, then Nomad restarts. It starts, and the task runs on.
    m.run("pkill -INT -f 'vault server'").ok()
    m.wait("! pgrep -f 'vault server'")
    start_vault(m)
    assert "Sealed true" in normalise_text(m.run("vault status").fails(2).out, {})
    m.run("pkill -INT -f 'nomad agent'").ok()
    m.wait("! pgrep -f 'nomad agent'")
    start_nomad(m)
    m.wait(task_is_untouched(m, alloc, token))

    # And all resumes by itself when it is unsealed: stopping the job ends its token.
    unseal(m, shares)
    m.run(f"vault token lookup {token}").ok()
    m.run("nomad job stop -detach app").ok()
    m.wait(f"! vault token lookup {token}", 60)
    assert "bad token" in m.run(f"vault token lookup {token}").fails(2).err
