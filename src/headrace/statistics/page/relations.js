// How features go together: a matrix whose squares grow with the strength, hollow where it is negative.
const CROSSED = SETS.map((_, set) => set).filter((set) => (DATA.cross[set] || []).length);
const LABELLED = has((s) => s.label);
const relations = h("div", { class: "hr-section", hidden: true });
let crossed = CROSSED.includes(BASE) ? BASE : CROSSED[0];
const WIDE = 36;
const strongest = (pairs) => {
  const best = new Map();
  pairs.forEach(([x, y, , value]) => [x, y].forEach((name) => best.set(name, Math.max(best.get(name) || 0, Math.abs(value)))));
  const kept = new Set([...best].sort((a, b) => b[1] - a[1]).slice(0, WIDE).map(([name]) => name));
  return [FEATURES.map((feature) => feature.n).filter((name) => kept.has(name)), best.size];
};
const matrix = (pairs, names) => {
  const size = names.length > 24 ? 20 : 28, room = 150, at = new Map(names.map((name, index) => [name, index])), many = names.length;
  const short = (name) => (name.length > 21 ? name.slice(0, 20) + "\u2026" : name);
  const words = names.map((name, index) => [
    s("text", { class: "hr-tick", x: room - 6, y: (index + 0.5) * size + 4, "text-anchor": "end" }, short(name)),
    s("text", { class: "hr-tick", transform: `translate(${room + (index + 0.5) * size + 4} ${many * size + 8}) rotate(90)` }, short(name))]);
  const lines = names.map((_, index) => s("rect", { x: room + index * size, y: index * size, width: size, height: size, class: "st-self" }));
  const squares = pairs.filter((pair) => at.has(pair[0]) && at.has(pair[1])).flatMap(([x, y, kind, value, count]) => [[x, y], [y, x]].map(([a, b]) => {
    const side = Math.max(1.5, Math.sqrt(Math.abs(value)) * (size - 4)), left = room + at.get(a) * size, top = at.get(b) * size;
    return s("g", {}, s("rect", { x: left, y: top, width: size, height: size, class: "st-tile" }),
      s("rect", { x: place(left + (size - side) / 2), y: place(top + (size - side) / 2), width: place(side), height: place(side), rx: 2, class: value < 0 ? "st-square st-minus" : "st-square" }),
      s("title", {}, `${x}, ${y}: ${ASSOCIATIONS[kind]} ${number(value, 3)} over ${plural(count, "row")}`));
  }));
  const high = many * size + room;
  return h("div", { class: "hr-scroll", tabindex: 0, role: "region", "aria-label": "Matrix of associations" }, picture(room + many * size + 8, high, `Associations of ${many} features; the table below has the numbers`, lines, squares, words));
};
const pairTable = (pairs) => grid(["features", "", "strength", "measure", "rows", "covariance"], pairs.slice(0, 50).map(([x, y, kind, value, count, covariance]) => {
  const link = (name) => { const index = FEATURES.findIndex((one) => one.n === name); return h("button", { type: "button", class: "st-link", disabled: index < 0, onclick: () => open(index) }, text(name)); };
  return [link(x), link(y), number(value, 3), ASSOCIATIONS[kind], number(count), covariance === null ? DASH : number(covariance)];
}), { title: "The strongest pairs", left: [1, 3], note: pairs.length > 50 ? `50 of ${group.format(pairs.length)}` : "" });
const lifts = (pairs) => {
  const found = pairs.flatMap(([x, y, , , , , lift]) => lift.map(([a, b, value]) => [x, a, y, b, value])).sort((a, b) => b[4] - a[4]).slice(0, 12);
  return found.length ? grid(["values", "", "times as often as by chance"], found.map(([x, a, y, b, value]) => [h("span", {}, text(x), " = ", text(a)), h("span", {}, text(y), " = ", text(b)), number(value, 3)]), { title: "Values that stand together", left: [1] }) : null;
};
const labelTable = () => {
  const found = FEATURES.map((feature, at) => ({ feature, at, label: lead(feature).label })).filter((one) => one.label).sort((a, b) => b.label[1] - a.label[1]);
  return grid(["feature", "share of the label\u2019s entropy", "bits", "score alone", ""], found.slice(0, 50).map(({ feature, at, label: [bits, share, score, leaks] }) => [
    h("button", { type: "button", class: "st-link", onclick: () => open(at) }, text(feature.n)), percent(share), number(bits, 3), typeof score === "number" ? number(score, 3) : DASH, leaks ? badge("leak") : ""]), { title: "What says most about the label", left: [4], note: found.length > 50 ? `50 of ${group.format(found.length)}` : "" });
};
const drawRelations = () => {
  const parts = [];
  if (LABELLED) parts.push(labelTable());
  if (CROSSED.length) {
    const pairs = DATA.cross[crossed], [names, all] = strongest(pairs);
    if (CROSSED.length > 1) parts.push(h("div", { class: "st-controls" }, segmented("Data set", Object.fromEntries(CROSSED.map((one) => [one, SETS[one].name])), String(crossed), (one) => { crossed = Number(one); drawRelations(); })));
    parts.push(h("h3", {}, "How features go together", h("span", { class: "hr-h-note" }, names.length < all ? `the ${names.length} of ${group.format(all)} with the strongest ties` : SETS[crossed].name)),
      h("p", { class: "hr-legend" }, h("span", { class: "hr-key" }, s("svg", { width: 14, height: 14 }, s("rect", { x: 1.5, y: 1.5, width: 11, height: 11, rx: 2, class: "st-square" })), "positive, or without a sign"),
        h("span", { class: "hr-key" }, s("svg", { width: 14, height: 14 }, s("rect", { x: 1.5, y: 1.5, width: 11, height: 11, rx: 2, class: "st-square st-minus" })), "negative"), h("span", {}, "the larger the square, the stronger")),
      matrix(pairs, names), pairTable(pairs), lifts(pairs));
  }
  relations.replaceChildren(...parts.filter(Boolean));
};

const sources = h("div", { class: "hr-section", hidden: true });
const drawSources = () => {
  const facts_ = [
    ["rows", (one) => number(one.rows)], ["sum of weights", (one) => one.weight !== undefined && number(one.weight)], ["slice", (one) => one.slice],
    ["looked at", (one) => one.rate !== undefined && `${percent(one.rate)} of the rows`], ["set aside", (one) => one.aside && plural(one.aside, "row")], ["the first of them", (one) => one.why?.join("\n")],
    ...[...new Set(SETS.flatMap((one) => (one.custom || []).map((pair) => pair[0])))].map((name) => [name, (one) => { const pair = (one.custom || []).find((each) => each[0] === name); return pair && (typeof pair[1] === "number" ? number(pair[1], 6) : String(pair[1])); }]),
  ].filter(([, of]) => SETS.some(of));
  sources.replaceChildren(grid(["data set", ...facts_.map(([name]) => name)], SETS.map((one) => [text(one.name), ...facts_.map(([, of]) => of(one) || DASH)]), { title: "Data sets", left: facts_.flatMap(([name], at) => (["slice", "looked at", "set aside", "the first of them"].includes(name) ? [at + 1] : [])) }));
};
