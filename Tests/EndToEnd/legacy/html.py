# Owns the app's pages for people: signing in, a team's table, a board, a list that comes late.
# Called through legacy.urls.
# Never has a dot: of presence it knows one old attribute, which nothing in the app reads.
from html import escape

from django.contrib.auth import get_user_model
from django.http import Http404, HttpResponse, JsonResponse

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="stylesheet" href="/pages/style.css">
<script src="/pages/app.js"></script>
</head>
<body>
<h1>{title}</h1>
<p><a href="/team/">Team</a> <a href="/board/">Board</a> <a href="/roster/">Roster</a>
<button id="sign-out" onclick="signOut()">Sign out</button></p>
{body}
</body>
</html>
"""

SIGN_IN = """<form id="sign-in" onsubmit="signIn(event)">
<label>Name <input id="name" autocomplete="username"></label>
<label>Password <input id="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button>
<p id="refusal" role="status"></p>
</form>"""

ROSTER = """<table><tbody id="rows"></tbody></table>
<button id="more" onclick="more()">More</button>
<script>fill()</script>"""

STYLE = "body { font: 16px sans-serif } td { padding: 2px 12px } a { color: #00c }\n"

# What many front ends do: the token in local storage, or (`?keep=cookie`) in a cookie that
# scripts can read.
SCRIPT = """
async function signIn(event) {
  event.preventDefault();
  const order = { username: field("name"), password: field("password") };
  const answer = await call("POST", "/api/auth/login/", order);
  if (!answer.ok) {
    document.getElementById("refusal").textContent = "No such name, or another password.";
    return;
  }
  const { access, refresh } = await answer.json();
  localStorage.setItem("refresh_token", refresh);
  if (location.search === "?keep=cookie") document.cookie = "access_token=" + access + "; path=/";
  else localStorage.setItem("access_token", access);
  location = "/team/";
}
async function signOut() {
  await call("POST", "/api/auth/logout/", { refresh: localStorage.getItem("refresh_token") });
  localStorage.clear();
  document.cookie = "access_token=; path=/; max-age=0";
  location = "/signin/";
}
function call(method, path, body) {
  const token = localStorage.getItem("access_token")
    || (/access_token=([^;]+)/.exec(document.cookie) || [])[1];
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = "Bearer " + token;
  return fetch(path, { method, headers, body: JSON.stringify(body) });
}
function field(id) { return document.getElementById(id).value; }
async function fill() {
  const people = await (await fetch("/roster/people/")).json();
  for (const person of people) add(person.id, person.name);
}
function add(id, name) {
  const row = document.getElementById("rows").insertRow();
  row.dataset.userId = id;
  row.insertCell().textContent = id;
  const cell = row.insertCell();
  cell.className = "name";
  cell.textContent = name;
}
function more() { add(99, "dormant"); }
"""


def page(title, body):
    return HttpResponse(PAGE.format(title=title, body=body))


def people():
    return get_user_model().objects.filter(is_active=True).order_by("id")


def style(request):
    return HttpResponse(STYLE, content_type="text/css")


def script(request):
    return HttpResponse(SCRIPT, content_type="text/javascript; charset=utf-8")


def sign_in(request):
    return page("Sign in", SIGN_IN)


def team(request):
    """Names that link to people's pages."""
    rows = "".join(
        f'<tr><td><a href="/people/{user.id}/">{escape(user.username)}</a></td>'
        f"<td>{escape(user.email)}</td></tr>\n"
        for user in people()
    )
    return page("Team", f"<table>\n<tr><th>Name</th><th>Mail</th></tr>\n{rows}</table>")


def board(request):
    """Markup that once said to some other program whose place this is, and that stays."""
    items = "".join(
        f'<li data-presence-user="{user.id}">{escape(user.username)}</li>\n' for user in people()
    )
    return page("Board", f"<ul>\n{items}</ul>")


def roster(request):
    """Rows that a script brings after the page."""
    return page("Roster", ROSTER)


def roster_people(request):
    return JsonResponse([{"id": user.id, "name": user.username} for user in people()], safe=False)


def person(request, number):
    user = people().filter(id=number).first()
    if user is None:
        raise Http404
    return page(escape(user.username), f"<p>{escape(user.email)}</p>")
