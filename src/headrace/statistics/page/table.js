// The table of features: only the rows in sight exist.
const SEVERAL = SETS.length > 1;
const has = (test) => FEATURES.some((feature) => feature.s.some((one) => one && test(one)));
const lead = (feature) => feature.s[BASE] || feature.s.find(Boolean);
const over = (key) => (feature) => { const one = lead(feature), value = weighed(one, key); return typeof value === "number" ? value : null; };
const topOf = (s) => (weighed(s, "top") || [])[0];
const ends = (key, iso) => (s) => {
  if (s[iso]) return h("span", { title: moment(s[iso]) }, moment(s[iso]).slice(0, 10));
  const value = weighed(s, key);
  return value === undefined ? "" : brief(value);
};
const endsKey = (key, iso) => (feature) => { const one = lead(feature); return one[iso] ? Date.parse(one[iso]) : over(key)(feature); };
const distinct = (s) => (s.u === undefined ? "" : (s.ue !== undefined ? "\u2248 " : "") + brief(s.u));
const zeroShare = (s) => (s.z === undefined || !valuesOf(s) ? null : s.z / valuesOf(s));
const grave = (feature) => (feature.a || []).reduce((sum, [severity]) => sum + (severity === "error" ? 1000 : 1), 0);

const MOST = FEATURES.reduce((most, feature) => Math.max(most, feature.d || 0), 1e-9);
const far = (value) => (value === null || value === undefined ? DASH : DATA.given ? number(value, 3) : value > 0 && value < 0.001 ? "<0.001" : value.toFixed(value === 0 || value === 1 ? 0 : 3));
const driftCell = (feature) => {
  if (feature.d === undefined) return h("span", { class: "hr-muted" }, DASH);
  const words = far(feature.d);
  if (!feature.m || SETS.length < 3) {
    return h("div", { class: "st-drift" }, h("div", { class: "st-meter" }, h("div", { class: "st-meter-fill", css: { width: `${Math.min(100, (feature.d / MOST) * 100).toFixed(1)}%` } })), words);
  }
  const room = 64, step = room / SETS.length, top = Math.max(...feature.m.map((one) => one || 0), 1e-9);
  return h("div", { class: "st-drift", title: SETS.map((set, at) => `${set.name}: ${at === BASE ? "compared with" : far(feature.m[at])}`).join("\n") },
    picture(room, 22, `Drift of ${feature.n} by data set`, s("line", { x1: 0, x2: room, y1: 21.5, y2: 21.5, class: "hr-axis" }),
      feature.m.map((one, at) => one > 0 && s("rect", { x: place(at * step + 0.5), width: place(Math.max(step - 1, 1)), y: place(22 - Math.max(1, (one / top) * 20)), height: place(Math.max(1, (one / top) * 20)), class: "st-bars-plain" }))),
    words);
};

// Title, width in pixels, rank (the least leaves last where room is short), what is shown and what sorts.
const END = has((s) => s.tmin) ? 96 : 84;
const COLUMNS = [
  { key: "name", title: "feature", width: 186, rank: 0, value: (feature) => feature.n },
  { key: "chart", title: "distribution", width: 152, rank: 0 },
  { key: "sets", title: "data set", width: 96, rank: 4, when: SEVERAL, line: (s, set) => h("span", { class: "st-set", title: SETS[set].name }, swatch(slots.get(set)), h("bdi", {}, SETS[set].name)), empty: true },
  { key: "drift", title: DATA.given ? "distance" : "drift", width: 86, rank: 2, num: true, when: FEATURES.some((feature) => feature.d !== undefined), value: (feature) => feature.d ?? null, whole: driftCell,
    help: DATA.given ? "as it was measured" : "Jensen-Shannon divergence in bits, from 0 to 1, of what the rows hold; a missing value counts as one" },
  { key: "missing", title: "missing", width: 72, rank: 1, num: true, value: (feature) => missingOf(lead(feature)), line: (s) => { const share = missingOf(s); return h("span", { class: share >= 0.2 ? "st-warn" : share ? null : "hr-muted" }, percent(share)); } },
  { key: "distinct", title: "distinct", width: 84, rank: 3, num: true, value: over("u"), line: distinct },
  { key: "mean", title: "mean", width: 80, rank: 5, num: true, when: has((s) => s.mean !== undefined), value: over("mean"), line: (s) => (weighed(s, "mean") === undefined ? "" : brief(weighed(s, "mean"))) },
  { key: "sd", title: "std dev", width: 80, rank: 8, num: true, when: has((s) => s.sd !== undefined), value: over("sd"), line: (s) => (weighed(s, "sd") === undefined ? "" : brief(weighed(s, "sd"))) },
  { key: "zeros", title: "zeros", width: 66, rank: 11, num: true, when: has((s) => s.z !== undefined), value: (feature) => zeroShare(lead(feature)), line: (s) => { const share = zeroShare(s); return share === null ? "" : h("span", { class: share > 0.5 ? null : share ? null : "hr-muted" }, percent(share)); } },
  { key: "min", title: "min", width: END, rank: 7, num: true, when: has((s) => s.min !== undefined || s.tmin), value: endsKey("min", "tmin"), line: ends("min", "tmin") },
  { key: "median", title: "median", width: END, rank: 9, num: true, when: has((s) => s.med !== undefined || s.tmed), value: endsKey("med", "tmed"), line: ends("med", "tmed") },
  { key: "max", title: "max", width: END, rank: 6, num: true, when: has((s) => s.max !== undefined || s.tmax), value: endsKey("max", "tmax"), line: ends("max", "tmax") },
  { key: "top", title: "most frequent", width: 152, rank: 6, grow: true, when: has((s) => s.top?.length), value: (feature) => { const top = topOf(lead(feature)); return top ? String(top[0]) : null; },
    line: (s) => { const top = topOf(s); return top ? h("span", { class: "st-top" }, text(top[0]), h("span", { class: "st-top-share" }, percent(top[1] / (mass(s) || 1), 0))) : ""; } },
  { key: "lists", title: "values a row", width: 96, rank: 10, num: true, when: has((s) => s.nv), value: (feature) => { const lists = lead(feature).nv; return lists ? lists[1] : null; },
    line: (s) => (s.nv ? h("span", { title: "least, mean and most" }, s.nv[0] === s.nv[2] ? number(s.nv[0]) : `${number(s.nv[0])} \u2026 ${number(s.nv[2])}`) : "") },
].filter((column) => column.when !== false);

// The order in which features are first seen: what is wrong, then what has moved most, then as in the data.
const WORRY = FEATURES.some((feature) => feature.a || feature.d !== undefined);
const ORDERS = new Map([
  ...(WORRY ? [["worry", FEATURES.some((feature) => feature.a) ? "most anomalous first" : DATA.given ? "greatest distance first" : "most drifted first"]] : []),
  ["data", "as in the data"],
  ...COLUMNS.filter((column) => column.value).map((column) => [column.key, `by ${column.title}`]),
]);
state.sort = WORRY ? "worry" : "data";

const matches = (feature) => {
  if (state.types.size && !feature.s.some((one) => one && state.types.has(KINDS[one.t]))) return false;
  if (state.flags.size && !(feature.f || []).some((flag) => state.flags.has(flag))) return false;
  return state.query.toLowerCase().split(/\s+/).every((word) => feature.words.includes(word));
};
FEATURES.forEach((feature) => {
  const meanings = feature.s.flatMap((one) => (one?.sem || []).map(([kind]) => SEMANTICS[kind] || kind));
  feature.words = [feature.n, feature.t, ...new Set(meanings), ...(feature.f || []).map((flag) => FLAGS[flag][0])].join("\u0001").toLowerCase();
});
const ordered = () => {
  const found = FEATURES.map((_, at) => at).filter((at) => matches(FEATURES[at]));
  if (state.sort === "data") return found;
  if (state.sort === "worry") return found.sort((a, b) => grave(FEATURES[b]) - grave(FEATURES[a]) || (FEATURES[b].d ?? -1) - (FEATURES[a].d ?? -1) || a - b);
  const column = COLUMNS.find((one) => one.key === state.sort), sign = state.up ? 1 : -1;
  const keys = new Map(found.map((at) => [at, column.value(FEATURES[at])]));
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  return found.sort((a, b) => {
    const [x, y] = [keys.get(a), keys.get(b)];
    if ((x === null) !== (y === null)) return x === null ? 1 : -1;
    if (x === null) return a - b;
    return sign * (typeof x === "string" ? compare(x, y) : x - y) || a - b;
  });
};

const table = h("table", { class: "hr-table st-table" }), columns = h("colgroup"), head = h("thead"), body = h("tbody");
const above = h("tr", { class: "st-space", "aria-hidden": "true" }, h("td")), below = h("tr", { class: "st-space", "aria-hidden": "true" }, h("td"));
table.append(h("caption", { class: "st-hidden" }, "Features"), columns, head, body);
const holder = h("div", { class: "st-holder", tabindex: "-1" }, table);
let rows = new Map(), order = [], fitting = [], tall = 56, printing = false;

const fit = () => {
  const room = holder.clientWidth || 1200, narrow = room < 560;
  const width = (column) => (narrow && column.key === "chart" ? 118 : narrow && column.key === "name" ? 130 : column.width);
  let used = 0;
  const taken = new Set();
  [...COLUMNS].sort((a, b) => a.rank - b.rank).forEach((column) => {
    if (column.rank && used + width(column) > room) return;
    used += width(column);
    taken.add(column);
  });
  fitting = COLUMNS.filter((column) => taken.has(column));
  const growing = fitting.find((column) => column.grow) || fitting[0];
  // What is left over goes to the name and to the words.
  const spare = Math.max(0, room - used), share = growing === fitting[0] ? spare : spare / 2;
  columns.replaceChildren(...fitting.map((column) => h("col", { css: { width: `${width(column) + (column === growing || column === fitting[0] ? share : 0)}px` } })));
  return { narrow };
};

const drawHead = () => {
  head.replaceChildren(h("tr", {}, fitting.map((column) => {
    const sorted = state.sort === column.key ? (state.up ? "ascending" : "descending") : null;
    const inner = column.value
      ? h("button", { type: "button", "data-key": column.key, onclick: () => sortBy(column) }, column.title, h("span", { class: "hr-arrow", "aria-hidden": "true" }))
      : column.title;
    return h("th", { scope: "col", class: column.num ? "hr-num" : null, title: column.help, "aria-sort": sorted }, inner);
  })));
};
const sortBy = (column) => {
  const first = column.num ? false : true;
  state.up = state.sort === column.key ? !state.up : first;
  state.sort = column.key;
  refresh();
  head.querySelector(`[data-key="${column.key}"]`)?.focus();
};

const widthOf = (column) => Number.parseFloat(columns.children[fitting.indexOf(column)].style.width);
const typeOf = (feature) => {
  const one = lead(feature), kinds = [...new Set(feature.s.filter(Boolean).map((each) => each.t))];
  return kinds.join(" / ") + (one.nv ? " list" : "");
};
const rowOf = (at, place_) => {
  const feature = FEATURES[at], sets = shown();
  const row = h("tr", { class: "st-row", css: { height: `${tall}px` }, "aria-rowindex": place_ + 2, "data-at": at, onclick: (event) => { if (!event.target.closest("button") && !String(getSelection())) open(at); } });
  fitting.forEach((column) => {
    if (column.key === "name") {
      const flags = (feature.f || []).filter((flag) => flag !== "missing");
      let room = widthOf(column) - 30 - 7.6 * typeOf(feature).length, most = 0;
      while (most < flags.length && (room -= 32 + 6.4 * FLAGS[flags[most]][0].length) > (most + 1 < flags.length ? 22 : 0)) most += 1;
      if (flags.length === 1) most = 1;
      row.append(h("th", { scope: "row", class: "st-name" },
        h("button", { type: "button", class: "st-open", "data-at": at, title: feature.n, onclick: () => open(at), onkeydown: step }, text(feature.n)),
        h("div", { class: "st-meta" }, h("span", { class: "st-type" }, typeOf(feature)), flags.slice(0, most).map(badge),
          flags.length > most && h("span", { class: "hr-muted", title: flags.slice(most).map((flag) => FLAGS[flag][0]).join(", ") }, `+${flags.length - most}`))));
      return;
    }
    const cell = h("td", { class: column.num ? "hr-num" : null });
    if (column.key === "chart") cell.append(sparkOf(feature, widthOf(column) - 22, Math.min(tall - 18, 60)));
    else if (column.whole) cell.append(column.whole(feature));
    else {
      cell.append(...sets.map((set) => {
        const one = feature.s[set];
        return h("div", { class: "st-line" }, one || column.empty ? column.line(one, set) : h("span", { class: "hr-muted" }, DASH));
      }));
    }
    row.append(cell);
  });
  return row;
};
const step = (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1, Home: -order.length, End: order.length }[event.key];
  if (!by) return;
  event.preventDefault();
  const from = order.indexOf(Number(event.currentTarget.dataset.at));
  const to = Math.max(0, Math.min(order.length - 1, from + by)), y = body.getBoundingClientRect().top + to * tall;
  if (y < 60) scrollBy(0, y - 60);
  else if (y + tall > innerHeight - 8) scrollBy(0, y + tall - innerHeight + 8);
  drawRows();
  rows.get(order[to])?.querySelector(".st-open").focus({ preventScroll: true });
};

const drawRows = () => {
  const top = body.getBoundingClientRect().top;
  let first = Math.max(0, Math.floor(-top / tall) - 8), last = Math.min(order.length, Math.ceil((innerHeight - top) / tall) + 8);
  if (printing) [first, last] = [0, order.length];
  first = Math.min(first, order.length);
  last = Math.max(first, last);
  const wanted = new Set(order.slice(first, last));
  // The room above and below first: were the page shorter in between, the window would jump.
  above.firstChild.colSpan = below.firstChild.colSpan = fitting.length;
  above.style.height = `${first * tall}px`;
  below.style.height = `${(order.length - last) * tall}px`;
  const focused = document.activeElement?.closest?.("tr.st-row");
  let lost = false;
  for (const [at, row] of rows) {
    if (wanted.has(at)) continue;
    lost ||= row === focused;
    row.remove();
    rows.delete(at);
  }
  let before = above;
  order.slice(first, last).forEach((at, index) => {
    let row = rows.get(at);
    if (!row) { row = rowOf(at, first + index); rows.set(at, row); }
    if (before.nextSibling !== row) before.after(row);
    before = row;
  });
  if (lost) holder.focus({ preventScroll: true });
};
const nobody = h("tr", {}, h("td", { class: "st-none" }, "No feature is like that. ", h("button", { type: "button", class: "st-link", onclick: () => clear() }, "Show all")));
const drawTable = () => {
  const { narrow } = fit();
  const lines = Math.max(1, slots.size);
  tall = Math.max(58, lines * 20 + 18);
  holder.classList.toggle("st-narrow", narrow);
  drawHead();
  rows = new Map();
  order = ordered();
  body.replaceChildren(above, below);
  nobody.firstChild.colSpan = fitting.length;
  if (!order.length) body.append(nobody);
  table.setAttribute("aria-rowcount", order.length + 1);
  drawRows();
};
