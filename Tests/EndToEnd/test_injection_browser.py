# Owns the test of what a real browser makes of the pages into which our tag went.
# Called by pytest, over the corpus of Tests/StatusAPITests/PageVectors.swift.
# Never looks at bytes: that is test_injection's.
from test_injection import PLACED, ROUTES, VECTORS, by_number

# Takes our tag out and says how often it stood in the head, and what is left.
LOOK = """(() => {
  const ours = [...document.querySelectorAll("script[data-presence]")].filter((script) =>
    script.parentNode === document.head && script.getAttribute("src") === "/_presence/client.js");
  ours.forEach((script) => script.remove());
  return [ours.length, document.documentElement.outerHTML, document.compatMode];
})()"""


def test_chromium_finds_the_tag_and_everything_else_as_it_was(stand, recorder, browser):
    def answer(call):
        parts = call.target.split("/")
        if len(parts) == 4 and parts[3] == "length":
            by_number(call)
        else:
            call.reply(404)

    recorder.handler = answer
    sidecar = stand(recorder.address, routes=ROUTES).sidecar
    page = browser.open(sidecar.address + "/plain/0/length")
    assert len(PLACED) > 80
    for vector in PLACED:
        number = VECTORS.index(vector)
        page.open(f"{sidecar.address}/plain/{number}/length")
        count, before, mode = page.evaluate(LOOK)
        assert count == 0, vector["name"]
        page.open(f"{sidecar.address}/app/{number}/length")
        assert page.evaluate(LOOK) == [1, before, mode], vector["name"]
    # Pages of the corpus are full of mistakes, of which a browser complains.
    browser.console.clear()
    browser.requests.clear()


def test_the_script_runs_where_a_policy_allows_it_and_the_browser_has_no_complaint(
    stand, recorder, browser
):
    policies = {
        "/app/nonce": "script-src 'nonce-Zm9v' 'strict-dynamic'; connect-src 'self'",
        "/app/self": "default-src 'self'; img-src data:",
        "/app/none": "default-src 'none'; img-src data:",
    }

    def answer(call):
        policy = policies.get(call.target)
        if policy is None:
            return call.reply(204)
        fields = [("Content-Type", "text/html"), ("Content-Security-Policy", policy)]
        page = b"<!doctype html><link rel=icon href=data:,><title>A</title><p>x"
        return call.reply(200, fields, page)

    recorder.handler = answer
    sidecar = stand(recorder.address, routes=ROUTES).sidecar
    # Signed in with nothing, the script asks in vain, which it says once.
    browser.allow_console("presence|401")
    page = browser.open(sidecar.address + "/app/nonce")
    page.wait("window.presence !== undefined")
    page.open(sidecar.address + "/app/self")
    page.wait("window.presence !== undefined")
    page.open(sidecar.address + "/app/none")
    assert page.evaluate("document.scripts.length") == 0
