// Keeps what stands in [data-live] up to date without a reload. Each event of /ws/feed says only that something
// changed: what it looks like now is rendered by the server alone, and fetched from the very page that is open.
"use strict";

const PAUSES_MS = [500, 1000, 2000, 5000, 10000, 20000];
const SILENCE_MS = 60000; // Three missed keepalives: the connection is dead, whatever the browser believes.
const TOGETHER_MS = 120; // Signals of one close come in a burst.
const SPREAD_MS = 200; // Nor need all browsers ask in the same moment.
const AT_LEAST_EVERY_MS = 60000;
const NOT_ALLOWED = 1008;
const WORDS = { waiting: "Connecting", live: "Live", offline: "Offline" };

const live = document.querySelector("[data-live]");
const pill = document.querySelector("[data-live-state]");
const news = document.querySelector("[data-news]");

let failures = 0;
let silence = 0;
let pending = 0;
let isFetching = false;
let isStale = false;
let askedAt = 0;

function show(state) {
  pill.dataset.liveState = state;
  pill.querySelector(".live-word").textContent = WORDS[state];
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/ws/feed`);
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => socket.close(), SILENCE_MS);
  };
  socket.addEventListener("open", listen);
  socket.addEventListener("message", (message) => {
    listen();
    heed(JSON.parse(message.data));
  });
  socket.addEventListener("close", (event) => {
    clearTimeout(silence);
    show("offline");
    const pause = PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)];
    failures += 1;
    // Not all browsers at once when the server comes back.
    setTimeout(connect, pause * (0.75 + Math.random() / 2));
    // The session has ended: the page, asked for again, leads to the login.
    if (event.code === NOT_ALLOWED) refresh();
  });
}

function heed(event) {
  if (event.event === "connected") {
    failures = 0;
    show("live");
  }
  // What happened between rendering and connecting was not announced to us; nor are replayed signals ever.
  const isOld = event.event === "keepalive" && Date.now() - askedAt > AT_LEAST_EVERY_MS;
  if (isOld || ["connected", "signal", "signal_closed"].includes(event.event)) soon();
}

function soon() {
  isStale = document.hidden; // Nobody looks: it is fetched when somebody does.
  if (!pending && !isStale) pending = setTimeout(refresh, TOGETHER_MS + Math.random() * SPREAD_MS);
}

async function refresh() {
  pending = 0;
  isStale = isFetching;
  if (isFetching) return;
  isFetching = true;
  askedAt = Date.now();
  try {
    const answer = await fetch(location.pathname + location.search, {
      headers: { accept: "text/html" },
      cache: "no-store",
    });
    if (answer.redirected) location.assign(answer.url);
    else if (answer.ok) replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The connection's own state says that we are offline; the next event tries again.
  } finally {
    isFetching = false;
    if (isStale) soon();
  }
}

function replace(page) {
  const fresh = page.querySelector("[data-live]");
  if (!fresh || fresh.innerHTML === live.dataset.shown) return;
  live.dataset.shown = fresh.innerHTML;
  const [now, next] = [live.querySelector("tbody[role]"), fresh.querySelector("tbody[role]")];
  if (now && next) {
    merge(now, next);
    swap(".note");
    swap(".paging");
  } else {
    live.replaceChildren(...fresh.childNodes);
  }

  function swap(selector) {
    const [old, made] = [live.querySelector(selector), fresh.querySelector(selector)];
    if (old && made && old.isEqualNode(made)) return;
    old?.remove();
    if (made) live[selector === ".note" ? "prepend" : "append"](made);
  }
}

// Rows that are the same stay the same elements: focus, selection and running highlights survive.
function merge(body, next) {
  const known = new Map([...body.children].map((row) => [row.dataset.id, row]));
  const came = [];
  let at = body.firstElementChild;
  for (const row of [...next.children]) {
    const old = known.get(row.dataset.id);
    known.delete(row.dataset.id);
    if (old && old.innerHTML === row.innerHTML) {
      if (old === at) at = at.nextElementSibling;
      else body.insertBefore(old, at);
      continue;
    }
    body.insertBefore(row, at);
    mark(row, old ? "is-changed" : "is-new");
    if (!old) came.push(row);
    if (old && old.contains(document.activeElement)) row.querySelector("a").focus({ preventScroll: true });
    if (old && old === at) at = at.nextElementSibling;
    old?.remove();
  }
  for (const row of known.values()) row.remove();
  tell(came);
}

function mark(row, name) {
  row.classList.add(name);
  row.addEventListener("animationend", () => row.classList.remove(name), { once: true });
}

function tell(rows) {
  if (!news || !rows.length) return;
  news.textContent = rows.length === 1 ? `New signal: ${rows[0].dataset.said}` : `${rows.length} new signals`;
}

live.dataset.shown = live.innerHTML;
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
connect();
document.addEventListener("visibilitychange", () => isStale && soon());
// A page taken out of the browser's memory has a dead connection and old rows.
addEventListener("pageshow", (event) => event.persisted && location.reload());
