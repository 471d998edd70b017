"use strict";
// Draws what src/load/page.cc wrote into #data: texts, figures, charts, tables.

const root = document.documentElement;
const page = JSON.parse(document.getElementById("data").textContent);
const TONES = { good: 4, bad: 4, censored: 2, plain: 6 }; // how many colours each has
const HOVER_PX = 30; // how far from the cursor a value may be that the legend shows
const charts = [];

// A page that goes wrong says so, to its reader and to the tests.
addEventListener("error", (event) => {
  root.dataset.errors = (root.dataset.errors || "") + event.message + "\n";
  add(document.getElementById("messages"), "p", "This page went wrong: " + event.message, "warning");
});

function add(parent, tag, text = "", kind = "") {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  if (kind) element.className = kind;
  parent.append(element);
  return element;
}

// --- colours -----------------------------------------------------------------------------------

const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();

// A hue has the same colour in all charts; only plain ones begin anew in each.
const taken = {};
function chooseColours(chart) {
  taken.plain = [];
  for (const series of chart.series) {
    const hues = (taken[series.tone] ??= []);
    if (!hues.includes(series.hue)) hues.push(series.hue);
    const number = (hues.indexOf(series.hue) % TONES[series.tone]) + 1;
    series.colour = series.right ? "--text" : `--${series.tone}-${number}`;
  }
}

function showTheme(dark) {
  root.classList.toggle("dark", dark);
  document.getElementById("theme").textContent = dark ? "Light" : "Dark";
  for (const chart of charts) chart.build();
}

// --- numbers -----------------------------------------------------------------------------------

const short = (value, digits = 4) => String(+value.toPrecision(digits));

function milliseconds(ms) {
  const size = Math.abs(ms);
  if (size === 0) return "0";
  if (size < 0.001) return short(ms * 1e6) + " ns";
  if (size < 1) return short(ms * 1e3) + " µs";
  if (size < 1000) return short(ms) + " ms";
  return short(ms / 1000) + " s";
}

const inUnit = (value, unit) => (unit === "ms" ? milliseconds(value) : short(value));

function quantile(x) {
  const percent = 100 * (1 - 1 / x);
  const digits = Math.max(0, Math.ceil(Math.log10(x) - 2 + 1e-9));
  return +percent.toFixed(x < 100 ? 1 : digits + 1) + " %";
}

// --- data --------------------------------------------------------------------------------------

// uPlot wants one column of x for all series. undefined: this series has nothing here; null: a gap.
function columns(chart) {
  const cells = [];
  chart.series.forEach((series, s) => series.x.forEach((x, i) => cells.push([x, s, series.y[i]])));
  cells.sort((a, b) => a[0] - b[0]);
  const data = [[], ...chart.series.map(() => [])];
  const [xs] = data;
  let row = -1;
  for (const [x, s, y] of cells) {
    if (row < 0 || xs[row] !== x || data[s + 1][row] !== undefined) {
      row = xs.push(x) - 1;
      for (let i = 1; i < data.length; i++) data[i].push(undefined);
    }
    data[s + 1][row] = y;
  }
  if (chart.barWidth && row >= 0) { // room for the last bars
    xs.push(xs[row] + chart.barWidth);
    for (let i = 1; i < data.length; i++) data[i].push(undefined);
  }
  return data;
}

// Bars stand on the visible ones before them: the tops are drawn, the legend tells the heights.
function stacked(chart, data, shown) {
  const floor = data[0].map(() => 0);
  return data.map((column, i) => {
    if (i === 0 || chart.series[i - 1].look !== "bars" || !shown(i)) return column;
    return column.map((y, row) => (y == null ? y : (floor[row] += y)));
  });
}

// --- drawing -----------------------------------------------------------------------------------

function inside(u, draw) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw(ctx);
  ctx.restore();
  return null; // nothing left for uPlot to draw
}

function shape(ctx, tone, x, y, r) {
  if (tone === "bad") { // a cross
    ctx.moveTo(x - r, y - r), ctx.lineTo(x + r, y + r);
    ctx.moveTo(x - r, y + r), ctx.lineTo(x + r, y - r);
  } else if (tone === "censored") { // an arrow up: the true value is higher
    ctx.moveTo(x - r, y + r), ctx.lineTo(x, y - r * 1.2), ctx.lineTo(x + r, y + r), ctx.closePath();
  } else {
    ctx.moveTo(x + r, y), ctx.arc(x, y, r, 0, 2 * Math.PI);
  }
}

function dots(series) {
  return (u, index, first, last) => inside(u, (ctx) => {
    const { scale } = u.series[index];
    const lowest = u.scales[scale].min;
    const many = series.x.length > 1500;
    const radius = (many ? 1.6 : 2.4) * devicePixelRatio;
    ctx.strokeStyle = ctx.fillStyle = css(series.colour);
    ctx.globalAlpha = many ? 0.6 : 0.8;
    ctx.lineWidth = 1.3 * devicePixelRatio;
    for (let i = first; i <= last; i++) {
      const y = u.data[index][i];
      if (y == null) continue;
      ctx.beginPath();
      shape(ctx, series.tone, u.valToPos(u.data[0][i], "x", true),
        u.valToPos(Math.max(y, lowest), scale, true), radius);
      if (series.tone === "good" || series.tone === "plain") ctx.fill();
      else ctx.stroke();
    }
  });
}

function bars(series, width, heights) {
  return (u, index, first, last) => inside(u, (ctx) => {
    ctx.fillStyle = css(series.colour);
    const { scale } = u.series[index];
    for (let i = Math.max(0, first - 1); i <= last; i++) {
      const top = u.data[index][i];
      if (!top || !heights[i]) continue;
      const left = u.valToPos(u.data[0][i], "x", true);
      const right = u.valToPos(u.data[0][i] + width, "x", true);
      const y = u.valToPos(top, scale, true);
      const bottom = u.valToPos(top - heights[i], scale, true);
      const gap = right - left > 4 ? devicePixelRatio : 0;
      ctx.fillRect(left, y, Math.max(1, right - left - gap), Math.max(1, bottom - y));
    }
  });
}

// --- charts ------------------------------------------------------------------------------------

// The nearest row where this series has a value, as other series' rows lie between.
function nearest(u, index, row, x) {
  const column = u.data[index];
  const far = Math.abs(u.posToVal(HOVER_PX, "x") - u.posToVal(0, "x"));
  if (index === 0 || column[row] != null) return row;
  let low = row, high = row;
  while (low >= 0 && column[low] == null) low--;
  while (high < column.length && column[high] == null) high++;
  const distance = (i) => (column[i] == null ? Infinity : Math.abs(u.data[0][i] - x));
  const best = distance(low) <= distance(high) ? low : high;
  const reach = u.scales.x.distr === 3 ? Infinity : far;
  return distance(best) <= reach ? best : row;
}

function seriesOptions(chart, data) {
  return chart.series.map((series, i) => {
    const unit = series.right ? chart.rightUnit : chart.yUnit;
    const options = {
      label: series.name,
      scale: series.right ? "right" : "y",
      stroke: () => css(series.colour),
      width: 1.8,
      dash: series.dashed ? [6, 4] : undefined,
      points: { show: series.look === "line" && series.x.length < 2 },
      value: (u, _, index, row) => {
        const y = row == null ? null : data[index][row];
        return y == null ? "–" : inUnit(y, unit);
      },
    };
    if (series.look !== "line") {
      options.points.show = false;
      options.fill = () => css(series.colour); // of the marker in the legend
      options.paths =
        series.look === "dots" ? dots(series) : bars(series, chart.barWidth, data[i + 1]);
    }
    return options;
  });
}

function axes(chart) {
  const style = {
    stroke: () => css("--quiet"),
    grid: { stroke: () => css("--grid"), width: 1 },
    ticks: { stroke: () => css("--grid"), width: 1, size: 5 },
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
  };
  const x = { ...style, size: 34, values: (u, splits) => splits.map((s) => short(s, 6) + " s") };
  if (chart.x === "quantiles") {
    const ticks = [1, 2, 4, 10, 20, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
    x.splits = (u) => ticks.filter((t) => t >= u.scales.x.min && t <= u.scales.x.max);
    x.filter = (u, splits) => splits;
    x.values = (u, splits) => splits.map(quantile);
  }
  const label = (unit) => (splits) => splits.map((s) => (s == null ? "" : inUnit(s, unit)));
  const left = { ...style, scale: "y", size: 66, values: (u, s) => label(chart.yUnit)(s) };
  const right = {
    ...style, scale: "right", side: 1, size: 66, grid: { show: false },
    label: chart.rightUnit, labelSize: 20, values: (u, s) => label(chart.rightUnit)(s),
  };
  if (chart.yUnit !== "ms") Object.assign(left, { label: chart.yUnit, labelSize: 20, size: 58 });
  return chart.series.some((s) => s.right) ? [x, left, right] : [x, left];
}

function fromZero(u, min, max) {
  return [0, max > 0 ? uPlot.rangeNum(0, max, 0.08, true)[1] : 1];
}

function options(chart, data, width) {
  const log = { distr: 3, range: (u, min, max) => uPlot.rangeLog(min || 0.1, max || 1, 10, false) };
  const quantiles = chart.x === "quantiles";
  return {
    width,
    height: 300,
    padding: [14, 12, 0, 0],
    scales: {
      x: quantiles ? { time: false, distr: 3, range: (u, min, max) => [min, max] } : { time: false },
      y: chart.log ? log : { range: fromZero },
      right: { range: fromZero },
    },
    axes: axes(chart),
    series: [
      {
        label: quantiles ? "percentile" : "time",
        value: (u, x) => (x == null ? "–" : quantiles ? quantile(x) : short(x, 6) + " s"),
      },
      ...seriesOptions(chart, data),
    ],
    cursor: {
      dataIdx: nearest,
      points: { show: (u, i) => chart.series[i - 1]?.look !== "bars" && undefined, size: 7 },
      sync: quantiles ? undefined : { key: "seconds", setSeries: false },
    },
    legend: {
      markers: { dash: (u, i) => (chart.series[i - 1]?.dashed ? "dotted" : "solid") },
    },
    hooks: {
      setSeries: [(u, i, change) => {
        if (change.show === undefined || !chart.barWidth) return;
        const { min, max } = u.scales.x;
        u.batch(() => {
          u.setData(stacked(chart, data, (s) => u.series[s].show), false);
          u.setScale("x", { min, max });
        });
      }],
    },
  };
}

function show(chart) {
  const parent = document.getElementById("charts");
  if (chart.section && chart.section !== charts.at(-1)?.section)
    add(parent, "h2", chart.section, "section");
  const card = add(parent, "article", "", chart.half ? "card half" : "card");
  const head = add(card, "div", "", "head");
  add(head, "h2", chart.title);
  const buttons = add(head, "div", "", "buttons");
  if (chart.note) add(card, "p", chart.note, "note");
  const place = add(card, "div", "", "plot");
  chooseColours(chart);
  const data = columns(chart);

  chart.build = () => {
    chart.plot?.destroy();
    chart.plot = new uPlot(
      options(chart, data, place.clientWidth), stacked(chart, data, () => true), place);
  };
  if (!chart.barWidth) {
    const scale = add(buttons, "button");
    const name = () => (scale.textContent = chart.log ? "Linear scale" : "Log scale");
    scale.onclick = () => ((chart.log = !chart.log), name(), chart.build());
    name();
  }
  add(buttons, "button", "PNG").onclick = () => savePng(chart);
  new ResizeObserver(() => chart.plot?.setSize({ width: place.clientWidth, height: 300 })).observe(place);
  charts.push(chart);
}

// The chart with its title and legend, as one picture.
function picture(chart) {
  const source = chart.plot.ctx.canvas;
  const ratio = devicePixelRatio, head = 44 * ratio, foot = 34 * ratio, edge = 14 * ratio;
  const canvas = document.createElement("canvas");
  canvas.width = source.width + 2 * edge;
  canvas.height = source.height + head + foot;
  const ctx = canvas.getContext("2d");
  ctx.fillStyle = css("--card");
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.fillStyle = css("--text");
  ctx.font = `600 ${15 * ratio}px system-ui, sans-serif`;
  ctx.fillText(`${page.title}: ${chart.title}`, edge, 28 * ratio);
  ctx.drawImage(source, edge, head);
  ctx.font = `${12 * ratio}px system-ui, sans-serif`;
  let x = edge;
  chart.series.forEach((series, i) => {
    if (!chart.plot.series[i + 1].show) return;
    ctx.fillStyle = css(series.colour);
    ctx.fillRect(x, canvas.height - 21 * ratio, 9 * ratio, 9 * ratio);
    ctx.fillStyle = css("--text");
    ctx.fillText(series.name, x + 14 * ratio, canvas.height - 12.5 * ratio);
    x += ctx.measureText(series.name).width + 32 * ratio;
  });
  return canvas;
}

function savePng(chart) {
  picture(chart).toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${page.title} ${chart.title}`.toLowerCase().replace(/[^a-z0-9]+/g, "-") + ".png";
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

// --- the rest of the page ----------------------------------------------------------------------

function showFigure(figure) {
  const box = add(document.getElementById("figures"), "div", "", "figure");
  add(box, "div", figure.name, "name");
  add(box, "div", figure.value, "value");
  add(box, "div", figure.detail, "detail");
}

function showTable(table) {
  const card = add(document.getElementById(table.above ? "overview" : "tables"), "article", "", "card");
  add(card, "h2", table.title);
  const element = add(add(card, "div", "", "scroll"), "table", "", "data");
  const head = add(add(element, "thead"), "tr");
  for (const column of table.columns) add(head, "th", column);
  const body = add(element, "tbody");
  for (const row of table.rows) {
    const line = add(body, "tr");
    for (const cell of row) add(line, "td", cell);
  }
}

document.title = page.title;
document.getElementById("title").textContent = page.title;
document.getElementById("subtitle").textContent = page.subtitle;
for (const text of page.warnings) add(document.getElementById("messages"), "p", text, "warning");
for (const text of page.notes) add(document.getElementById("messages"), "p", text);
page.figures.forEach(showFigure);
page.charts.forEach(show);
page.tables.forEach(showTable);
document.getElementById("theme").onclick = () => showTheme(!root.classList.contains("dark"));
showTheme(location.hash === "#dark" ||
  (location.hash !== "#light" && matchMedia("(prefers-color-scheme: dark)").matches));
root.dataset.charts = charts.length; // all are drawn
