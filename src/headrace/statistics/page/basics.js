const DATA = JSON.parse(document.getElementById("data").textContent);
const SETS = DATA.datasets, FEATURES = DATA.features, FLAGS = DATA.flags, BASE = DATA.baseline;
const SLOTS = 6, MINUS = "\u2212", DASH = "\u2013";
const state = {
  query: "", types: new Set(), flags: new Set(), sort: "", up: false, open: -1,
  log: false, quantiles: false, share: SETS.length > 1, weighted: false, view: "features",
};
const WEIGHTED = SETS.some((set) => set.weight !== undefined) || FEATURES.some((one) => one.s.some((s) => s && (s.w || s.wt)));

// The data sets that are drawn, in order, each with a slot: the slot gives colour and dashes.
const slots = new Map();
const show = (set) => {
  if (slots.size >= SLOTS) slots.delete([...slots.keys()].find((one) => one !== BASE));
  const used = new Set(slots.values());
  slots.set(set, [...Array(SLOTS).keys()].find((slot) => !used.has(slot)));
};
if (SETS.length) show(BASE);
SETS.forEach((_, set) => { if (set !== BASE && slots.size < 4) show(set); });
const shown = () => [...slots.keys()].sort((a, b) => slots.get(a) - slots.get(b));

const maker = (create) => (name, attributes, ...children) => {
  const element = create(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "css") Object.assign(element.style, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  const add = (child) => {
    if (Array.isArray(child)) child.forEach(add);
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  };
  children.forEach(add);
  return element;
};
const h = maker((name) => document.createElement(name));
const s = maker((name) => document.createElementNS("http://www.w3.org/2000/svg", name));

// Text from the data: in its own direction, and with blanks at its ends made visible.
const text = (value, attributes) => {
  const whole = String(value);
  if (whole === "") return h("span", { class: "st-blank", ...attributes }, "(empty)");
  const [, before, middle, after] = /^(\s*)([^]*?)(\s*)$/.exec(whole);
  const blank = (run) => run && h("span", { class: "st-blank", title: "white space" }, "\u2423".repeat(Math.min(run.length, 8)));
  return h("bdi", { title: whole.length > 18 ? whole : null, ...attributes }, blank(before), middle, blank(after));
};

const signed = (value) => value.replace(/^-/, MINUS);
const group = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const exponent = (value, digits) => signed(value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e"));
const number = (value, digits = 4) => {
  if (value === null || value === undefined) return DASH;
  if (typeof value === "string") return value;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e12 || size < 1e-4) return exponent(value, digits);
  if (Number.isInteger(value)) return signed(group.format(value));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return signed(new Intl.NumberFormat("en-US", { maximumFractionDigits: Math.min(decimals, 12) }).format(value));
};
// For cells of one width.
const brief = (value) => (typeof value === "number" && Math.abs(value) >= 1e8 ? exponent(value, 4) : number(value));
const percent = (share, decimals = 1) => {
  if (share === null || share === undefined || Number.isNaN(share)) return DASH;
  const value = share * 100, step = 10 ** -decimals;
  if (value === 0 || value === 100) return value + "%";
  if (value > 0 && value < step) return `<${step.toFixed(decimals)}%`;
  if (value < 100 && value > 100 - step) return `>${(100 - step).toFixed(decimals)}%`;
  return signed(value.toFixed(decimals)) + "%";
};
const duration = (seconds) => {
  if (seconds === null || seconds === undefined) return DASH;
  if (seconds < 60) return number(seconds, 3) + " s";
  const parts = [["d", Math.floor(seconds / 86400)], ["h", Math.floor(seconds / 3600) % 24], ["min", Math.floor(seconds / 60) % 60]];
  const first = parts.findIndex(([, many]) => many);
  return parts.slice(first, first + 2).filter(([, many]) => many).map(([unit, many]) => `${group.format(many)} ${unit}`).join(" ");
};
const day = (seconds, span) => {
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return number(seconds);
  const iso = at.toISOString();
  return span > 86400 * 3 ? iso.slice(0, 10) : iso.slice(5, 16).replace("T", " ");
};
const moment = (iso) => iso.replace("T", " ").replace(/(\.\d+)?(Z|\+00:00)?$/, (_, fraction) => (fraction && !/^\.0+$/.test(fraction) ? fraction : ""));

const plural = (many, word) => `${group.format(many)} ${word}${many === 1 ? "" : "s"}`;
const rowsOf = (s) => s.n + s.x;
const valuesOf = (s) => (s.v === undefined ? s.n : s.v);
const missingOf = (s) => {
  const [there, absent] = state.weighted && s.w ? s.w : [s.n, s.x];
  return there + absent > 0 ? absent / (there + absent) : null;
};
// Of the values rather than of the rows, in the weights that are asked for.
const mass = (s) => {
  if (!(state.weighted && s.wt)) return valuesOf(s);
  return s.w ? s.w[0] : (s.wt.top || []).reduce((sum, one) => sum + one[1], 0);
};
const weighed = (s, key) => (state.weighted && s.wt && s.wt[key] !== undefined ? s.wt[key] : s[key]);
const KINDS = { INT: "numbers", FLOAT: "numbers", STRING: "text", BYTES: "bytes", BOOL: "true or false", TIMESTAMP: "moments", STRUCT: "structs" };
const SEMANTICS = {
  integer_text: "whole numbers as text", number_text: "numbers as text", date_text: "dates as text", url: "URLs", email: "e-mail addresses",
  natural_language: "natural language", image: "images", identifier: "an identifier", constant: "a constant", duplicate: "nearly the same as",
  categorical_integer: "categories as numbers", zip_like: "codes of digits with leading zeros",
};
const tone = (flag) => "hr-" + FLAGS[flag][2];
const SIGNS = { bad: "\u2715", warn: "!", info: "i" };
const badge = (flag) => h("span", { class: `hr-badge st-badge ${tone(flag)}`, title: FLAGS[flag][1] },
  h("span", { class: "hr-sign", "aria-hidden": "true" }, SIGNS[FLAGS[flag][2]]), FLAGS[flag][0]);
const swatch = (slot) => s("svg", { class: "st-swatch", width: 18, height: 10, viewBox: "0 0 18 10", "aria-hidden": "true" },
  slot === 0 ? s("rect", { x: 1, y: 1, width: 16, height: 8, rx: 1.5, class: "hr-s0 hr-area" })
    : s("path", { d: "M1 5H17", class: `hr-s${slot} hr-line` }));
