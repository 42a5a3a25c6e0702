// Charts are drawn by the server as SVG; here they become ones that can be read
// point by point.
import uPlot from "uplot";

interface Data {
  end: number;
  step: number;
  span: number;
  unit: string;
  stacked: boolean;
  series: { name: string; style: number; values: (number | null)[] }[];
}

/** Drawn is a chart on the page. */
interface Drawn {
  plot: uPlot;
  watch: ResizeObserver;
  show(data: Data): void;
}

const plots = new WeakMap<Element, Drawn>();
const dashes: Record<number, number[]> = { 2: [5, 3], 3: [1.5, 3], 4: [8, 2, 2, 2] };
const height = { small: 84, usual: 132 };

function colour(name: string): string {
  const probe = document.createElement("i");
  probe.className = name;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function read(figure: HTMLElement): Data | null {
  try {
    const data = JSON.parse(figure.dataset.chart ?? "") as Data;
    return data.series?.length && data.series[0].values.length > 1 ? data : null;
  } catch {
    return null;
  }
}

/** columns returns times and values; stacked ones are sums from the last series up. */
function columns(data: Data): uPlot.AlignedData {
  const n = data.series[0].values.length;
  const times = Array.from({ length: n }, (_, i) => data.end - (n - 1 - i) * data.step);
  const values = data.series.map((s) => s.values.slice());
  if (data.stacked) {
    for (let i = values.length - 2; i >= 0; i--) {
      for (let j = 0; j < n; j++) {
        const below = values[i + 1][j];
        if (below != null) values[i][j] = (values[i][j] ?? 0) + below;
      }
    }
  }
  return [times, ...values] as uPlot.AlignedData;
}

/** text writes a value as the server does. */
export function text(v: number | null | undefined, unit: string): string {
  if (v == null) return "–";
  const number = (digits: number) => v.toLocaleString("en", { maximumFractionDigits: digits });
  if (unit === "/s") return number(v >= 99.95 ? 0 : v >= 0.95 ? 1 : 2) + "/s";
  if (unit === "ns") {
    for (const [size, name] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]] as const) {
      if (v >= size) return `${+(v / size).toPrecision(3)} ${name}`;
    }
    return `${Math.round(v)} ns`;
  }
  return number(0);
}

function clock(at: number): string {
  return new Date(at * 1000).toISOString().slice(11, 19) + " UTC";
}

/** legend shows the values at a point, or the latest. */
function legend(figure: HTMLElement, data: Data, at: number | null | undefined): void {
  const cells = figure.querySelectorAll<HTMLElement>(".legend b");
  const last = data.series[0].values.length - 1;
  data.series.forEach((s, i) => {
    if (cells[i]) cells[i].textContent = text(s.values[at ?? last], data.unit);
  });
  const note = figure.querySelector<HTMLElement>(".ft > p");
  if (!note) return;
  note.dataset.note ??= note.textContent ?? "";
  note.textContent = at == null ? note.dataset.note : `At ${clock(data.end - (last - at) * data.step)}`;
}

function scale(data: Data): { x: [number, number]; top: number } {
  const all = columns(data).slice(1).flat().filter((v): v is number => v != null);
  return { x: [data.end - data.span, data.end], top: ceiling(Math.max(0, ...all)) };
}

function ceiling(v: number): number {
  if (v <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 4, 6, 8, 10].map((s) => s * unit).find((s) => v <= s) ?? 10 * unit;
}

function draw(figure: HTMLElement): void {
  const data = read(figure);
  const svg = figure.querySelector<SVGElement>(".plot > svg");
  if (!data || !svg || plots.has(figure)) return;
  const place = document.createElement("div");
  place.className = "live-plot";
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", svg.getAttribute("aria-label") ?? "");
  svg.replaceWith(place);
  let shownData = data;
  const high = figure.querySelector(".plot.sm") ? height.small : height.usual;
  const plot = new uPlot({
    width: place.clientWidth || 300,
    height: high,
    padding: [1, 0, 1, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false }, sync: { key: "page" } },
    axes: [{ show: false }, {
      side: 1, size: 0, gap: 0, stroke: "transparent", ticks: { show: false }, font: "1px sans-serif",
      grid: { stroke: () => colour("c-line"), width: 1 },
      splits: (_u, _i, min, max) => [min, max / 2, max],
    }],
    scales: { x: { time: false, range: () => scale(shownData).x }, y: { range: () => [0, scale(shownData).top] } },
    series: [{}, ...data.series.map((s) => ({
      label: s.name,
      width: data.stacked ? 0 : 1.6,
      stroke: () => colour(`c${s.style}`),
      fill: data.stacked ? () => colour(`c${s.style}`) : undefined,
      dash: data.stacked ? undefined : dashes[s.style],
      points: { show: false },
    }))],
    hooks: { setCursor: [(u) => legend(figure, shownData, u.cursor.idx)] },
  }, columns(data), place);
  const watch = new ResizeObserver(() => {
    if (place.clientWidth) plot.setSize({ width: place.clientWidth, height: high });
  });
  watch.observe(place);
  plots.set(figure, {
    plot,
    watch,
    show(data) {
      shownData = data;
      plot.setData(columns(data), true);
      place.setAttribute("aria-label", figure.dataset.label ?? "");
      if (plot.cursor.idx == null) legend(figure, data, null);
    },
  });
}

/** drawCharts makes all charts that are new. */
export function drawCharts(within: ParentNode): void {
  within.querySelectorAll<HTMLElement>("figure[data-chart]").forEach(draw);
}

/** updateChart gives a chart its new data; true lets the morph replace it instead. */
export function updateChart(old: HTMLElement, fresh: HTMLElement): boolean {
  const data = read(fresh), before = read(old);
  const same = (d: Data) => d.series.map((s) => s.name).join("\n");
  const drawn = plots.get(old);
  if (!drawn || !data || !before || same(data) !== same(before)) {
    drawn?.watch.disconnect();
    drawn?.plot.destroy();
    plots.delete(old);
    return true;
  }
  old.dataset.chart = fresh.dataset.chart;
  old.dataset.label = fresh.querySelector(".plot > svg")?.getAttribute("aria-label") ?? "";
  for (const part of [".y", ".x", ".twin .t"]) {
    const to = old.querySelector(part), from = fresh.querySelector(part);
    if (to && from) to.innerHTML = from.innerHTML;
  }
  drawn.show(data);
  return false;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.querySelectorAll("figure[data-chart]").forEach((f) => plots.get(f)?.plot.redraw());
});
