# Owns the test of the browser's harness itself: it must see what it is there to see.
# Called by pytest.
# Never involves the sidecar: pages come from a small server of this test.
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.trace import Trace, task_of

PLAIN = "<!doctype html><html lang=en><meta charset=utf-8><title>Plain</title>"


class PageServer:
    """Pages by path, from this process."""

    def __init__(self, pages):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                page = pages.get(self.path)
                body = (page or "").encode()
                kind = "text/javascript" if self.path.endswith(".js") else "text/html"
                self.send_response(200 if page is not None else 404)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def serve(workshop):
    return lambda **pages: workshop.keep(
        PageServer({"/" + name.replace("_", "."): text for name, text in pages.items()})
    )


def seen(browser, what):
    """The one problem that this test is about, which must not fail it."""
    problems = browser.problems()
    browser.console.clear()
    browser.requests.clear()
    assert len(problems) == 1, problems
    assert what in problems[0], problems
    return True


def test_a_quiet_page_has_no_problem(browser, serve):
    page = browser.open(serve(a=PLAIN + "<h1>Good <b>day</b></h1>").address + "/a")
    assert page.text("h1") == "Good day"
    assert browser.problems() == []


@pytest.mark.parametrize(
    "script, said",
    [
        ("console.error('it', 'broke')", "it broke"),
        ("nothing.there", "nothing is not defined"),
        ("Promise.reject(new Error('nobody caught it'))", "nobody caught it"),
        ("fetch('/missing')", "404"),
    ],
)
def test_an_error_in_the_console_is_a_problem(browser, serve, script, said):
    page = browser.open(serve(a=f"{PLAIN}<script>{script}</script>").address + "/a")
    page.wait("document.readyState === 'complete'")
    page.wait("new Promise(done => setTimeout(() => done(true), 50))")
    assert seen(browser, said)


def test_an_error_that_a_test_allows_is_none(browser, serve):
    browser.allow_console(r"it broke$")
    browser.open(serve(a=PLAIN + "<script>console.error('it broke')</script>").address + "/a")
    assert [text for _, text in browser.console] == ["it broke"]
    assert browser.problems() == []


def test_an_error_in_a_shared_worker_is_a_problem(browser, serve):
    pages = serve(
        a=PLAIN + "<script>w = new SharedWorker('/w.js'); w.port.onmessage = e => said = e.data"
        "</script>",
        w_js="console.error('from the worker'); onconnect = e => e.ports[0].postMessage('hello')",
    )
    page = browser.open(pages.address + "/a")
    page.wait("globalThis.said === 'hello'")
    assert seen(browser, "from the worker")


def test_a_request_to_another_origin_is_a_problem(browser, serve):
    other = serve(x_js="")
    page = PLAIN + f"<script src='{other.address}/x.js'></script>"
    browser.open(serve(a=page).address + "/a")
    assert seen(browser, f"{other.address}/x.js")


def test_a_name_on_the_net_is_never_reached(browser, serve):
    page = PLAIN + "<img src='http://pictures.example/x.png' alt='x'>"
    browser.allow_console("ERR_NAME_NOT_RESOLVED")
    browser.open(serve(a=page).address + "/a")
    assert seen(browser, "pictures.example")


def test_two_people_share_nothing_and_two_windows_of_one_do(browser, serve):
    at = serve(a=PLAIN).address + "/a"
    ada, bob = browser.person(), browser.person()
    one, two, other = ada.open(at), ada.open(at), bob.open(at)
    one.evaluate("localStorage.setItem('token', 't'); document.cookie = 'c=1'")
    assert two.evaluate("[localStorage.getItem('token'), document.cookie]") == ["t", "c=1"]
    assert other.evaluate("[localStorage.getItem('token'), document.cookie]") == [None, ""]


def test_the_look_of_a_window_can_be_chosen(browser, serve):
    at = serve(a=PLAIN + "<meta name=viewport content='width=device-width'>").address + "/a"
    asked = """['(prefers-color-scheme: dark)', '(prefers-reduced-motion)', '(width: 390px)']
        .map(query => matchMedia(query).matches)"""
    assert browser.open(at).evaluate(asked) == [False, False, False]
    assert browser.open(at, dark=True, still=True, phone=True).evaluate(asked) == [True] * 3


def test_a_window_is_hidden_and_shown(browser, serve):
    page = browser.open(serve(a=PLAIN).address + "/a")
    page.hide()
    page.show()
    assert page.evaluate("document.visibilityState") == "visible"


def test_closing_a_window_tells_its_page(browser, serve):
    person = browser.person()
    at = serve(a=PLAIN).address + "/a"
    stays, goes = person.open(at), person.open(at)
    goes.evaluate("addEventListener('pagehide', () => localStorage.setItem('gone', 'yes'))")
    goes.close()
    stays.wait("localStorage.getItem('gone') === 'yes'")


def test_the_clock_of_a_page_is_turned(browser, serve):
    page = browser.open(serve(a=PLAIN).address + "/a", clock=True)
    page.evaluate(
        """(started = Date.now(), beats = 0, rang = [],
        setInterval(() => beats += 1, 60e3),
        setTimeout(() => rang.push('one', Date.now() - started), 200e3),
        clearTimeout(setTimeout(() => rang.push('never'), 100e3)), 0)"""
    )
    page.turn_clock(190)
    assert page.evaluate("[beats, rang.length]") == [3, 0]
    page.turn_clock(120)
    beats, (name, at) = page.evaluate("[beats, rang]")
    assert (beats, name) == (5, "one")
    # Date.now() is cut to whole milliseconds.
    assert 200e3 - 1 <= at < 201e3


BUSY = """function busy(done) {
  const end = performance.now() + 200;
  while (performance.now() < end);
  done();
}"""


def test_long_tasks_are_seen(browser, serve):
    page = browser.open(serve(a=PLAIN + "<button>Work</button>").address + "/a")
    page.evaluate("document.querySelector('button').onclick = () => { const end ="
                  " performance.now() + 200; while (performance.now() < end); }; 0")  # fmt: skip
    began = page.evaluate("performance.now()")
    page.click("button")
    page.wait("__longTasks().some(task => task.duration > 190)")
    assert page.long_tasks(over=190, since=began)
    assert not page.long_tasks(over=190, since=page.evaluate("performance.now()"))


def test_the_processor_time_of_a_task_is_counted(browser, serve):
    page = browser.open(serve(a=PLAIN + "<script src=a.js></script>", a_js=BUSY).address + "/a")
    with Trace(page) as trace:
        page.evaluate("new Promise(done => setTimeout(busy, 0, done))")
    (task,) = [task for task in trace.tasks if "busy" in task.functions]
    assert 20 < task.processor <= task.whole and task.whole >= 200


def test_a_task_whose_processor_time_is_not_known_is_no_quick_one():
    assert task_of({"dur": 900}, []) == (0, 0.9, ())
    with pytest.raises(AssertionError, match="no processor time of a task"):
        task_of({"dur": 1100}, [])


def test_a_control_without_a_name_is_found(browser, serve):
    body = """<button>Save</button> <button></button> <label>Name <input></label> <input>
        <a href=/a>Home</a> <a href=/a><img src=data:, alt></a> <div tabindex=0>turn me</div>"""
    page = browser.open(serve(a=PLAIN + body).address + "/a")
    found = page.nameless_controls()
    assert [text.split(":")[0] for text in found] == [
        "button without a name",
        "textbox without a name",
        "link without a name",
        "generic without a role",
    ], found


def test_faint_text_is_found(browser, serve):
    body = """<style>body { background: #fff; color: #000 } p { margin: 4px }</style>
        <p>clear</p> <p style='color: #767676'>just enough</p> <p style='color: #777'>faint</p>
        <p style='opacity: .4'>faded</p> <p style='color: #fff; background: #000'>inverse</p>
        <p style='background: linear-gradient(#000, #fff)'>on a picture</p>
        <p style='color: #ccc; display: none'>unseen</p> <input placeholder=hint style='color: red'>
        <div id=host></div><script>host.attachShadow({mode: 'open'}).innerHTML =
        "<p style='color: oklch(0.9 0 0)'>in the shadow</p>"</script>"""
    page = browser.open(serve(a=PLAIN + body).address + "/a")
    found = {entry["text"]: entry["ratio"] for entry in page.faint_texts()}
    assert set(found) == {"faint", "faded", "on a picture", "in the shadow"}, found
    assert found["faint"] == 4.48 and found["on a picture"] is None


def test_people_type_and_press_keys_and_step_into_shadow_roots(browser, serve):
    body = """<form onsubmit="event.preventDefault(); out.textContent = said.value">
        <label>Say <input id=said value=old></label></form> <p id=out></p> <div id=host></div>
        <script>host.attachShadow({mode: 'open'}).innerHTML = '<button>Inner</button>'
        host.shadowRoot.querySelector('button').onclick = () => out.textContent = 'clicked'
        </script>"""
    page = browser.open(serve(a=PLAIN + body).address + "/a")
    page.type("#said", "hello")
    page.press("ENTER")
    page.wait("out.textContent === 'hello'")
    assert page.text("button", inside="#host") == "Inner"
    page.click("button", inside="#host")
    assert page.text("#out") == "clicked"


def test_a_picture_is_a_png(browser, serve, tmp_path):
    browser.open(serve(a=PLAIN).address + "/a").picture(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
