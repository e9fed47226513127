// Owns the dashboard as a whole: who is signed in, which view is shown, what is live.
// Called by dashboard.html.
// Never asks another origin.

import { ask, hasToken, loadSettings, Refusal, session, settings, signIn, useToken } from "./dashboard/api.js";
import { Live } from "./dashboard/live.js";
import { Overview } from "./dashboard/overview.js";
import { UserPage } from "./dashboard/user.js";
import { $, at, say, write } from "./dashboard/words.js";

/** How often numbers are asked for, and words about time written anew. */
const REFRESH = 30e3, TICK = 5e3;
/** Where the login is, whatever cookie there is; and what it says. */
const LEFT = { "#/login": "", "#/ended": "The session has ended. Sign in again." };

let live = null, spoken = "", tickedAt = Date.now(), refreshedAt = 0;
const overview = new Overview(), user = new UserPage();
const table = overview.list.table;

async function begin() {
  try {
    await loadSettings();
    const place = hasToken() ? "#/ended" : "#/login", left = LEFT[location.hash];
    if (left !== undefined || !await enter()) showLogin(left ?? LEFT[place]);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    notify(error.message + " Trying again.");
    setTimeout(begin, error.retryAfter || 5000);
  }
}

function showLogin(text) {
  sayAtLogin(text);
  $("login").hidden = false;
  $("login-form").hidden = !settings.login;
  // Where cookies alone count, there is no field for a token.
  $("token-form").hidden = !settings.token_field;
  $("login").querySelector("form:not([hidden]) input")?.focus();
}

function sayAtLogin(text) {
  write($("login-error"), text);
  $("login-error").hidden = !text;
}

function attend(id, offer) {
  const [button] = $(id).getElementsByTagName("button");
  $(id).onsubmit = async event => {
    event.preventDefault();
    button.disabled = true;
    sayAtLogin("");
    try {
      await offer();
      if (!await enter()) sayAtLogin("This does not count here, or not any more.");
    } catch (error) {
      useToken(null);
      sayAtLogin(error.message);
    } finally {
      button.disabled = false;
    }
  };
}

attend("login-form", () => signIn($("username").value, $("password").value));
// As it was copied: out of a header, or a string.
attend("token-form", () => useToken(
  $("token").value.replace(/^["'\s]*((Bearer|Token|JWT)\s+)?["']?|["'\s]+$/gi, "")));

/** Goes on where what we have counts: a token, or a cookie. */
async function enter() {
  const { signed_in: isSignedIn, user_id: id, name } = await ask("whoami");
  if (!isSignedIn) {
    useToken(null);
    return false;
  }
  $("password").value = $("token").value = "";
  if (location.hash in LEFT) history.replaceState(null, "", "#/");
  $("login").hidden = true;
  $("link").hidden = $("logout").hidden = false;
  // Who came by a cookie signs out in the application.
  write($("logout"), hasToken() ? "Log out" : "Switch user");
  $("me").hidden = false;
  write($("me"), name || id || "A service");
  live = new Live({ snapshot, changes, state });
  notify("");
  overview.list.change({});
  route();
  return true;
}

/** To the login, on a page where nothing is left. */
function leave(hash) {
  if (!live) return;
  live.stop();
  live = null;
  useToken(null);
  history.replaceState(null, "", hash);
  location.reload();
}

session.ended = () => leave("#/ended");
$("logout").onclick = () => leave("#/login");

function snapshot(people) {
  overview.snapshot(people);
  refresh();
}

function changes(people) {
  overview.changes(people);
  user.changes(people);
}

function state(state, via, since) {
  const isLive = state === "live";
  const text = isLive ? `Live by ${via}` : `Disconnected since ${at(since, "second")}`;
  $("link").dataset.state = state;
  write($("link"), text);
  notify(isLive ? "" : text + ". What you see is from then. Trying again.");
  if (isLive && text !== spoken) say(text + ".");
  spoken = text;
  if (!isLive) return;
  refresh();
  user.load();
}

function notify(text) {
  write($("notice-text"), text);
  $("notice").hidden = !text;
}

$("retry").onclick = () => live ? live.check() : location.reload();

/** The numbers, once a second at most. */
async function refresh() {
  if (!live || Date.now() - refreshedAt < 1000) return;
  refreshedAt = Date.now();
  try {
    await overview.refresh();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 0) live?.check();
  }
}

function renew() {
  refresh();
  overview.list.renew();
  user.load();
}

function tick() {
  // A clock that jumps has slept.
  if (Date.now() - tickedAt > 4 * TICK) live?.check();
  tickedAt = Date.now();
  if (document.hidden || !live) return;
  table.show();
  user.showFacts();
  if (Date.now() - refreshedAt >= REFRESH) renew();
}
setInterval(tick, TICK);

document.onvisibilitychange = () => {
  if (document.hidden || !live) return;
  live.check();
  renew();
};
window.ononline = window.onoffline = () => live?.check();

function route() {
  if (!live) return;
  const named = location.hash.match(/^#\/users\/(.+)$/), wasUser = !$("user").hidden;
  let id = null;
  try { id = named && decodeURIComponent(named[1]); } catch { /* No user is called so. */ }
  $("user").hidden = id === null;
  $("overview").hidden = id !== null;
  user.open(id);
  if (id !== null) {
    scrollTo(0, 0);
    return $("user-title").focus();
  }
  document.title = "Presence";
  table.show();
  // Back to where one came from.
  if (wasUser) table.go(table.current);
}
window.onhashchange = route;

begin();
