# Owns the tests of tokens that a server of its own knows (RFC 7662).
# Called by pytest.
# Never lets that server know who the client is: only the token, and who asks.
import base64
import time
import urllib.parse

import pytest

from harness.recording import RecordingBackend
from harness.waiting import eventually


@pytest.fixture
def authority(workshop):
    """An authorization server that knows tokens, and who may ask."""

    def say(call):
        form = urllib.parse.parse_qs(call.read_body().decode())
        if call.get("Authorization") != "Basic " + base64.b64encode(b"sidecar:s3cret").decode():
            return call.reply(401)
        token = form["token"][0]
        if token == "good+token":
            body = f'{{"active": true, "sub": "42", "exp": {int(time.time()) + 600}}}'
        elif token == "over":
            body = f'{{"active": true, "sub": "42", "exp": {int(time.time()) - 1}}}'
        else:
            body = '{"active": false}'
        return call.reply(200, [("Content-Type", "application/json")], body.encode())

    return workshop.keep(RecordingBackend(say))


@pytest.fixture
def standard(stand, recorder, authority, tmp_path):
    def build(secret="s3cret"):
        file = tmp_path / "client.secret"
        file.write_text(secret)
        file.chmod(0o600)
        tokens = {
            "from": ["header:X-Auth-Token"],
            "introspect": {
                "url": authority.address + "/introspect",
                "user": "$.sub",
                "client_id": "sidecar",
                "client_secret_file": str(file),
            },
        }
        return stand(recorder.address, tokens=tokens)

    return build


def test_r20_a_server_of_the_standard_is_asked_in_our_own_name(
    standard, authority, recorder
):
    world = standard()
    good = world.client.post("/_presence/heartbeat", headers={"X-Auth-Token": "good+token"})
    assert good.status_code == 200, good.text
    for token in ("bad", "over"):
        refused = world.client.post("/_presence/heartbeat", headers={"X-Auth-Token": token})
        assert refused.status_code == 401, refused.text
    question = authority.calls[0]
    assert (question.method, question.target) == ("POST", "/introspect")
    assert question.get("Content-Type") == "application/x-www-form-urlencoded"
    assert question.body == b"token=good%2Btoken&token_type_hint=access_token"
    assert question.all("Host") == [f"127.0.0.1:{authority.port}"]
    assert question.all("X-Auth-Token") == []
    # The application hears nothing of it.
    assert [call.target for call in recorder.calls] == []


def test_r20_that_we_are_not_accepted_speaks_against_nobody(standard, authority):
    world = standard(secret="wrong")
    answer = world.client.post("/_presence/heartbeat", headers={"X-Auth-Token": "good+token"})
    assert answer.status_code == 503, answer.text
    eventually(lambda: "client_id" in world.sidecar.log(), what="a word in the log")
