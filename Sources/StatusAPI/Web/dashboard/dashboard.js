// Owns the dashboard as a whole: who is signed in, which view is shown, what is live.
// Called by dashboard.html.
// Never asks another origin.

import { ask, hasToken, isToken, leave, loadSettings, Refusal, session, settings, signIn, useToken } from "./dashboard/api.js";
import * as list from "./dashboard/list.js";
import * as live from "./dashboard/live.js";
import * as overview from "./dashboard/overview.js";
import * as table from "./dashboard/table.js";
import * as user from "./dashboard/user.js";
import { $, at, say, write } from "./dashboard/words.js";

/** How often all is asked for, and times in words are written anew. */
const REFRESH = 30e3, TICK = 5e3;
/** Where the login is, whatever cookie there is; and what it says. */
const LEFT = { "#/login": "", "#/ended": "The session has ended. Sign in again." };

/** What stands around a token that was copied: out of a header, a string, a text. */
const AROUND = /^[\s\p{QMark}\p{Cf}]*((Bearer|Token|JWT)\s+)?[\s\p{QMark}\p{Cf}]*|[\s\p{QMark}\p{Cf}]+$/giu;

let isIn = false, tickedAt = Date.now(), renewedAt = 0;
const notify = text => write("notice-text", text), sayAtLogin = text => write("login-error", text);

async function begin() {
  try {
    await loadSettings();
    const { hash } = location, place = hash in LEFT ? hash : hasToken() ? "#/ended" : "#/login";
    if (place === hash || !await enter()) showLogin(LEFT[place]);
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
  const { username } = settings.login ?? {};
  if (username) write("username-label", /mail/i.test(username) ? "Email address" : "User name");
  // Where cookies alone count, there is no field for a token.
  $("token-form").hidden = !settings.token_field;
  $("login").querySelector("form:not([hidden]) input")?.focus();
}

function attend(id, offer) {
  $(id).onsubmit = async event => {
    const { submitter: button } = event;
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
attend("token-form", () => {
  const token = $("token").value.replace(AROUND, "");
  if (!isToken(token)) throw new Refusal(0, "This is no token: it has a character that none has.");
  useToken(token);
});

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
  for (const part of ["link", "me", "logout"]) $(part).hidden = false;
  // Who came by a cookie signs out in the application.
  write("logout", hasToken() ? "Log out" : "Switch user");
  write("me", name || id || "A service");
  isIn = true;
  live.start({ snapshot: overview.snapshot, changes, state });
  notify("");
  route();
  return true;
}

/** To the login, on a page where nothing is left. */
function leaveFor(hash) {
  if (!isIn) return;
  isIn = false;
  live.stop();
  leave();
  history.replaceState(null, "", hash);
  location.reload();
}

session.ended = () => leaveFor("#/ended");
$("logout").onclick = () => leaveFor("#/login");

function changes(people) {
  overview.changes(people);
  user.changes(people);
}

function state(state, via, since) {
  const isLive = state === "live", text = isLive ? `Live by ${via}` : `Disconnected since ${at(since, "second")}`;
  $("link").dataset.state = state;
  write("link", text);
  notify(isLive ? "" : text + ". What you see is from then. Trying again.");
  if (!isLive) return;
  say(text + ".");
  renew();
}

$("retry").onclick = () => isIn ? live.check() : location.reload();

async function renew() {
  renewedAt = Date.now();
  list.renew();
  user.load();
  try {
    await overview.refresh();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 0) live.check();
  }
}

function tick() {
  // A clock that jumps has slept.
  if (Date.now() - tickedAt > 4 * TICK) live.check();
  tickedAt = Date.now();
  if (document.hidden || !isIn) return;
  table.show();
  user.showFacts();
  if (Date.now() - renewedAt >= REFRESH) renew();
}
setInterval(tick, TICK);

document.onvisibilitychange = () => {
  if (document.hidden || !isIn) return;
  live.check();
  renew();
};
window.ononline = window.onoffline = live.check;

function route() {
  if (!isIn) return;
  const named = location.hash.match(/^#\/users\/(.+)$/), wasUser = !$("user").hidden;
  let id = null;
  try { id = named && decodeURIComponent(named[1]); } catch { /* No user is called so. */ }
  $("user").hidden = id === null;
  $("overview").hidden = id !== null;
  user.open(id, list.known(id));
  if (id !== null) {
    scrollTo(0, 0);
    return $("user-title").focus();
  }
  document.title = "Presence";
  list.open(location.hash);
  // Back to where one came from.
  if (wasUser) table.go(table.current);
}
window.onhashchange = route;

begin();
