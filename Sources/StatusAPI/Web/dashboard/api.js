// Owns asking the sidecar: its address, the token, and errors in words.
// Called by every part that reads or changes something.
// Never keeps a token beyond this tab.

const KEY = "presence-token";
/** The folder of this page: {prefix}/ */
const base = new URL("./", location.href.split(/[?#]/)[0]);
/** dashboard.json */
export let settings;

let token = null;
try { token = sessionStorage.getItem(KEY); } catch { /* Without storage it lasts until a reload. */ }
export const hasToken = () => token !== null;
export function useToken(text) {
  token = text;
  try {
    if (text === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, text);
  } catch { /* As above. */ }
}

/** `ended` is called when the credential counts no more. */
export const session = {};

/** An answer that is none; `status` is 0 where nobody has answered. */
export class Refusal extends Error {
  constructor(status, detail, retryAfter = 0) {
    super(detail);
    Object.assign(this, { status, retryAfter });
  }
}

/** Asks for a path below the prefix; with a body it is a POST. Throws a `Refusal`. */
export function ask(path, { body, signal, patience } = {}) {
  const request = { signal }, { token_field: field, token_scheme: scheme } = settings;
  if (hasToken()) {
    request.headers = { [field]: scheme ? `${scheme} ${token}` : token };
    // Two credentials of two people make a request anonymous: a token stands alone.
    request.credentials = "omit";
  }
  if (body) Object.assign(request, { method: "POST", body: JSON.stringify(body) });
  return answer(new URL(path, base), request, patience);
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
  throw new Refusal(status, document?.detail ?? `The server answered ${status}.`, 1000 * headers.get("Retry-After"));
}

/** An answer and its JSON; null where it has none: a proxy's page, say. */
async function load(url, request, patience = 15e3) {
  const { signal } = request, late = AbortSignal.timeout(patience);
  try {
    const response = await fetch(url, { ...request, signal: signal ? AbortSignal.any([signal, late]) : late });
    const text = await response.text();
    let document = null;
    try { document = JSON.parse(text); } catch { /* Null, then. */ }
    return { response, document };
  } catch (error) {
    if (signal?.aborted) throw error;
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

/** Signs in where the application does it. A cookie that comes of it is the browser's to keep. */
export async function signIn(username, password) {
  // Where a proxy in front has us below a folder, the application is there too.
  const above = base.pathname.slice(0, -settings.prefix.length - 1);
  const { response, document } = await load(new URL(above + settings.login.path, base), {
    method: "POST", body: JSON.stringify({ username, password }),
    headers: { "Content-Type": "application/json", Accept: "application/json" },
  }, 30e3);
  if (!response.ok) throw new Refusal(response.status, refusalOf(response.status, document));
  const found = tokenIn(response, document, settings.login.token ?? "");
  // Where no field is read there is a cookie.
  useToken(settings.token_field && found || null);
}

function tokenIn(response, document, place) {
  if (place.startsWith("header:")) return response.headers.get(place.slice(7))?.split(" ").pop();
  if (!place.startsWith("$")) return null;
  // $.a.b, $['a'][0]
  for (const [, ...names] of place.matchAll(/\.([^.[\]]+)|\[(?:(\d+)|'([^']*)'|"([^"]*)")\]/g)) {
    const name = names.find(name => name !== undefined);
    document = document && Object.hasOwn(document, name) ? document[name] : null;
  }
  return typeof document === "string" ? document : null;
}

function refusalOf(status, document) {
  const said = document?.detail ?? document?.message ?? document?.error;
  if (typeof said === "string") return said.slice(0, 300);
  return status > 399 && status < 404
    ? "This user name and password were not accepted." : `The application answered ${status}.`;
}
