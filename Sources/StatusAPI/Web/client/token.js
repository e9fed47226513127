// Owns finding the token, and the requests that carry it.
// Called by the connection, and by the tick, which looks whether another one is there.
// Never keeps a token anywhere, and never asks another origin.

const hasSource = () => options.tokenCookie || options.tokenStorage || options.tokenCallback;

/** The token; "": cookies go along by themselves; null: there is none. */
async function findToken() {
  if (!hasSource()) return "";
  for (const look of [fromCallback, fromStorage, fromCookie]) {
    try {
      const found = await look();
      const token = typeof found === "string" && found.trim();
      if (token) return token.replace(/^(Bearer|Token|JWT) +/, "");
    } catch {
      // Storage that is switched off, JSON that is none, a callback that fails: no token here.
    }
  }
  return null;
}

/** Whether a field of a request can hold it (RFC 9110 §5.5); a browser throws, or is refused. */
const isSendable = (token) => /^[\t\x20-\x7e\x80-\xff]*$/.test(token);

const fromCallback = () => options.tokenCallback && window[options.tokenCallback]?.();

/** `key`, or `key:$.path.to[0].token` into JSON, in local or in session storage. */
function fromStorage() {
  if (!options.tokenStorage) return null;
  const [, key, path] = /^(.*?)(?::\$\.?(.*))?$/.exec(options.tokenStorage);
  let value = localStorage.getItem(key) ?? sessionStorage.getItem(key);
  for (const step of (path || "").split(/[.[\]]+/).filter(Boolean)) {
    // JSON in JSON, as some libraries keep it.
    value = (typeof value === "string" ? JSON.parse(value) : value)[step];
  }
  return value?.[0] === '"' ? JSON.parse(value) : value;
}

function fromCookie() {
  const start = options.tokenCookie + "=";
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(start));
  return options.tokenCookie && found && decodeURIComponent(found.slice(start.length));
}

/** A request to the sidecar; rejects where nobody answers. */
function ask(path, body, more) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  if (link.token) {
    const [name, scheme] = (options.tokenHeader || "Authorization: Bearer").split(/: */);
    headers[name] = (scheme ? scheme + " " : "") + link.token;
  }
  return fetch(new URL(path, base), {
    method: body ? "POST" : "GET", body: body && JSON.stringify(body), headers,
    credentials: "same-origin", cache: "no-store", ...more,
  });
}

/** "somebody", "nobody", or for how many seconds to wait: nobody could say. */
async function whoAmI() {
  try {
    const response = await ask("whoami");
    if (!response.ok) return +response.headers.get("Retry-After") || 1;
    const who = await response.json();
    link.every = who.heartbeat_every * 1000;
    return who.signed_in ? "somebody" : "nobody";
  } catch {
    return 1;
  }
}
