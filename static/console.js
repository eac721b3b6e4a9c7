/** What makes the console quicker to use; every link and form works without it. */

const goTo = new Map([...document.querySelectorAll("nav a[data-key]")].map((link) => [link.dataset.key, link.href]));
const rows = [...document.querySelectorAll("[data-rows] tbody tr")];
let row = -1;
let isAfterG = false;
/** The message that is open beside its list, and what led to it. */
let beside;
let opener;

/** `/` search · `g` and a letter: go · `j` `k`: rows, and Enter opens one · `x` ticks it · `r` replays · `?` help */
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const place = isAfterG && goTo.get(event.key);
  isAfterG = event.key === "g";
  if (place) location.assign(place);
  else if (event.key === "/") focusOn(document.querySelector(".search input"));
  else if (event.key === "j") moveTo(row + 1);
  else if (event.key === "k") moveTo(row - 1);
  else if (event.key === "x") tick(rows[row]);
  else if (event.key === "r") replay();
  else if (event.key === "Escape") leave();
  else if (event.key === "?") document.querySelector("dialog")?.showModal();
  else return;
  event.preventDefault();
});

function focusOn(field) {
  field?.focus();
  field?.select();
}

function moveTo(index) {
  const chosen = rows[index];
  if (!chosen) return;
  row = index;
  chosen.querySelector("a")?.focus();
}

function tick(chosen) {
  const box = chosen?.querySelector("input[type=checkbox]");
  if (box) box.checked = !box.checked;
}

/** With Shift, all rows from the one that was ticked last to this one are as this one is. */
let lastTicked;
document.addEventListener("click", ({ target, shiftKey }) => {
  const boxes = [...document.querySelectorAll("[data-rows] input[type=checkbox]")];
  if (!boxes.includes(target)) return;
  const [from, to] = [boxes.indexOf(lastTicked), boxes.indexOf(target)].toSorted((one, other) => one - other);
  if (shiftKey && from >= 0) for (const box of boxes.slice(from, to)) box.checked = target.checked;
  lastTicked = target;
});

/** By the first button for it: most lead to a page that asks first, and what would do it at once is asked here. */
function replay() {
  const wanted =
    'form[action$="/replayDelivery"] button, form[action$="/replayWebhook"] button, [action$="/replays/new"] button, [href*="/replays/new"]';
  const button = beside?.querySelector(wanted) ?? document.querySelector(wanted);
  if (button && (button.form?.method !== "post" || confirm(`${button.textContent}?`))) button.click();
}

letCopy(document);

function letCopy(root) {
  for (const element of root.querySelectorAll("[data-copy]")) {
    const button = make("button", "copy", { type: "button", className: "copy" });
    button.setAttribute("aria-label", `Copy ${element.textContent}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(element.textContent);
      button.textContent = "copied";
    });
    element.after(button);
  }
}

/** Where there is room a message opens beside its list, at its own address. Else, and in a new tab, its link is followed. */
const roomy = matchMedia("(min-width: 75rem)");
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('[data-rows] a[href^="/console/messages/"], .beside .tabs a');
  if (!link || !roomy.matches || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openBeside(link);
});
const { pathname: listed } = location;
addEventListener("popstate", () => {
  leaveBeside();
  // The way forward leads to a message again.
  if (location.pathname !== listed) location.reload();
});

async function openBeside(link) {
  const answer = await fetch(link.href).catch(() => undefined);
  if (!answer?.ok) return location.assign(link.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (beside) history.replaceState(null, "", link.href);
  else history.pushState(null, "", link.href);
  const ledTo = beside?.contains(link) ? opener : link;
  leaveBeside();
  opener = ledTo;
  const close = make("button", "Close", { type: "button", className: "close" });
  close.addEventListener("click", leave);
  beside = make("aside", "", { className: "beside", tabIndex: -1, ariaLabel: page.title });
  beside.append(close, ...page.querySelector("main").childNodes);
  letCopy(beside);
  document.querySelector("main").append(beside);
  beside.focus();
  if (link.hash) beside.querySelector(link.hash)?.scrollIntoView();
}

/** By the way back, so that the list's address stands there again. */
function leave() {
  if (beside) history.back();
}

function leaveBeside() {
  beside?.remove();
  opener?.focus();
  [beside, opener] = [];
}

/** Inside HighLevel its page tells who looks. Which pages may be around this one, its policy says. */
const asking = document.querySelector("[data-ask]");
if (asking && parent !== window) {
  addEventListener("message", ({ source, data }) => {
    if (source !== parent || data?.message !== "REQUEST_USER_DATA_RESPONSE" || !data.payload) return;
    asking.elements.context.value = data.payload;
    asking.submit();
  });
  parent.postMessage({ message: "REQUEST_USER_DATA" }, "*");
}

/** What shows how it stands comes anew when anything happens: once in two seconds at most, and not under somebody's hands. */
const renewed = (page) => [...page.querySelectorAll("[data-renew]")];
const [renewing] = renewed(document).flatMap(({ dataset }) => dataset.renew || []);
if (renewing) renewBy(renewing);

function renewBy(url) {
  let source;
  let isDue = false;
  const renew = async () => {
    isDue = false;
    const page = await fetch(location.href).then(
      (answer) => answer.text(),
      () => "",
    );
    const [before, now] = [document, new DOMParser().parseFromString(page, "text/html")].map(renewed);
    if (before.length !== now.length) return;
    for (const [index, part] of before.entries())
      if (!part.contains(document.activeElement)) part.replaceWith(now[index]);
  };
  const happened = () => {
    if (!isDue) setTimeout(renew, 2000);
    isDue = true;
  };
  const watch = () => {
    source?.close();
    if (document.hidden) return;
    source = new EventSource(url);
    // What happened before it was open.
    source.addEventListener("open", happened);
    source.addEventListener("message", happened);
    source.addEventListener("missed", happened);
  };
  document.addEventListener("visibilitychange", watch);
  watch();
}

/** The live page: a line for each event, above those before. Paused, it keeps the last 1,000 for when it goes on. */
const live = document.querySelector("[data-live]");
if (live) watchLive(live.dataset.live, live.querySelector("a"), live.querySelector("[role=status]"));

function watchLive(url, refresh, status) {
  const most = 1000;
  const lines = document.querySelector("[data-rows] tbody");
  let kept = [];
  let isPaused = false;
  const pause = make("button", "", { type: "button" });
  refresh.replaceWith(pause);
  const source = new EventSource(url);
  const say = () => {
    pause.textContent = isPaused ? "Go on" : "Pause";
    if (isPaused) status.textContent = `Paused: ${kept.length === most ? "the last " : ""}${kept.length} wait.`;
    else status.textContent = source.readyState === EventSource.OPEN ? "Live." : "Not connected: it tries again.";
  };
  const show = (rows) => {
    if (isPaused) kept = [...kept, ...rows].slice(-most);
    else lines.prepend(...rows.reverse());
    for (const row of [...lines.rows].slice(most)) row.remove();
    say();
  };
  source.onopen = say;
  source.onerror = say;
  source.onmessage = ({ data }) => show([toRow(JSON.parse(data))]);
  source.addEventListener("missed", ({ data }) =>
    show([rowOf(["", "", "", "", "", `${data} more, too many to be told`, ""])]),
  );
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    show(isPaused ? [] : kept.splice(0));
  });
  say();
}

/** In the columns of the messages' list. */
function toRow({ at, what, messageId, webhookId, direction, address, mappingId, locationId, ...about }) {
  const tones = { delivered: "ok", retrying: "busy", held: "busy", refused: "bad", failed: "bad", dead: "bad" };
  const place = messageId ? `messages/${messageId}` : webhookId && `webhooks/${webhookId}`;
  const when = make(place ? "a" : "span", at.slice(11, 19), { title: at, ...(place && { href: `/console/${place}` }) });
  const way = { inbound: "← in", outbound: "→ out" }[direction];
  const state = make("span", what, { className: `state ${tones[what] ?? ""}` });
  const { kind, provider, reason, status, durationMs } = about;
  const how = [kind, provider, reason === what ? "" : reason, status, durationMs && `${durationMs} ms`].filter(Boolean);
  const mapping =
    mappingId && goTo.has("a") ? make("a", "its mapping", { href: `/console/mappings/${mappingId}` }) : "";
  const words = make("span", how.join(" · "), { className: "words" });
  return rowOf([when, way ?? "", make("bdi", address ?? ""), mapping, state, words, locationId ?? ""]);
}

function make(name, textContent, others) {
  return Object.assign(document.createElement(name), { textContent, ...others });
}

function rowOf(cells) {
  const row = document.createElement("tr");
  for (const cell of cells) row.insertCell().append(cell);
  return row;
}
