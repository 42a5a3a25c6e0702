// Rules for the names of topics and channels, checked while they are typed.

const rules: Record<string, (name: string) => boolean> = {
  length: (name) => name.length >= 1 && name.length <= 64,
  letters: (name) => /^[.a-zA-Z0-9_-]+(#ephemeral)?$/.test(name),
};

/** checkNames ticks the rules below a field as they are met. */
export function checkNames(): void {
  document.addEventListener("input", (e) => {
    const field = e.target;
    if (!(field instanceof HTMLInputElement)) return;
    const list = document.querySelector(`[data-rules="${field.id}"]`);
    list?.querySelectorAll<HTMLElement>("[data-rule]").forEach((line) => {
      const kept = rules[line.dataset.rule ?? ""]?.(field.value) ?? true;
      line.classList.toggle("bad", field.value !== "" && !kept);
      line.classList.toggle("good", field.value !== "" && kept);
    });
  });
}
