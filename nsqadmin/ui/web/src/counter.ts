// The counter runs up to each new value instead of jumping to it.

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const second = 1000;
let running = 0;

/** countTo lets the number run to a value, in about the time until the next. */
export function countTo(at: HTMLElement, value: number): void {
  const from = Number(at.dataset.value);
  at.dataset.value = String(value);
  cancelAnimationFrame(running);
  if (calm.matches || value <= from) {
    at.textContent = value.toLocaleString("en");
    return;
  }
  const start = performance.now();
  const step = (now: number) => {
    const share = Math.min(1, (now - start) / (2 * second));
    at.textContent = Math.floor(from + (value - from) * share).toLocaleString("en");
    if (share < 1) running = requestAnimationFrame(step);
  };
  running = requestAnimationFrame(step);
}

/** watchCounter prepares the number on the page. */
export function watchCounter(): void {
  const at = document.getElementById("counter");
  if (at) at.textContent = Number(at.dataset.value).toLocaleString("en");
}
