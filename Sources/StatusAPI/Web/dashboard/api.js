// Owns asking the sidecar: its address, the token, and errors in words.
// Called by every part that reads or changes something.
// Never keeps a token beyond this tab.

const KEY = "presence-token";
/** The folder of this page: {prefix}/ */
const base = new URL("./", location);
/** dashboard.json */
export let settings;

/** Without storage a token lasts until a reload. */
function kept(act) {
  try { return act(sessionStorage); } catch { return null; }
}

/** What a field of a request can hold: what ASCII shows (RFC 9110 §5.5). */
export const isToken = text => /^[\x21-\x7e]+$/.test(text);

let token = kept(storage => storage.getItem(KEY));
export const hasToken = () => token !== null;
export function useToken(text) {
  token = text;
  kept(storage => text === null ? storage.removeItem(KEY) : storage.setItem(KEY, text));
}

/** `ended` is called when the credential counts no more. */
export const session = {};

const leaving = new AbortController();
/** The page is going: nothing is asked or answered any more. */
export function leave() {
  leaving.abort();
  useToken(null);
}

/** An answer that is none; `status` is 0 where nobody has answered. */
export class Refusal extends Error {
  constructor(status, detail, retryAfter = 0) {
    super(detail);
    Object.assign(this, { status, retryAfter });
  }
}

/** Asks for a path below the prefix; with a body it is a POST. Throws a `Refusal`. */
export function ask(path, { body, signal, patience } = {}) {
  const { token_field: field, token_scheme: scheme } = settings;
  return answer(new URL(path, base), {
    signal, ...body && { method: "POST", body: JSON.stringify(body) },
    // Two credentials of two people make a request anonymous: a token stands alone.
    ...hasToken() && { headers: { [field]: scheme ? `${scheme} ${token}` : token }, credentials: "omit" },
  }, patience);
}

/** One user. An id may hold what no path can carry. */
export const one = async id => (await ask("users/query", { body: { ids: [id] } })).results[id];

export async function loadSettings() {
  settings = await answer(new URL("dashboard.json", base), { cache: "no-cache" });
}

async function answer(url, request, patience) {
  const { response, document } = await load(url, request, patience), { ok, status, headers } = response;
  if (ok && document) return document;
  if (status === 401) session.ended();
  throw new Refusal(status, document?.detail ?? `The server answered ${status}.`, 1000 * Math.min(3600, headers.get("Retry-After")) || 0);
}

/** An answer and its JSON; null where it has none: a proxy's page. */
async function load(url, request, patience = 15e3) {
  const { signal = leaving.signal } = request, late = AbortSignal.timeout(patience);
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.any([signal, leaving.signal, late]) });
    const text = await response.text();
    let document = null;
    try { document = JSON.parse(text); } catch { /* Null, then. */ }
    return { response, document };
  } catch (error) {
    if (leaving.signal.aborted) return new Promise(() => {});
    if (signal.aborted) throw error;
    throw new Refusal(0, late.aborted ? "The server does not answer." : "The server cannot be reached.");
  }
}

/** A socket for what came after `cursor`. */
export function openSocket(cursor) {
  const url = new URL("ws", base);
  url.protocol = url.protocol.replace("http", "ws");
  // Whatever sockets begin with elsewhere.
  url.searchParams.set("subscription", "all");
  if (cursor) url.searchParams.set("cursor", cursor);
  // What is no token of HTTP (RFC 9110 §5.6.2) cannot be a subprotocol.
  if (/^[\w!#$%&'*+.^`|~-]+$/.test(token ?? "")) return new WebSocket(url, ["bearer", token]);
  if (hasToken()) url.searchParams.set("token", token);
  return new WebSocket(url);
}

/** Signs in where the application does it. A cookie that comes of it the browser keeps. */
export async function signIn(username, password) {
  // Where a proxy in front has us below a folder, the application is there too.
  const above = base.pathname.slice(0, -settings.prefix.length - 1), { login } = settings, body = Object.create(null);
  put(body, login.username ?? "$.username", username);
  put(body, login.password ?? "$.password", password);
  // Most logins that read no user name read this.
  if (!login.username && username.includes("@")) body.email = username;
  const { response, document } = await load(new URL(above + login.path, base), {
    method: "POST", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", Accept: "application/json" },
  }, 30e3);
  const { ok, status } = response;
  if (!ok) throw new Refusal(status, refusalOf(status, document));
  // The first that is there counts. Where no field is read there is a cookie.
  const found = login.tokens.map(place => tokenIn(response, document, place)).find(Boolean);
  useToken(settings.token_field && found || null);
}

/** The names in a path: $.a.b, $['a'][0] */
const namesIn = path =>
  [...path.matchAll(/\.([^.[\]]+)|\[(?:(\d+)|'([^']*)'|"([^"]*)")\]/g)].map(found => found.slice(1).join(""));

/** Objects without a prototype hold whatever name there is. */
function put(body, path, value) {
  const names = namesIn(path), last = names.pop();
  for (const name of names) body = body[name] ??= Object.create(null);
  body[last] = value;
}

function tokenIn(response, document, place) {
  if (place.startsWith("header:")) return response.headers.get(place.slice(7))?.split(" ").pop();
  if (!place.startsWith("$")) return null;
  for (const name of namesIn(place)) document = document && Object.hasOwn(document, name) ? document[name] : null;
  return typeof document === "string" ? document : null;
}

function refusalOf(status, document) {
  const said = document?.detail ?? document?.message ?? document?.error;
  if (typeof said === "string") return said.slice(0, 300);
  return status > 399 && status < 404
    ? "This user name and password were not accepted." : `The application answered ${status}.`;
}
