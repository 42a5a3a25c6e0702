// The feed asks for the page again when there is news, or at the pace that was
// chosen, and morphs what has changed into place. What the visitor has opened,
// ticked, typed or focused stays as it is, and rows keep their order.
import htmx from "htmx.org";
import "htmx-ext-sse";
import { Idiomorph } from "idiomorph";
import { drawCharts, updateChart } from "./charts";
import { countTo } from "./counter";

htmx.defineExtension("morph", {
  isInlineSwap: (style: string) => style === "morph",
  handleSwap: (style: string, target: Node, fragment: Node) => {
    if (style !== "morph" || !(fragment instanceof DocumentFragment)) return false;
    return Idiomorph.morph(target as Element, fragment.children, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks: { beforeNodeMorphed: keep } }) as Node[];
  },
});

/** keep carries over to the new node what belongs to the visitor; false leaves the old one alone. */
function keep(old: Node, fresh: Node): boolean {
  if (old instanceof HTMLDetailsElement && fresh instanceof HTMLDetailsElement) {
    fresh.open = old.open;
  } else if (old instanceof HTMLInputElement && fresh instanceof HTMLInputElement) {
    if (old.type === "checkbox") fresh.toggleAttribute("checked", old.checked);
    else if (old.type !== "hidden") fresh.setAttribute("value", old.value);
  } else if (old instanceof HTMLElement && old.classList.contains("rules")) {
    return false;
  } else if (old instanceof HTMLTableSectionElement && fresh instanceof HTMLTableSectionElement && old.tagName === "TBODY") {
    keepOrder(old, fresh);
  } else if (old instanceof HTMLElement && fresh instanceof HTMLElement && old.matches("figure[data-chart]")) {
    return updateChart(old, fresh);
  } else if (old instanceof HTMLElement && fresh instanceof HTMLElement && old.id === "counter") {
    countTo(old, Number(fresh.dataset.value));
    return false;
  } else if (old instanceof HTMLTableCellElement && fresh instanceof HTMLTableCellElement && old.classList.contains("st") && old.textContent !== fresh.textContent) {
    old.classList.add("changed");
    old.addEventListener("animationend", () => old.classList.remove("changed"), { once: true });
    fresh.classList.add("changed");
  }
  return true;
}

/** keepOrder puts new rows into the order that the visitor sees; rows that are new come last. */
function keepOrder(old: HTMLTableSectionElement, fresh: HTMLTableSectionElement): void {
  const place = new Map<string, number>();
  for (const row of old.rows) if (row.id) place.set(row.id, place.size);
  if (place.size === 0) return;
  const rows = [...fresh.rows];
  const at = (row: HTMLTableRowElement) => place.get(row.id) ?? place.size;
  rows.sort((a, b) => at(a) - at(b));
  fresh.append(...rows);
}

let shown = Date.now(); // when the page's moment arrived here, less its age then

function readAge(): void {
  const age = document.getElementById("age");
  shown = Date.now() - Number(age?.dataset.ms ?? 0);
}

function showAge(): void {
  const age = document.getElementById("age");
  if (!age) return;
  const s = Math.max(0, Math.floor((Date.now() - shown) / 1000));
  const text = s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s` : `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  age.textContent = `, ${text} ago`;
}

/** startFeed begins to update the page. */
export function startFeed(): void {
  readAge();
  setInterval(showAge, 1000);
  const offline = document.getElementById("offline");
  document.body.addEventListener("htmx:afterSwap", () => {
    readAge();
    showAge();
    if (offline) offline.hidden = true;
    drawCharts(document);
  });
  for (const event of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.body.addEventListener(event, () => { if (offline) offline.hidden = false; });
  }
  document.body.addEventListener("htmx:sseError", () => { if (offline) offline.hidden = false; });
  // A page that nobody looks at asks for nothing.
  document.body.addEventListener("htmx:beforeRequest", (e) => {
    if (document.hidden || document.querySelector("dialog[open]")) e.preventDefault();
  });
  document.addEventListener("change", (e) => {
    const field = e.target;
    if (field instanceof HTMLInputElement && field.name === "nsqadmin_live") field.form?.requestSubmit();
    if (field instanceof HTMLSelectElement && field.id === "srt") field.form?.requestSubmit();
  });
}
