// One feature, in a panel over the table.
const panel = h("dialog", { class: "st-panel", "aria-labelledby": "st-panel-name", onclose: () => closed(), onclick: (event) => { if (event.target === panel) panel.close(); } });
let tab = { scale: "histogram", words: "values" };
const VIEWS = {
  scale: { histogram: "Histogram", quantiles: "Quantiles", cumulative: "Cumulative" },
  words: { values: "Top values", ranks: "Ranks", cumulative: "Cumulative" },
};
const segmented = (name, options, chosen, choose) => h("div", { class: "st-segments", role: "group", "aria-label": name },
  Object.entries(options).map(([key, words]) => h("button", { type: "button", "aria-pressed": String(key === chosen), "data-choice": key, onclick: (event) => { choose(key); event.stopPropagation(); } }, words)));

const legend = () => h("div", { class: "hr-legend" }, shown().map((set) => h("span", { class: "hr-key" }, swatch(slots.get(set)), h("bdi", {}, SETS[set].name))));
const side = (at, { left = [] }) => (at === 0 ? null : left.includes(at) ? "st-left" : "hr-num");
const grid = (heads, lines, attributes) => h("div", { class: "hr-scroll", tabindex: 0, role: "region", "aria-label": attributes.title }, h("table", { class: "hr-table st-grid" },
  h("caption", {}, attributes.title, attributes.note && h("span", { class: "hr-h-note" }, attributes.note)),
  h("thead", {}, h("tr", {}, heads.map((one, at) => h("th", { scope: "col", class: side(at, attributes) }, one)))),
  h("tbody", {}, lines.map((line) => h("tr", {}, line.map((one, at) => (at ? h("td", { class: side(at, attributes) }, one) : h("th", { scope: "row" }, one))))))));
const setHeads = (sets) => sets.map(({ set, slot }) => h("span", { class: "st-set" }, sets.length > 1 && swatch(slot), h("bdi", {}, SETS[set].name)));

const FACTS = [
  ["rows with a value", (s) => number(s.w && state.weighted ? s.w[0] : s.n)],
  ["rows without", (s) => `${number(s.w && state.weighted ? s.w[1] : s.x)} (${percent(missingOf(s))})`],
  ["values in all rows", (s) => s.v !== undefined && number(s.v)],
  ["values a row", (s) => s.nv && `${number(s.nv[0])} to ${number(s.nv[2])}, on average ${number(s.nv[1])}`],
  ["distinct values", (s) => s.u !== undefined && (s.ue !== undefined ? `\u2248 ${number(s.u)}${s.ue ? ` \u00b1 ${percent(s.ue)}` : ""}` : number(s.u))],
  ["mean", (s) => weighed(s, "mean") !== undefined && number(weighed(s, "mean"), 6)],
  ["standard deviation", (s) => weighed(s, "sd") !== undefined && number(weighed(s, "sd"), 6)],
  ["minimum", (s) => s.min !== undefined && number(s.min, 6)],
  ["median", (s) => weighed(s, "med") !== undefined && number(weighed(s, "med"), 6)],
  ["maximum", (s) => s.max !== undefined && number(s.max, 6)],
  ["zeros", (s) => s.z !== undefined && `${number(s.z)} (${percent(zeroShare(s))})`],
  ["not a number", (s) => s.nan && number(s.nan)],
  ["infinite", (s) => s.inf && number(s.inf)],
  ["error of a quantile\u2019s rank", (s) => s.re && `at most ${percent(s.re, 2)}`],
  ["average length", (s) => s.len && typeof s.len[0] === "number" && number(s.len[0])],
  ["shortest, longest", (s) => s.len && typeof s.len[1] === "number" && `${number(s.len[1])}, ${number(s.len[2])}`],
  ["frequencies are too low by", (s) => s.fe && `at most ${number(s.fe)}`],
  ["not UTF-8", (s) => s.bad && number(s.bad)],
  ["first", (s) => s.tmin && moment(s.tmin)],
  ["middle", (s) => s.tmed && moment(s.tmed)],
  ["last", (s) => s.tmax && moment(s.tmax)],
  ["in order", (s) => s.order !== undefined && (s.order ? "yes" : "no")],
  ["longest gap", (s) => s.gap !== undefined && `${duration(s.gap)}${s.after ? `, after ${moment(s.after)}` : ""}`],
  ["median gap", (s) => s.mgap !== undefined && duration(s.mgap)],
  ["blanks are stripped", (s) => s.clean?.strip && "yes"],
  ["read as missing", (s) => s.clean?.nulls && s.clean.nulls.map((one) => JSON.stringify(one)).join(", ")],
  ["looks like", (s) => s.sem && s.sem.map(([kind, share, of, more]) => `${SEMANTICS[kind] || kind}${of ? ` ${of}` : ""}${more ? ` (${more})` : ""}${share < 1 ? `, ${percent(share)}` : ""}`).join("; ")],
  ["information about the label", (s) => s.label && `${number(s.label[0], 3)} bits, ${percent(s.label[1])} of its entropy`],
  ["score of this feature alone", (s) => s.label && typeof s.label[2] === "number" && number(s.label[2], 3)],
];
const facts = (feature, sets) => {
  const lines = FACTS.map(([name, of]) => [name, ...sets.map(({ s }) => of(s))]).filter((line) => line.slice(1).some((one) => one)).map((line) => line.map((one) => one || DASH));
  const custom = [...new Set(sets.flatMap(({ s }) => (s.custom || []).map((one) => one[0])))];
  custom.forEach((name) => lines.push([name, ...sets.map(({ s }) => { const found = (s.custom || []).find((one) => one[0] === name); return found ? (typeof found[1] === "number" ? number(found[1], 6) : String(found[1])) : DASH; })]));
  if (feature.m) lines.push([`drift from ${SETS[BASE].name}`, ...sets.map(({ set }) => (set === BASE ? DASH : far(feature.m[set])))]);
  return grid(["", ...setHeads(sets)], lines, { title: "Statistics", note: state.weighted ? "weighted where weights count" : "" });
};
const SHARES = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1];
const quantileTable = (sets) => {
  const known = sets.map((one) => ({ ...one, points: quantilesOf(one.s) })).filter((one) => one.points?.length > 2);
  if (!known.length) return null;
  const shares = SHARES.filter((share) => known.every(({ points }) => Math.abs(share * (points.length - 1) - Math.round(share * (points.length - 1))) < 1e-6));
  return grid(["quantile", ...setHeads(known)], shares.map((share) => [share === 0.5 ? "median" : share === 0 ? "minimum" : share === 1 ? "maximum" : percent(share, 0), ...known.map(({ points }) => number(quantile(points, share), 5))]), { title: "Quantiles" });
};
const levels = (sets) => {
  const lines = sets.flatMap(({ set, slot, s }) => (s.lv || []).map((level, depth) => [
    h("span", { class: "st-set" }, sets.length > 1 && swatch(slot), depth === 0 ? "rows" : `lists in lists, level ${depth + 1}`), ...[level[0], level[1], level[2], level[3], level[4], level[5]].map((one) => number(one))]));
  return lines.length ? grid(["level", "there", "missing", "fewest values", "mean", "most", "in all"], lines, { title: "Number of values by level of nesting" }) : null;
};
const topTable = (feature, sets) => {
  const known = sets.filter(({ s }) => s.top?.length);
  if (!known.length || feature.t === "BOOL") return null;
  const names = [...new Set(known.flatMap(({ s }) => (weighed(s, "top") || []).slice(0, 20).map((one) => one[0])))];
  const tops = known.map((one) => new Map(weighed(one.s, "top") || []));
  names.sort((a, b) => Math.max(...tops.map((top, at) => (top.get(b) || 0) / (mass(known[at].s) || 1))) - Math.max(...tops.map((top, at) => (top.get(a) || 0) / (mass(known[at].s) || 1))));
  return h("details", { class: "hr-details" }, h("summary", {}, "Top values as a table"), h("div", { class: "hr-fold" },
    grid(["value", ...setHeads(known).flatMap((one) => [one, "share"])], names.slice(0, 30).map((name) => [text(name), ...known.flatMap(({ s }, at) => {
      const count = tops[at].get(name);
      return count === undefined ? [s.full ? "0" : "not listed", DASH] : [number(count), percent(count / (mass(s) || 1))];
    })]), { title: "Top values" })));
};
const ASSOCIATIONS = { r: "correlation", v: "Cram\u00e9r\u2019s V", e: "correlation ratio" };
const partners = (feature) => {
  const set = slots.has(BASE) ? BASE : shown()[0];
  const found = (DATA.cross[set] || []).filter((pair) => pair[0] === feature.n || pair[1] === feature.n).slice(0, 10);
  if (!found.length) return null;
  return h("div", {}, h("h3", {}, "Goes with", SEVERAL && h("span", { class: "hr-h-note" }, SETS[set].name)), h("ul", { class: "st-partners" }, found.map(([x, y, kind, value, count]) => {
    const other = x === feature.n ? y : x, at = FEATURES.findIndex((one) => one.n === other);
    return h("li", { title: plural(count, "row") }, h("button", { type: "button", class: "st-link", disabled: at < 0, onclick: () => open(at) }, text(other)),
      h("div", { class: "st-meter" }, h("div", { class: `st-meter-fill${value < 0 ? " st-negative" : ""}`, css: { width: `${Math.abs(value) * 100}%` } })), h("span", { class: "st-figure" }, number(value, 2)), h("span", { class: "hr-muted" }, ASSOCIATIONS[kind]));
  })));
};
const remarks = (feature, sets) => {
  const notes = [];
  const note = (kind, ...words) => notes.push(h("div", { class: `hr-note hr-${kind}`, role: "note" }, h("span", { class: "hr-sign", "aria-hidden": "true" }, SIGNS[kind]), h("div", {}, ...words)));
  (feature.a || []).forEach(([severity, words]) => note(severity === "error" ? "bad" : "warn", words));
  const leaks = sets.find(({ s }) => s.label?.[3]);
  if (leaks) note("bad", h("strong", {}, "This feature may leak the label. "), leaks.s.label[4] || FLAGS.leak[1]);
  const twin = sets.flatMap(({ s }) => s.sem || []).find(([kind]) => kind === "duplicate");
  if (twin) note("warn", "Nearly the same as ", text(twin[2] || "another feature"), `: ${percent(twin[1])} of the values are equal.`);
  const gone = SETS.filter((_, set) => !feature.s[set]);
  if (gone.length) note("warn", "Not in ", gone.flatMap((set, at) => [at ? ", " : "", text(set.name)]), ".");
  const kinds = new Set(feature.s.filter(Boolean).map((one) => one.t));
  if (kinds.size > 1) note("warn", `Has another type in another data set: ${[...kinds].join(", ")}.`);
  return notes;
};
const mainChart = (feature, width) => {
  const scale = isScale(feature), key = scale ? "scale" : "words";
  const options = { ...VIEWS[key] };
  if (feature.t === "TIMESTAMP") delete options.quantiles;
  const chosen = options[tab[key]] ? tab[key] : Object.keys(options)[0];
  const wordy = !scale && !feature.s.some((one) => one?.top);
  if (wordy) return h("p", { class: "hr-muted" }, feature.t === "STRUCT" ? "A struct: its fields are features of their own." : "No values to draw.");
  const height = Math.max(210, Math.min(300, width * 0.42));
  const chart = scale ? { histogram: histogramOf, quantiles: stripsOf, cumulative: cumulativeOf }[chosen](feature, width, chosen === "quantiles" ? 64 + 46 * slots.size : height, true)
    : chosen === "values" ? barsOf(feature, slots.size > 2 ? 10 : 12) : rankCurve(feature, width, height, chosen === "cumulative");
  const counts = chosen !== "cumulative" && chosen !== "quantiles";
  return h("section", { class: "st-chart" },
    h("div", { class: "st-controls" }, segmented("Picture", options, chosen, (choice) => { tab = { ...tab, [key]: choice }; drawPanel(`[data-choice="${choice}"]`); }),
      counts && segmented("Axis", { linear: "Linear", log: "Log" }, state.log ? "log" : "linear", (choice) => set("log", choice === "log", `[data-choice="${choice}"]`)),
      counts && segmented("Height", { count: "Counts", share: "Percent" }, state.share ? "share" : "count", (choice) => set("share", choice === "share", `[data-choice="${choice}"]`)),
      WEIGHTED && segmented("Weights", { rows: "Rows", weighted: "Weighted" }, state.weighted ? "weighted" : "rows", (choice) => set("weighted", choice === "weighted", `[data-choice="${choice}"]`))),
    SEVERAL && legend(), chart);
};
const set = (name, value, focus) => {
  state[name] = value;
  refresh();
  if (panel.open) drawPanel(focus);
};
const drawPanel = (focus) => {
  const feature = FEATURES[state.open], sets = drawn(feature), at = order.indexOf(state.open);
  const scrolled = panel.querySelector(".st-panel-body")?.scrollTop || 0, same = panel.dataset.at === String(state.open);
  const move = (by, words, sign) => h("button", { type: "button", class: "st-icon", "aria-label": words, title: words, "data-move": by, disabled: at < 0 || at + by < 0 || at + by >= order.length, onclick: () => { open(order[at + by]); panel.querySelector(`[data-move="${by}"]`)?.focus(); } }, sign);
  const width = Math.max(260, (panel.clientWidth || Math.min(innerWidth, 760)) - (innerWidth < 560 ? 34 : 58));
  panel.dataset.at = state.open;
  panel.replaceChildren(
    h("header", { class: "st-panel-head" },
      h("div", { class: "st-panel-title" }, h("h2", { id: "st-panel-name" }, text(feature.n)), h("div", { class: "st-meta" }, h("span", { class: "st-type" }, typeOf(feature)), (feature.f || []).map(badge))),
      h("div", { class: "st-panel-moves" }, move(-1, "Feature before", "\u2191"), move(1, "Next feature", "\u2193"), h("button", { type: "button", class: "st-icon", "aria-label": "Close", title: "Close", autofocus: true, onclick: () => panel.close() }, "\u2715"))),
    h("div", { class: "st-panel-body" }, remarks(feature, sets),
      sets.length ? [mainChart(feature, width), facts(feature, sets), quantileTable(sets), topTable(feature, sets), levels(sets), partners(feature)] : h("p", { class: "hr-muted" }, "Not in the data sets that are shown.")));
  if (same) panel.querySelector(".st-panel-body").scrollTop = scrolled;
  if (focus) panel.querySelector(focus)?.focus();
};
const open = (at) => {
  state.open = at;
  if (!panel.open) panel.showModal();
  drawPanel();
  body.querySelectorAll(".st-current").forEach((row) => row.classList.remove("st-current"));
  rows.get(at)?.classList.add("st-current");
  try { history.replaceState(null, "", `#feature=${encodeURIComponent(FEATURES[at].n)}`); } catch (_) { /* a sandbox */ }
};
const closed = () => {
  try { history.replaceState(null, "", location.pathname + location.search); } catch (_) { /* a sandbox */ }
  if (state.view === "features") rows.get(state.open)?.querySelector(".st-open").focus({ preventScroll: true });
};
