// What asks before it acts is a page of its own; here it opens as a dialog over
// the page it is about.

function show(form: HTMLFormElement): void {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "dt");
  dialog.setAttribute("aria-describedby", "dd");
  form.classList.remove("panel", "ask");
  dialog.append(form);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  form.querySelector<HTMLElement>("[data-cancel]")?.addEventListener("click", (e) => {
    e.preventDefault();
    dialog.close();
  });
  guard(form);
  dialog.showModal();
  form.querySelector<HTMLElement>("[autofocus], [data-cancel]")?.focus();
}

/** guard keeps the button off until the name has been typed. */
function guard(form: HTMLFormElement): void {
  const field = form.querySelector<HTMLInputElement>("[data-must]");
  const button = form.querySelector<HTMLButtonElement>("button[type=submit]");
  if (!field || !button) return;
  const why = document.createElement("p");
  why.className = "vh";
  why.id = "ty-why";
  why.textContent = "Available when the name is typed.";
  form.append(why);
  const check = () => {
    const right = field.value === field.dataset.must;
    button.setAttribute("aria-disabled", String(!right));
    if (right) button.removeAttribute("aria-describedby");
    else button.setAttribute("aria-describedby", why.id);
  };
  field.addEventListener("input", check);
  form.addEventListener("submit", (e) => {
    if (button.getAttribute("aria-disabled") !== "true") return;
    e.preventDefault();
    field.focus();
  });
  check();
}

/** openDialogs opens links that ask first as dialogs. */
export function openDialogs(): void {
  const page = document.querySelector<HTMLFormElement>("form#ask");
  if (page) guard(page);
  document.addEventListener("click", (e) => {
    const link = (e.target as Element).closest<HTMLAnchorElement>("a[data-dialog]");
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button !== 0) return;
    e.preventDefault();
    ask(link.href);
  });
}

/** ask opens a page that asks first as a dialog; if that fails, as the page it is. */
export async function ask(url: string): Promise<void> {
  try {
    const answer = await fetch(url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const form = page.querySelector<HTMLFormElement>("form#ask");
    if (!form) throw new Error("no question");
    show(document.importNode(form, true));
  } catch {
    location.href = url;
  }
}
