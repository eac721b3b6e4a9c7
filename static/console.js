/** What makes the console quicker to use; every link and form works without it. */

const goTo = new Map([...document.querySelectorAll("nav a[data-key]")].map((link) => [link.dataset.key, link.href]));
const rows = [...document.querySelectorAll("[data-rows] tbody tr")];
let row = -1;
let isAfterG = false;

/** `/` search · `g` and a letter: go · `j` `k`: rows, and Enter opens one · `?` help */
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, select, textarea, dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const place = isAfterG && goTo.get(event.key);
  isAfterG = event.key === "g";
  if (place) location.assign(place);
  else if (event.key === "/") focusOn(document.querySelector(".search input"));
  else if (event.key === "j") moveTo(row + 1);
  else if (event.key === "k") moveTo(row - 1);
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

for (const element of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "copy";
  button.setAttribute("aria-label", `Copy ${element.textContent}`);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(element.textContent);
    button.textContent = "copied";
  });
  element.after(button);
}
