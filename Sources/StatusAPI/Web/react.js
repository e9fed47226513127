// Owns presence for React: hooks and a component over client.js, with the page's own React.
// Called by the page: `const { useOnlineStatus } = createPresence(React)` (docs/front-end.md).
// Never holds a state of its own: client.js knows, and shares one connection among all tabs.

const OURS = Symbol.for("presence-sidecar");
const UNKNOWN = Object.freeze({
  user_id: "", name: null, online_status: "unknown", is_online: false, last_seen: null,
  last_active: null, since: null, devices: 0,
});
const PAUSES = { first: 1000, longest: 60_000 }; // milliseconds, of useWebSocket

let loading = null;

/** client.js, which is loaded where the page has not done so. Resolves to its `presence`. */
function loadClient(attributes = {}) {
  loading ??= new Promise((resolve, reject) => {
    if (window[OURS]) return resolve(window[OURS]);
    const script = document.createElement("script");
    script.src = new URL("client.js", import.meta.url).href;
    for (const [name, value] of Object.entries(attributes)) script.setAttribute(name, value);
    script.onload = () => resolve(window[OURS]);
    script.onerror = () => reject(new Error(`${script.src} cannot be loaded`));
    document.head.append(script);
  });
  return loading;
}

/**
 * The hooks, made with the page's React (17 with its shim for external stores, 18 or newer).
 * - React: default `window.React`.
 * - options.attributes: those of client.js's tag, where the page has none:
 *   `{ "data-token-storage": "access" }`.
 */
export function createPresence(React = globalThis.React, options = {}) {
  if (!React?.useSyncExternalStore) {
    throw new TypeError(
      "createPresence(React): give it React 18 or newer; there is none in window.React either");
  }
  const { createElement, useCallback, useEffect, useRef, useState, useSyncExternalStore } = React;
  loadClient(options.attributes).catch((error) => console.info("presence: " + error.message));

  /** Calls `listen(presence)` once client.js is there; what it returns ends it. */
  function whenLoaded(listen) {
    let end = null;
    let isOver = false;
    loadClient().then((presence) => {
      if (!isOver) end = listen(presence);
    }, () => {});
    return () => {
      isOver = true;
      end?.();
    };
  }

  function onStatus(presence, tell) {
    presence.addEventListener("status", tell);
    return () => presence.removeEventListener("status", tell);
  }

  /** The presence object of a user; `online_status` is "unknown" until it is told. */
  function useOnlineStatus(id) {
    const user = textOf(id);
    const subscribe = useCallback((tell) => whenLoaded((presence) => {
      const unwatch = user ? presence.watch(user, tell) : () => {};
      // What is known ends with the session of whoever looks.
      const unlisten = onStatus(presence, tell);
      tell();
      return () => {
        unwatch();
        unlisten();
      };
    }), [user]);
    const read = () => window[OURS]?.get(user) ?? UNKNOWN;
    return useSyncExternalStore(subscribe, read, () => UNKNOWN);
  }

  const listenToStatus = (tell) => whenLoaded((presence) => {
    tell();
    return onStatus(presence, tell);
  });
  const readStatus = () => window[OURS]?.status ?? "starting";

  /** The connection: `{ status, isConnected, user, watch, get, connect }`. */
  function usePresence() {
    const status = useSyncExternalStore(listenToStatus, readStatus, () => "starting");
    const watch = useCallback(
      (ids, callback) => whenLoaded((presence) => presence.watch(ids, callback)), []);
    const get = useCallback((id) => window[OURS]?.get(id), []);
    const connect = useCallback(() => void loadClient().then((presence) => presence.connect()), []);
    const isConnected = status === "open" || status === "polling";
    return { status, isConnected, user: window[OURS]?.user ?? null, watch, get, connect };
  }

  /**
   * A WebSocket of the page's own, which comes back by itself. `url` may be relative; null: none.
   * - options.protocols: subprotocols, or a function that gives them, also later, for each attempt.
   * - options.onMessage: called with each message; JSON is read, other text given as it is.
   * Returns `{ status: "connecting" | "open" | "closed", isConnected, lastMessage, send }`; `send`
   * writes objects as JSON and says false where the socket is not open.
   */
  function useWebSocket(url, { protocols, onMessage } = {}) {
    const [status, setStatus] = useState(url ? "connecting" : "closed");
    const [lastMessage, setLastMessage] = useState(null);
    const socket = useRef(null);
    const latest = useRef({});
    latest.current = { protocols, onMessage };

    useEffect(() => {
      if (!url) return setStatus("closed");
      return keepOpen(url, () => latest.current.protocols, {
        status(value, current) {
          socket.current = current;
          setStatus(value);
        },
        message(value) {
          setLastMessage(value);
          latest.current.onMessage?.(value);
        },
      });
    }, [url]);

    const send = useCallback((value) => {
      if (socket.current?.readyState !== 1) return false;
      socket.current.send(typeof value === "string" ? value : JSON.stringify(value));
      return true;
    }, []);
    return { status, isConnected: status === "open", lastMessage, send };
  }

  /** A dot with tip and click. Further properties go to the element: className, style, name… */
  function OnlineIndicator({ userId, name, onOpen, ...more }) {
    const element = useRef(null);
    useEffect(() => {
      const dot = element.current;
      if (!onOpen) return undefined;
      const opened = (event) => {
        // Whoever takes the click needs no note that nobody does.
        event.preventDefault();
        onOpen(event.detail, event);
      };
      dot.addEventListener("presence:open", opened);
      return () => dot.removeEventListener("presence:open", opened);
    }, [onOpen]);
    const { className, ...rest } = more;
    return createElement("presence-dot", {
      ref: element, user: textOf(userId) || undefined, name, class: className, ...rest,
    });
  }

  return { useWebSocket, useOnlineStatus, usePresence, OnlineIndicator };
}

const textOf = (id) => (id === null || id === undefined ? "" : String(id));

/** Opens the socket again and again until it is told to end. */
function keepOpen(url, protocolsOf, tell) {
  let socket = null;
  let timer = 0;
  let failures = 0;
  let isOver = false;

  async function open() {
    tell.status("connecting", null);
    const address = new URL(url, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    try {
      const given = protocolsOf();
      const protocols = typeof given === "function" ? await given() : given;
      if (isOver) return;
      socket = new WebSocket(address, protocols ?? []);
    } catch {
      return again();
    }
    const mine = socket;
    mine.onopen = () => {
      failures = 0;
      tell.status("open", mine);
    };
    mine.onmessage = ({ data }) => isOver || tell.message(parsed(data));
    mine.onclose = again;
  }

  function again() {
    if (isOver) return;
    tell.status("connecting", null);
    const longest = Math.min(PAUSES.first * 2 ** failures++, PAUSES.longest);
    timer = setTimeout(open, longest * (0.5 + Math.random() / 2));
  }

  // In a microtask, so that StrictMode's trial run opens nothing.
  queueMicrotask(() => isOver || open());
  return () => {
    isOver = true;
    clearTimeout(timer);
    if (socket) socket.onclose = null;
    socket?.close(1000);
  };
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

// For pages whose React is a classic script: window.presenceReact.createPresence(React).
globalThis.presenceReact = { createPresence };
