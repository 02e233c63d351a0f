"""The workshop, command by command: a job reads AWS credentials from the vault with a token of its
own, and the token dies with the job. AWS is played by moto. Outputs are those of Vault 1.14 and
Nomad 1.9, which in places differ from the document's (1.5 and 0.12)."""
import re

import pytest

from golden_compare import normalise_text
from machine import Machine

SERVER_CONFIG = """cat << EOF > nomad-vault-config-server.hcl
data_dir  = "${DIR}/datadir/local-vault-single-data"

bind_addr = "127.0.0.1"

vault {
  enabled = true
  address = "http://127.0.0.1:8200"
}

server {
  enabled = true
  bootstrap_expect = 1
}

advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
EOF"""

CLIENT_CONFIG = """cat << EOF > nomad-vault-config-client.hcl
data_dir  = "${DIR}/datadir/datadir/local-vault-single-data"

bind_addr = "127.0.0.1"

vault {
  enabled = true
  address = "http://127.0.0.1:8200"
}

client {
  enabled = true
  servers = ["127.0.0.1:4647"]
}

advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}

ports {
  http = 5641
  rpc  = 5642
  serf = 5643
}

plugin "raw_exec" {
  config {
    enabled = true
  }
}
EOF"""

RUN_SCRIPT = """cat << EOF > run-vault-local.sh
#!/bin/sh
pkill nomad
sleep 10

nomad agent -config=${DIR}/nomad-vault-config-server.hcl & 
nomad agent -config=${DIR}/nomad-vault-config-client.hcl &
EOF"""

POLICY = """cat << EOF > aws.hcl
path "aws/*" {%s
  capabilities = [ "read" ]
}
EOF"""

ROLE = """vault write aws/roles/s3-role \\
    credential_type=iam_user \\
    policy_document=-<<EOF
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "s3:*",
      "Resource": "arn:aws:s3:::*"
    }
  ]
}
EOF"""

JOB = """cat << EOF > hello-vault.nomad
job "hello-vault" {
  datacenters = ["dc1"]

  type = "service"

  group "hello-vault" {
    task "hello-vault" {
      env {
        VAULT_ADDR = "http://127.0.0.1:8200"
      }
      driver = "raw_exec"
      vault {
        policies = ["aws"]
        change_mode = "restart"
      }
      config {
        command = "/usr/local/bin/vault"
        args    = ["read", "aws/creds/s3-role"]
      }
    }
  }
}
EOF"""

MONITOR = [
    r'==> \S+: Monitoring evaluation "[0-9a-f]{8}"',
    r'Evaluation triggered by job "hello-vault"',
    r'Allocation "(?P<alloc>[0-9a-f]{8})" created: node "[0-9a-f]{8}", group "hello-vault"',
    r'Evaluation status changed: "pending" -> "complete"',
    r'==> \S+: Evaluation "[0-9a-f]{8}" finished with status "complete"',
]

# The columns of `vault token lookup`, with what changes from run to run by kind.
LOOKUP = """Key Value
--- ---
accessor <id24>
creation_time <unix>
creation_ttl 72h
display_name token-<uuid>-hello-vault
entity_id n/a
expire_time <time>
explicit_max_ttl 0s
id <token>
issue_time <time>
last_renewal <time>
last_renewal_time <unix>
meta map[AllocationID:<uuid> JobID:hello-vault Namespace: NodeID:<uuid> Task:hello-vault TaskGroup:hello-vault]
num_uses 0
orphan false
path auth/token/create
period 72h
policies [aws default]
renewable true
ttl <dur>
type service"""

CREDENTIALS = """Key Value
--- ---
lease_id aws/creds/s3-role/<id24>
lease_duration 768h
lease_renewable true
access_key <aws-key>
secret_key <secret>
security_token <nil>"""

BAD_TOKEN = """Error looking up token: Error making API request.

URL: POST http://127.0.0.1:8200/v1/auth/token/lookup
Code: 403. Errors:

* bad token"""

BAD_POLICY = """Error uploading policy: Error making API request.

URL: PUT http://127.0.0.1:8200/v1/sys/policies/acl/aws
Code: 400. Errors:

* failed to parse policy: At 1:15: expected '/' for comment"""


@pytest.fixture
def machine(box):
    with Machine(box) as m:
        yield m


def says(result, text):
    assert result.code == 0, repr(result)
    assert normalise_text(result.out, {}) == normalise_text(text, {}), repr(result)


def start_vault(m):
    assert m.run("vault --version").ok().out.startswith("Vault v1.14.")
    m.run("vault server -dev > vault.log 2>&1 &")
    m.wait("grep '^Root Token: ' vault.log")
    return re.search(r"^Root Token: (\S+)$", m.run("cat vault.log").out, re.M)[1]


def start_nomad(m, root):
    m.run("export DIR=$(pwd)")
    m.run(SERVER_CONFIG).ok()
    m.run(CLIENT_CONFIG).ok()
    m.run(RUN_SCRIPT).ok()
    m.run("chmod +x run-vault-local.sh").ok()
    m.run(f"export VAULT_TOKEN={root}")
    m.run("export VAULT_ADDR='http://127.0.0.1:8200'")
    m.run("./run-vault-local.sh > agents.log 2>&1").ok()
    m.wait("nomad node status | grep ' ready$'")


def set_up_vault(m, aws):
    says(m.run("vault secrets enable aws"), "Success! Enabled the aws secrets engine at: aws/")
    says(m.run("vault write aws/config/root access_key=AKIAIOSFODNN7EXAMPLE "
               "secret_key=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYx region=ap-northeast-1 "
               f"iam_endpoint={aws} sts_endpoint={aws}"), "Success! Data written to: aws/config/root")
    m.run(POLICY % "/usr").ok()
    typo = m.run("vault policy write aws aws.hcl").fails(2)
    assert typo.err.strip() == BAD_POLICY
    m.run(POLICY % "").ok()
    says(m.run("vault policy write aws aws.hcl"), "Success! Uploaded policy: aws")
    says(m.run("vault policy list"), "aws\ndefault\nroot\n")
    says(m.run(ROLE), "Success! Data written to: aws/roles/s3-role")


def run_job(m):
    """Run the job; returns the short id of its allocation, as the monitor shows it."""
    m.run(JOB).ok()
    r = m.run("nomad job run hello-vault.nomad").ok()
    at, alloc = 0, None
    for pattern in MONITOR:
        found = re.compile(pattern).search(r.out, at)
        assert found, f"no {pattern!r} after character {at} of {r.out}"
        at = found.end()
        alloc = found.groupdict().get("alloc") or alloc
    return alloc


def test_the_workshop(machine):
    m = machine
    aws = m.start_moto()
    root = start_vault(m)
    start_nomad(m, root)
    set_up_vault(m, aws)
    short = run_job(m)

    m.run(f"export ALLOC_ID=$(nomad alloc status -json {short} | jq -r '.ID')").ok()
    # The document reads its client's folder from inside ./datadir.
    token = m.wait("cat datadir/datadir/local-vault-single-data/alloc/${ALLOC_ID}/hello-vault/secrets/vault_token").out
    assert re.fullmatch(r"hvs\.[A-Za-z0-9_-]{20,}", token)
    says(m.run(f"vault token lookup {token}"), LOOKUP)
    m.wait("nomad fs ${ALLOC_ID} /alloc/logs/hello-vault.stdout.0 | grep security_token")
    says(m.run("nomad fs ${ALLOC_ID} /alloc/logs/hello-vault.stdout.0 | head -n 8"), CREDENTIALS)

    stop = m.run("nomad job stop hello-vault").ok()
    assert 'finished with status "complete"' in stop.out
    m.wait(f"! vault token lookup {token}")
    dead = m.run(f"vault token lookup {token}").fails(2)
    assert dead.err.strip() == BAD_TOKEN
    # The credentials went with the token.
    m.wait("! vault list sys/leases/lookup/aws/creds/s3-role")

    m.run("pkill nomad").ok()
    m.wait("! pgrep nomad")
