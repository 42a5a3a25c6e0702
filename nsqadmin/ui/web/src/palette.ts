// The palette finds topics, channels, consumers and nodes, and does what can be
// done with them. What destroys still asks.
import { ask } from "./dialogs";

interface Hit {
  group: string;
  name: string;
  link: string;
  icon: string;
  kind?: string;
  word?: string;
  note?: string;
}

const base = () => (document.body.dataset.base ?? "/").replace(/\/$/, "");

function icon(name: string): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, string>, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

/** marked returns a name with what was typed made visible in it. */
function marked(name: string, typed: string): HTMLElement {
  const at = typed ? name.toLowerCase().indexOf(typed.toLowerCase()) : -1;
  if (at < 0) return make("span", { class: "name" }, name);
  return make("span", { class: "name" }, name.slice(0, at), make("mark", {}, name.slice(at, at + typed.length)), name.slice(at + typed.length));
}

class Palette {
  readonly dialog: HTMLDialogElement;
  private readonly field: HTMLInputElement;
  private readonly list: HTMLElement;
  private hits: Hit[] = [];
  private chosen = 0;
  private asked = 0;

  constructor() {
    this.field = make("input", {
      type: "text", role: "combobox", "aria-label": "Find a topic, channel, node or action", "aria-expanded": "true",
      "aria-controls": "pl", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", placeholder: "Find or do",
    });
    this.list = make("div", { class: "pal-l", id: "pl", role: "listbox", "aria-label": "Results" });
    this.dialog = make("dialog", { class: "pal", "aria-label": "Find or do" },
      make("div", { class: "pal-q" }, icon("search"), this.field, make("kbd", {}, "Esc")),
      this.list,
      make("p", { class: "pal-f" }, "↑ ↓ choose · Enter open · Ctrl Enter new tab · > actions only · ? all keys"));
    this.field.addEventListener("input", () => void this.search());
    this.field.addEventListener("keydown", (e) => this.key(e));
    this.dialog.addEventListener("close", () => this.dialog.remove());
    this.dialog.addEventListener("click", (e) => {
      if (e.target === this.dialog) this.dialog.close();
    });
    document.body.append(this.dialog);
    this.dialog.showModal();
    void this.search();
  }

  private async search(): Promise<void> {
    const turn = ++this.asked;
    const answer = await fetch(`${base()}/api/v2/search?q=${encodeURIComponent(this.field.value)}`);
    const { hits } = (await answer.json()) as { hits: Hit[] };
    if (turn !== this.asked) return; // there is a later one
    this.hits = hits;
    this.chosen = 0;
    this.draw();
  }

  private draw(): void {
    this.list.replaceChildren();
    let group: HTMLElement | null = null;
    this.hits.forEach((hit, i) => {
      if (i === 0 || hit.group !== this.hits[i - 1].group) {
        const head = make("li", { class: "gr", role: "presentation", id: `g${i}` }, hit.group);
        group = make("ul", { role: "group", "aria-labelledby": `g${i}` }, head);
        this.list.append(group);
      }
      const state = make("span", { class: "r" });
      if (hit.kind) state.append(make("span", { class: `mark ${hit.kind}` }, icon(hit.kind), hit.word ?? ""), " ");
      state.append(hit.note ?? "");
      const option = make("li", { class: "op", role: "option", id: `op${i}`, "aria-selected": String(i === this.chosen) },
        icon(hit.icon), marked(hit.name, this.field.value.replace(/^>\s*/, "")), state);
      option.addEventListener("click", (e) => this.open(i, e.ctrlKey || e.metaKey));
      group?.append(option);
    });
    if (this.hits.length === 0) this.list.append(make("p", { class: "gr" }, "Nothing has that in its name."));
    this.choose(this.chosen);
  }

  private choose(i: number): void {
    this.list.querySelector(`#op${this.chosen}`)?.setAttribute("aria-selected", "false");
    this.chosen = i;
    const option = this.list.querySelector(`#op${i}`);
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.field.setAttribute("aria-activedescendant", option.id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  private key(e: KeyboardEvent): void {
    const n = this.hits.length;
    if (e.key === "ArrowDown" && n) this.choose((this.chosen + 1) % n);
    else if (e.key === "ArrowUp" && n) this.choose((this.chosen + n - 1) % n);
    else if (e.key === "Enter" && n) this.open(this.chosen, e.ctrlKey || e.metaKey);
    else return;
    e.preventDefault();
  }

  private open(i: number, apart: boolean): void {
    const hit = this.hits[i];
    if (!hit) return;
    this.dialog.close();
    if (apart) window.open(hit.link, "_blank", "noopener");
    else if (/\/(act\/|limits\?)/.test(hit.link)) void ask(hit.link);
    else location.href = hit.link;
  }
}

/** openPalette opens the palette unless it is open. */
export function openPalette(): void {
  if (!document.querySelector("dialog[open]")) new Palette();
}
