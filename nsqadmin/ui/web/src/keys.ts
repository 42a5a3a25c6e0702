// Keys: / filter, Ctrl or Cmd K palette, g and a letter for a page, ? all keys.
import { openPalette } from "./palette";

const pages: Record<string, string> = { o: "", t: "/topics", n: "/nodes", l: "/lookup", c: "/counter", a: "/activity", s: "/settings" };
const words: [string, string][] = [
  ["Ctrl K", "find or do anything"], ["/", "filter topics"], ["g o", "Overview"], ["g t", "Topics"], ["g n", "Nodes"], ["g l", "Lookup"],
  ["g c", "Counter"], ["g a", "Activity"], ["g s", "Settings"], ["?", "this list"], ["Esc", "close"],
];

function help(): void {
  if (document.querySelector("dialog[open]")) return;
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "kt");
  const list = document.createElement("dl");
  list.className = "dl dlg-b";
  for (const [key, what] of words) {
    const dt = document.createElement("dt"), kbd = document.createElement("kbd"), dd = document.createElement("dd");
    kbd.textContent = key;
    dt.append(kbd);
    dd.textContent = what;
    list.append(dt, dd);
  }
  const head = document.createElement("div"), title = document.createElement("h2"), foot = document.createElement("form"), button = document.createElement("button");
  head.className = "dlg-h one";
  title.id = "kt";
  title.textContent = "Keys";
  head.append(title);
  foot.method = "dialog";
  foot.className = "dlg-f";
  button.className = "btn";
  button.textContent = "Close";
  foot.append(button);
  dialog.append(head, list, foot);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function typing(at: EventTarget | null): boolean {
  return at instanceof HTMLElement && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) && (at as HTMLInputElement).type !== "checkbox" && (at as HTMLInputElement).type !== "radio");
}

/** listenToKeys begins to take keys. */
export function listenToKeys(): void {
  const base = (document.body.dataset.base ?? "/").replace(/\/$/, "");
  let leader = false;
  document.getElementById("find")?.addEventListener("click", openPalette);
  document.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") {
      e.preventDefault();
      openPalette();
      return;
    }
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || document.querySelector("dialog[open]")) return;
    const led = leader;
    leader = e.key === "g";
    if (led && e.key in pages) {
      location.href = base + pages[e.key] || "/";
    } else if (e.key === "/") {
      e.preventDefault();
      const filter = document.getElementById("filter");
      if (filter) filter.focus();
      else location.href = base + "/topics#filter";
    } else if (e.key === "?") {
      help();
    }
  });
}
