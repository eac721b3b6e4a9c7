export const stylesheet = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --quiet: #57606a; --blue: #2563eb; --red: #b91c1c; }
@media (prefers-color-scheme: dark) { :root { --quiet: #a3abb5; } }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: clamp(.8rem, 3vw, 1.5rem); overflow-wrap: anywhere; }
h1 { font-size: 1.3rem; margin: 0; } p { margin: 0; white-space: pre-wrap; }
h1 + p { margin: .2rem 0 1.5rem; color: var(--quiet); }
details { border: 1px solid var(--line); border-radius: .6rem; margin-bottom: .8rem; }
summary { cursor: pointer; padding: .7rem 1rem; display: flex; flex-wrap: wrap; gap: 0 .8rem; align-items: baseline; }
summary strong { flex: 1 1 14rem; } small, code { font-size: .8rem; } summary small { color: var(--quiet); }
ol { list-style: none; margin: 0; padding: 0 1rem 1rem; }
ol, .thread { display: grid; gap: .6rem; grid-template-columns: minmax(0, 1fr); }
.thread { border-left: 3px solid var(--line); padding-left: .8rem; } .thread > b { font-size: .9rem; }
.bubble { background: var(--soft); border-radius: .8rem; padding: .5rem .9rem; max-width: min(44rem, 92%); justify-self: start; }
.bubble p { max-height: 16rem; overflow: auto; }
.bubble small { display: block; margin-top: .15rem; color: var(--quiet); }
.outbound { background: var(--blue); color: white; justify-self: end; } .failed { background: var(--red); }
.outbound small { color: #fffd; } .status { font-weight: 600; }
form { display: flex; gap: .5rem; padding: 0 1rem 1rem; } .thread form { padding: 0; }
textarea { flex: 1; min-width: 0; max-height: 12rem; resize: none; field-sizing: content; font: inherit; color: inherit; background: none; padding: .5rem .7rem; border: 1px solid var(--line); border-radius: .6rem; }
textarea::placeholder { color: var(--quiet); opacity: 1; }
button { font: inherit; align-self: end; border: 0; border-radius: .6rem; padding: .55rem 1rem; background: var(--blue); color: white; cursor: pointer; }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px; }
`;

/** Keeps the page fresh, and sends answers, without a reload: what is being typed elsewhere stays, and so does what is folded. */
export const script = `
let lastCall = 0;
async function show(request, options) {
  const call = ++lastCall;
  const answer = await fetch(request, options);
  if (!answer.ok) throw new Error([(await answer.json()).message].flat().join(", "));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (call === lastCall) update(document.querySelector("main"), page.querySelector("main"));
}

const keyOf = (node) => node.nodeName + (node.id ?? "");

/** Touches only what differs, and moves nothing: a node that is moved loses the focus. */
function update(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  let at = old.firstChild;
  const removeUntil = (end) => {
    while (at !== end) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };
  for (const child of [...fresh.childNodes]) {
    let same = at;
    while (same && keyOf(same) !== keyOf(child)) same = same.nextSibling;
    if (same) {
      removeUntil(same);
      update(same, child);
      at = same.nextSibling;
    } else old.insertBefore(child, at);
  }
  removeUntil(null);
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const field = form.elements.text;
  const body = new URLSearchParams(new FormData(form));
  field.value = "";
  try {
    await show(form.action, { method: "POST", body });
  } catch (error) {
    field.value ||= body.get("text");
    field.setCustomValidity("This was not sent: " + error.message);
    field.reportValidity();
  }
});
document.addEventListener("input", ({ target }) => target.setCustomValidity(""));
document.addEventListener("keydown", (event) => {
  const { target, key, shiftKey, isComposing } = event;
  if (key !== "Enter" || shiftKey || isComposing || target.tagName !== "TEXTAREA") return;
  event.preventDefault();
  target.form.requestSubmit();
});

async function keepFresh() {
  if (!document.hidden) await show(location.pathname).catch(() => undefined);
  setTimeout(keepFresh, 1000);
}
setTimeout(keepFresh, 1000);
`;
