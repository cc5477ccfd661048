// The bars above the table, and what happens when something is chosen.
const chosen = (button, yes) => { button.setAttribute("aria-pressed", String(yes)); return button; };
const search = h("input", { type: "search", class: "st-search", placeholder: "Search features", "aria-label": "Search features", autocomplete: "off", spellcheck: "false", oninput: () => { state.query = search.value.trim(); refresh(); } });
const sorting = h("select", { "aria-label": "Order", onchange: () => {
  const column = COLUMNS.find((one) => one.key === sorting.value);
  [state.sort, state.up] = [sorting.value, column ? !column.num : false];
  refresh();
} }, [...ORDERS].map(([key, words]) => h("option", { value: key }, words)));
const counted = h("p", { class: "st-counted", role: "status" });

const tally = (of) => {
  const found = new Map();
  FEATURES.forEach((feature) => of(feature).forEach((key) => found.set(key, (found.get(key) || 0) + 1)));
  return found;
};
const chips = (name, found, words, chosenOnes) => h("div", { class: "st-chips", role: "group", "aria-label": name }, [...found].map(([key, many]) => h("button", {
  type: "button", class: "st-chip", "aria-pressed": "false", "data-chip": key, title: FLAGS[key]?.[1], onclick: (event) => {
    if (!chosenOnes.delete(key)) chosenOnes.add(key);
    chosen(event.currentTarget, chosenOnes.has(key));
    refresh();
  },
}, FLAGS[key] && h("span", { class: `hr-sign ${tone(key)}`, "aria-hidden": "true" }, SIGNS[FLAGS[key][2]]), words(key), h("span", { class: "st-many" }, group.format(many)))));
const kinds = tally((feature) => new Set(feature.s.filter(Boolean).map((one) => KINDS[one.t])));
const marks = tally((feature) => feature.f || []);
const filters = h("div", { class: "st-filters" },
  kinds.size > 1 && chips("Types", kinds, (key) => key, state.types),
  marks.size > 0 && chips("Remarks", new Map(Object.keys(FLAGS).filter((flag) => marks.has(flag)).map((flag) => [flag, marks.get(flag)])), (key) => FLAGS[key][0], state.flags));
const clear = () => {
  state.query = search.value = "";
  state.types.clear();
  state.flags.clear();
  filters.querySelectorAll("button").forEach((button) => chosen(button, false));
  refresh();
  search.focus();
};

const toggles = h("div", { class: "st-toggles" });
const drawToggles = () => {
  const focus = toggles.contains(document.activeElement) && document.activeElement.dataset.choice;
  toggles.replaceChildren(...[
    has((one) => one.q || one.qh) && segmented("Histogram", { width: "Equal width", quantiles: "Quantiles" }, state.quantiles ? "quantiles" : "width", (choice) => set("quantiles", choice === "quantiles")),
    segmented("Axis", { linear: "Linear", log: "Log" }, state.log ? "log" : "linear", (choice) => set("log", choice === "log")),
    segmented("Height", { count: "Counts", share: "Percent" }, state.share ? "share" : "count", (choice) => set("share", choice === "share")),
    WEIGHTED && segmented("Weights", { rows: "Rows", weighted: "Weighted" }, state.weighted ? "weighted" : "rows", (choice) => set("weighted", choice === "weighted")),
  ].filter(Boolean));
  if (focus) toggles.querySelector(`[data-choice="${focus}"]`)?.focus();
};

const sets = h("div", { class: "st-sets", role: "group", "aria-label": "Data sets" });
const drawSets = () => {
  const focus = sets.contains(document.activeElement) && document.activeElement.dataset.set;
  sets.replaceChildren(...SETS.map((one, index) => h("button", {
    type: "button", class: "st-set-chip", "aria-pressed": String(slots.has(index)), "data-set": index, disabled: !SEVERAL, onclick: () => {
      if (!slots.has(index)) show(index);
      else if (slots.size > 1) slots.delete(index);
      drawSets();
      refresh();
    },
  }, slots.has(index) ? swatch(slots.get(index)) : h("span", { class: "st-off", "aria-hidden": "true" }), h("bdi", {}, one.name),
  h("span", { class: "st-many" }, `${plural(one.rows, "row")}${one.aside ? `, ${group.format(one.aside)} set aside` : ""}`), SEVERAL && index === BASE && h("span", { class: "st-base" }, "baseline"))));
  if (focus) sets.querySelector(`[data-set="${focus}"]`)?.focus();
};

const features = h("div", {}, h("div", { class: "st-tools" }, search, h("label", { class: "st-order" }, h("span", {}, "Order"), sorting), toggles), filters, counted, holder);
const featureSection = h("div", { class: "hr-section st-features" }, features);
const VIEWED = { features: ["Features", featureSection] };
if (CROSSED.length || LABELLED) VIEWED.relations = ["Relations", relations];
VIEWED.sources = ["Data sets", sources];
const views = h("div", { class: "st-views", role: "group", "aria-label": "View" });
const drawViews = () => {
  views.replaceChildren(segmented("View", Object.fromEntries(Object.entries(VIEWED).map(([key, [words]]) => [key, words])), state.view, (key) => {
    state.view = key;
    drawViews();
    views.querySelector(`[data-choice="${key}"]`)?.focus();
    if (key === "features") drawTable();
  }));
  Object.entries(VIEWED).forEach(([key, [, part]]) => { part.hidden = key !== state.view; });
  if (state.view === "relations") drawRelations();
  if (state.view === "sources") drawSources();
};
const refresh = () => {
  sorting.value = state.sort;
  drawToggles();
  drawTable();
  const all = FEATURES.length;
  counted.textContent = order.length === all ? plural(all, "feature") : `${group.format(order.length)} of ${plural(all, "feature")}`;
  // A shorter list may leave the window far below its end.
  const top = holder.getBoundingClientRect().top;
  if (top < 0 && order.length * tall < innerHeight) scrollBy(0, top - 60);
};

document.getElementById("plain").remove();
document.getElementById("content").append(h("div", { class: "st-above" }, sets, views), featureSection, relations, sources, panel);
drawSets();
drawViews();
refresh();
let asked = false;
const soon = (work) => () => { if (!asked) { asked = true; requestAnimationFrame(() => { asked = false; work(); }); } };
addEventListener("scroll", soon(drawRows), { passive: true });
let known = innerWidth;
addEventListener("resize", () => requestAnimationFrame(() => {
  if (innerWidth !== known) { known = innerWidth; drawTable(); if (panel.open) drawPanel(); } else drawRows();
}));
addEventListener("beforeprint", () => { printing = true; drawRows(); });
addEventListener("afterprint", () => { printing = false; drawRows(); });
const wanted = /^#feature=(.*)$/.exec(location.hash);
if (wanted) {
  let name = "";
  try { name = decodeURIComponent(wanted[1]); } catch (_) { /* not a name */ }
  const at = FEATURES.findIndex((feature) => feature.n === name);
  if (at >= 0) open(at);
}
