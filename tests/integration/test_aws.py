"""The AWS engine against moto, through a proxy that checks signatures, writes down who asked what
and may answer or hold back in AWS's place."""
import collections
import hashlib
import hmac
import http.server
import json
import re
import signal
import threading
import urllib.parse

import pytest

import serai

POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
MAKE = ["CreateUser", "AttachUserPolicy", "PutUserPolicy", "AddUserToGroup", "TagUser", "CreateAccessKey"]
LIST = ["ListGroupsForUser", "ListUserPolicies", "ListAttachedUserPolicies", "ListAccessKeys"]
REMOVE = ["DeleteAccessKey", "DetachUserPolicy", "DeleteUserPolicy", "RemoveUserFromGroup", "DeleteUser"]


def signature(secret, method, path, headers, body):
    """The Authorization header that belongs to a request without query, by AWS's description of
    its signature version 4."""
    scope, signed = re.search(r"Credential=[^/]+/(\S+), SignedHeaders=(\S+),", headers["Authorization"]).groups()
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in signed.split(";"))
    canonical = "\n".join([method, path, "", lines, signed, hashlib.sha256(body).hexdigest()])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["X-Amz-Date"], scope,
                         hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, to_sign.encode(), "sha256").hexdigest()


class Aws:
    """A proxy in front of moto. `calls` is what came: (action, parameters); `keys` the secrets that
    requests may be signed with."""

    def __init__(self, moto):
        self.moto = moto
        self.calls = []
        self.keys = {"testing": "testing"}
        self.wrong = []
        self.answers = collections.defaultdict(list)
        self.held = {}
        self.released = threading.Event()
        handler = type("Handler", (http.server.BaseHTTPRequestHandler,),
                       {"do_POST": lambda h: self.serve(h), "log_message": lambda *a: None})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.addr = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def serve(self, h):
        body = h.rfile.read(int(h.headers["Content-Length"]))
        params = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        action = params.pop("Action")
        self.check(h, body, params)
        if self.answers[action]:
            status, text = self.answers[action].pop(0)
            self.calls.append((action, params))
            return self.reply(h, status, text.encode())
        headers = {n: h.headers[n] for n in ("Content-Type", "Authorization")}
        r = serai.request(self.moto.addr, "POST", "/", body, headers)
        self.calls.append((action, params))
        if action in self.held:
            self.held[action].set()
            self.released.wait()
            return
        self.reply(h, r.status, r.text.encode())

    def check(self, h, body, params):
        access, got = re.search(r"Credential=([^/]+)/.*Signature=(\w+)", h.headers["Authorization"]).groups()
        if access not in self.keys or got != signature(self.keys[access], "POST", h.path, h.headers, body):
            self.wrong.append((access, dict(h.headers), params))
        assert h.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8"

    @staticmethod
    def reply(h, status, data):
        h.send_response(status)
        h.send_header("Content-Type", "text/xml")
        h.send_header("Content-Length", str(len(data)))
        h.end_headers()
        h.wfile.write(data)

    def answer(self, action, status, text, times=1):
        """The next calls of an action are answered here."""
        self.answers[action] += [(status, text)] * times

    def hold(self, action):
        """Calls of this action reach moto, but no answer comes back. Returns an event for that."""
        self.held[action] = threading.Event()
        return self.held[action]

    def ask(self, action, **params):
        """Ask moto itself."""
        body = urllib.parse.urlencode({"Action": action, "Version": "2010-05-08", **params})
        r = serai.request(self.moto.addr, "POST", "/", body, {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/iam/aws4_request, "
                             "SignedHeaders=host, Signature=x"})
        assert r.status == 200, repr(r)
        return r.text

    def users(self):
        return re.findall("<UserName>(.*?)</UserName>", self.ask("ListUsers"))

    def actions(self):
        return [action for action, _ in self.calls]


def error(code, message="no", request_id="r1"):
    return (f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>")


@pytest.fixture(scope="module")
def moto():
    """One for all tests: it takes longer to start than all that is asked of it."""
    with serai.Box() as b:
        yield b.moto()


@pytest.fixture
def aws(moto):
    assert moto.request("POST", "/moto-api/reset").status == 200
    a = Aws(moto)
    yield a
    a.close()
    assert a.wrong == [], "these requests are not signed as AWS wants it"


def configure(vault, aws, **more):
    vault.put("/v1/sys/mounts/aws", {"type": "aws"})
    vault.put("/v1/aws/config/root", {"access_key": "testing", "secret_key": "testing", "region": "eu-west-1",
                                      "iam_endpoint": aws.addr, "sts_endpoint": aws.addr, **more})


@pytest.fixture
def engine(vault, aws):
    """A dev vault with the engine at aws/, and a role `full` that uses everything a user may have."""
    configure(vault, aws)
    aws.ask("CreateGroup", GroupName="g1")
    add_full_role(vault, aws)
    return vault


def add_full_role(vault, aws):
    text = aws.ask("CreatePolicy", PolicyName="managed", PolicyDocument=POLICY)
    arn = re.search("<Arn>(.*?)</Arn>", text)[1]
    vault.put("/v1/aws/roles/full", {
        "credential_type": "iam_user", "policy_arns": arn, "policy_document": POLICY, "iam_groups": "g1",
        "iam_tags": {"team": "a & b", "x": "y"}, "user_path": "/team/"})
    return arn


def revoke(vault, lease):
    return vault.request("PUT", "/v1/sys/leases/revoke", {"lease_id": lease, "sync": True})


def test_a_user_is_made_step_by_step_and_removed_keys_first(engine, aws):
    r = engine.get("/v1/aws/creds/full")
    user, = aws.users()
    assert aws.actions() == MAKE
    calls = dict(aws.calls)
    assert calls["CreateUser"] == {"Version": "2010-05-08", "UserName": user, "Path": "/team/"}
    assert calls["PutUserPolicy"]["PolicyDocument"] == POLICY and calls["PutUserPolicy"]["PolicyName"] == "full"
    assert calls["TagUser"]["Tags.member.1.Key"] == "team" and calls["TagUser"]["Tags.member.1.Value"] == "a & b"
    assert all(p["UserName"] == user for p in calls.values())
    assert re.fullmatch(r"vault-token-full-\d{10}-\w{20}", user)
    assert r["data"]["access_key"] in aws.ask("ListAccessKeys", UserName=user)

    aws.calls.clear()
    assert revoke(engine, r["lease_id"]).status == 204
    assert aws.actions() == LIST + REMOVE
    assert all(p["MaxItems"] == "1000" for action, p in aws.calls if action in LIST)
    assert aws.users() == []


def test_the_end_of_a_token_removes_its_users(engine, aws):
    engine.put("/v1/sys/policies/acl/aws", {"policy": 'path "aws/*" { capabilities = ["read"] }'})
    token = engine.put("/v1/auth/token/create", {"policies": ["aws"]})["auth"]["client_token"]
    for _ in range(3):
        engine.get("/v1/aws/creds/full", token=token)
    assert len(aws.users()) == 3
    engine.put("/v1/auth/token/revoke", {"token": token})
    serai.wait_for(lambda: aws.users() == [], what="the users to be removed")


def test_users_that_somebody_has_changed_are_removed_whole(engine, aws):
    r = engine.get("/v1/aws/creds/full")
    user, = aws.users()
    aws.ask("CreateAccessKey", UserName=user)
    aws.ask("PutUserPolicy", UserName=user, PolicyName="by-hand", PolicyDocument=POLICY)
    aws.answer("ListUserPolicies", 200,
               "<ListUserPoliciesResponse><ListUserPoliciesResult><PolicyNames><member>full</member></PolicyNames>"
               "<IsTruncated>true</IsTruncated><Marker>page two</Marker></ListUserPoliciesResult>"
               "</ListUserPoliciesResponse>")
    aws.calls.clear()
    assert revoke(engine, r["lease_id"]).status == 204
    assert aws.users() == []
    pages = [p.get("Marker") for action, p in aws.calls if action == "ListUserPolicies"]
    assert pages == [None, "page two"]


def test_a_user_that_has_just_been_made_is_not_believed_to_be_gone(engine, aws):
    """AWS's answers lag behind: NoSuchEntity means something only after five minutes."""
    lease = engine.get("/v1/aws/creds/full")["lease_id"]
    aws.answer("ListGroupsForUser", 404, error("NoSuchEntity"), times=20)
    assert revoke(engine, lease).status >= 400
    assert engine.request("PUT", "/v1/sys/leases/lookup", {"lease_id": lease}).status == 200
    aws.answers.clear()
    assert revoke(engine, lease).status == 204
    assert aws.users() == []


# -- what goes wrong ------------------------------------------------------------------------------

def crash_vault(box):
    return box.vault_unsealed(env={**box.env, "SERAI_WAL_AGE_MS": "1500"})


@pytest.mark.parametrize("step", ["CreateUser", "AddUserToGroup", "CreateAccessKey"])
def test_a_crash_leaves_no_user(box, aws, step):
    vault = crash_vault(box)
    configure(vault, aws)
    aws.ask("CreateGroup", GroupName="g1")
    add_full_role(vault, aws)
    reached = aws.hold(step)
    asking = threading.Thread(target=lambda: ask_and_be_cut_off(vault, "full"))
    asking.start()
    assert reached.wait(30)
    vault.stop(signal.SIGKILL)
    asking.join()
    user, = aws.users()
    aws.held.clear()
    aws.calls.clear()

    vault.launch()
    vault.wait(lambda: vault.request("GET", "/v1/sys/seal-status").status == 200, "vault to answer")
    vault.put("/v1/sys/unseal", {"key": vault.share})
    serai.wait_for(lambda: aws.users() == [], what=f"{user} to be removed")
    assert aws.actions()[:4] == LIST and aws.actions()[-1] == "DeleteUser"
    assert vault.get("/v1/aws/creds/full")["data"]["access_key"]


def test_a_server_that_stops_does_not_wait_for_aws(vault, aws):
    configure(vault, aws)
    vault.put("/v1/aws/roles/r", {"credential_type": "iam_user"})
    reached = aws.hold("CreateUser")
    asking = threading.Thread(target=lambda: ask_and_be_cut_off(vault, "r"))
    asking.start()
    assert reached.wait(30)
    vault.stop(timeout_s=5)
    asking.join()


def ask_and_be_cut_off(vault, role):
    try:
        vault.request("GET", f"/v1/aws/creds/{role}")
    except (OSError, serai.http.client.HTTPException):
        pass


def test_a_failed_step_is_told_and_the_user_removed_later(box, aws):
    vault = crash_vault(box)
    configure(vault, aws)
    vault.put("/v1/aws/roles/refused", {"credential_type": "iam_user"})
    vault.put("/v1/aws/roles/half", {"credential_type": "iam_user", "iam_groups": "none"})
    aws.answer("CreateUser", 403, error("AccessDenied", "not you", "r7"))
    r = vault.request("GET", "/v1/aws/creds/refused")
    assert r.status == 400
    assert r.json["errors"] == ["Error creating IAM user: AccessDenied: not you\n\tstatus code: 403, request id: r7"]
    never_made = aws.calls[-1][1]["UserName"]

    r = vault.request("GET", "/v1/aws/creds/half")
    assert r.status == 400
    assert re.match("Error adding user to group: NoSuchEntity: Group none not found\n\tstatus code: 404, "
                    "request id: .+", r.json["errors"][0])
    serai.wait_for(lambda: aws.users() == [], what="the half-made user to be removed")
    assert not [p for action, p in aws.calls if action in LIST and p["UserName"] == never_made], \
        "a user that AWS refused to make needs no roll-back"


@pytest.mark.parametrize("status, code, times, calls, want", [
    (400, "Throttling", 2, 3, 200),
    (400, "Throttling", 3, 3, 502),
    (429, "TooManyRequestsException", 3, 3, 502),
    (503, "ServiceUnavailable", 2, 3, 200),
    (500, "ServiceFailure", 3, 3, 400),
    (400, "LimitExceeded", 1, 1, 400),
    (403, "InvalidClientTokenId", 1, 1, 400),
])
def test_what_may_pass_is_tried_again(vault, aws, status, code, times, calls, want):
    configure(vault, aws, max_retries=2)
    vault.put("/v1/aws/roles/r", {"credential_type": "iam_user"})
    aws.answer("CreateUser", status, error(code), times=times)
    r = vault.request("GET", "/v1/aws/creds/r")
    assert r.status == want, repr(r)
    assert aws.actions().count("CreateUser") == calls
    if want != 200:
        assert r.json["errors"][0].startswith(f"Error creating IAM user: {code}: no\n\tstatus code: {status}")


@pytest.mark.parametrize("answer", [
    "", "<html>", "no XML", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "<a>" * 100, "<a/>" * 10, "x" * (2 << 20),
    "<CreateAccessKeyResponse/>",
])
def test_answers_that_make_no_sense_are_errors(vault, aws, answer):
    configure(vault, aws, max_retries=0)
    vault.put("/v1/aws/roles/r", {"credential_type": "iam_user"})
    for status in (200, 502):
        aws.answer("CreateAccessKey", status, answer)
        r = vault.request("GET", "/v1/aws/creds/r")
        assert r.status == 400, repr(r)
        assert r.json["errors"][0].startswith("Error creating access keys")
    assert vault.get("/v1/sys/health")["sealed"] is False


# -- sessions -------------------------------------------------------------------------------------

def policy(*sids):
    """A policy with a statement of each name; one alone is written without a list."""
    all_of_them = [{"Sid": sid, "Effect": "Allow", "Action": "s3:*", "Resource": "*"} for sid in sids]
    return json.dumps({"Version": "2012-10-17", "Statement": all_of_them if len(sids) > 1 else all_of_them[0]})


def test_a_session_is_limited_by_the_policies_of_groups_too(engine, aws):
    aws.ask("PutGroupPolicy", GroupName="g1", PolicyName="p1", PolicyDocument=policy("one"))
    aws.ask("PutGroupPolicy", GroupName="g1", PolicyName="p2", PolicyDocument=policy("two", "three"))
    arn = engine.get("/v1/aws/roles/full")["data"]["policy_arns"][0]
    aws.ask("AttachGroupPolicy", GroupName="g1", PolicyArn=arn)
    engine.put("/v1/aws/roles/session", {"credential_type": "federation_token", "iam_groups": "g1",
                                         "policy_document": policy("own")})
    r = engine.get("/v1/aws/sts/session?ttl=15m")
    assert (r["lease_duration"], r["renewable"]) == (900, False)
    action, params = aws.calls[-1]
    assert action == "GetFederationToken" and params["Version"] == "2011-06-15"
    assert params["DurationSeconds"] == "900" and params["PolicyArns.member.1.arn"] == arn
    assert re.fullmatch(r"vault-\d{10}-\w+", params["Name"]) and len(params["Name"]) <= 32
    assert [s["Sid"] for s in json.loads(params["Policy"])["Statement"]] == ["own", "one", "two", "three"]


def test_the_end_of_a_session_asks_nobody(engine, aws):
    engine.put("/v1/aws/roles/ar", {"credential_type": "assumed_role", "role_arns": "arn:aws:iam::123456789012:role/a",
                                    "policy_document": POLICY})
    lease = engine.get("/v1/aws/sts/ar")["lease_id"]
    action, params = aws.calls[-1]
    assert action == "AssumeRole" and params["Policy"] == POLICY
    assert re.fullmatch(r"vault-token-ar-\d{10}-\w{20}", params["RoleSessionName"])
    aws.calls.clear()
    assert revoke(engine, lease).status == 204
    assert aws.calls == []


# -- keys -----------------------------------------------------------------------------------------

def test_rotation_changes_keys_in_the_order_that_loses_none(engine, aws):
    aws.ask("CreateUser", UserName="root-of-vault")
    text = aws.ask("CreateAccessKey", UserName="root-of-vault")
    access, secret = (re.search(f"<{n}>(.*?)</{n}>", text)[1] for n in ("AccessKeyId", "SecretAccessKey"))
    aws.keys[access] = secret
    engine.put("/v1/aws/config/root", {"access_key": access, "secret_key": secret, "iam_endpoint": aws.addr})
    fresh = engine.put("/v1/aws/config/rotate-root")["data"]["access_key"]
    assert aws.actions() == ["GetUser", "CreateAccessKey", "DeleteAccessKey"]
    assert aws.calls[-1][1]["AccessKeyId"] == access and fresh != access
    assert engine.get("/v1/aws/config/root")["data"]["access_key"] == fresh
    assert re.findall("<AccessKeyId>(.*?)<", aws.ask("ListAccessKeys", UserName="root-of-vault")) == [fresh]


def test_a_rotation_that_aws_refuses_keeps_the_key(engine, aws):
    aws.answer("GetUser", 200, "<GetUserResponse><GetUserResult><User><UserName>u</UserName></User></GetUserResult>"
                               "</GetUserResponse>")
    aws.answer("CreateAccessKey", 409, error("LimitExceeded", "two are enough"))
    r = engine.request("POST", "/v1/aws/config/rotate-root")
    assert r.status == 500
    assert r.json["errors"] == ["1 error occurred:\n\t* error calling CreateAccessKey: LimitExceeded: two are enough"
                                "\n\tstatus code: 409, request id: r1\n\n"]
    assert engine.get("/v1/aws/config/root")["data"]["access_key"] == "testing"


def test_without_keys_the_environment_and_the_shared_file_are_asked(box, aws):
    vault = box.vault_dev()
    configure(vault, aws, access_key="", secret_key="")
    vault.put("/v1/aws/roles/r", {"credential_type": "iam_user"})
    r = vault.request("GET", "/v1/aws/creds/r")
    assert r.status == 400
    assert r.json["errors"][0].startswith("Error creating IAM user: NoCredentialProviders: no valid providers in chain")

    aws.keys["from-file"] = "its secret"
    box.write(".aws/credentials", "[default]\naws_access_key_id = from-file\naws_secret_access_key = its secret\n")
    assert vault.get("/v1/aws/creds/r")["data"]["access_key"]

    aws.keys["from-env"] = "its/secret"
    other = box.vault_dev(name="other", env={**box.env, "AWS_ACCESS_KEY_ID": "from-env",
                                             "AWS_SECRET_ACCESS_KEY": "its/secret", "AWS_SESSION_TOKEN": "tok"})
    configure(other, aws, access_key="", secret_key="")
    other.put("/v1/aws/roles/r", {"credential_type": "iam_user"})
    assert other.get("/v1/aws/creds/r")["data"]["access_key"]


def test_secret_keys_are_written_nowhere(box, aws):
    vault = box.vault_unsealed(extra='log_level = "trace"')
    aws.keys["testing"] = "canary-of-the-root-key"
    configure(vault, aws, secret_key="canary-of-the-root-key")
    vault.put("/v1/aws/roles/r", {"credential_type": "iam_user"})
    made = vault.get("/v1/aws/creds/r")["data"]["secret_key"]
    vault.stop()
    text = b"".join(p.read_bytes() for p in box.dir.rglob("*") if p.is_file())
    assert len(text) > 1000
    for secret in ("canary-of-the-root-key", made):
        assert secret.encode() not in text
