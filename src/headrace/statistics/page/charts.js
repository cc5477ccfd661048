// Scales, axes and the pictures of one feature.
const ticks = (low, high, many) => {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / many, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + span * 1e-9; at += 1) found.push(at * step);
  return found;
};
const linear = (low, high, from, to) => {
  const span = high - low || 1;
  const scale = (value) => from + ((value - low) / span) * (to - from);
  scale.ticks = (many) => ticks(low, high, many);
  return scale;
};
const logarithmic = (low, high, from, to) => {
  const a = Math.log10(low), b = Math.log10(high) - a || 1;
  const scale = (value) => from + ((Math.log10(Math.max(value, low)) - a) / b) * (to - from);
  scale.ticks = (many) => {
    const first = Math.ceil(a - 1e-9), last = Math.floor(a + b + 1e-9), every = Math.max(1, Math.ceil((last - first + 1) / many));
    const found = [];
    for (let power = first; power <= last; power += every) found.push(10 ** power);
    return found;
  };
  return scale;
};
const place = (value) => (Math.round(value * 10) / 10).toString();
const walk = (points) => points.map(([x, y], at) => `${at ? "L" : "M"}${place(x)} ${place(y)}`).join("");
const picture = (width, height, label, ...parts) => s("svg",
  { class: "st-picture", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...parts);
const label = (x, y, anchor, words) => s("text", { class: "hr-tick", x: place(x), y: place(y), "text-anchor": anchor }, words);
const nothing = (width, height, words) => picture(width, height, words,
  s("line", { x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5, class: "hr-axis" }),
  height > 60 && s("text", { class: "hr-tick", x: width / 2, y: height / 2, "text-anchor": "middle" }, words));

const drawn = (feature) => shown().filter((set) => feature.s[set]).map((set) => ({ set, slot: slots.get(set), s: feature.s[set] }));
const isScale = (feature) => feature.s.some((one) => one && (one.h || one.q || one.qh));
const bins = ([edges, counts]) => {
  const many = counts.length;
  if (edges.length === 2 && many !== 1) {
    const step = (edges[1] - edges[0]) / many;
    return counts.map((count, at) => [edges[0] + at * step, edges[0] + (at + 1) * step, count]);
  }
  return edges.slice(1).map((high, at) => [edges[at], high, many === 1 ? counts[0] : counts[at]]);
};
// The least power of ten, and the share of it, below which nothing is drawn on a logarithmic axis.
const floorOf = (values) => Math.min(...values.filter((value) => value > 0)) / 2;

const axes = (box, x, y, formatX, formatY, xTitle) => {
  const { left, right, top, bottom, width, height } = box, base = height - bottom;
  const along = x.ticks(Math.max(2, Math.floor((width - left - right) / 75)));
  return [
    y && y.ticks(4).map((value) => [
      s("line", { x1: left, x2: width - right, y1: place(y(value)), y2: place(y(value)), class: "hr-grid" }),
      label(left - 7, y(value) + 3.5, "end", formatY(value))]),
    s("line", { x1: left, x2: width - right, y1: base + 0.5, y2: base + 0.5, class: "hr-axis" }),
    along.map((value) => label(Math.min(Math.max(x(value), left + 8), width - right - 4), base + 17, "middle", formatX(value))),
    xTitle && s("text", { class: "hr-axis-label", x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, xTitle),
  ].flat();
};
const tidy = (share) => number(share * 100, 2) + "%";
const frame = (width, height, big, more) => ({ width, height, ...(big ? { left: 52, right: 10, top: 10, bottom: 26 } : { left: 0, right: 0, top: 2, bottom: 1 }), ...more });

const histogramOf = (feature, width, height, big) => {
  const all = drawn(feature).map((one) => ({ ...one, bins: one.s.h || one.s.wt?.h ? bins(weighed(one.s, "h") || one.s.h) : [] }))
    .filter((one) => one.bins.some(([, , count]) => count > 0));
  if (!all.length) return nothing(width, height, "no values to draw");
  let low = Math.min(...all.map((one) => one.bins[0][0])), high = Math.max(...all.map((one) => one.bins[one.bins.length - 1][1]));
  const point = low === high;
  if (point) [low, high] = [low - 0.5, high + 0.5];
  // One value: its buckets, of no width, are one bar.
  if (point) all.forEach((one) => { one.bins = [[one.bins[0][0], one.bins[0][1], one.bins.reduce((sum, [, , count]) => sum + count, 0)]]; });
  const span = high - low, widths = all.flatMap((one) => one.bins.map(([a, b]) => b - a)).filter((one) => one > span / 1000);
  // The narrowest, so that no share is above one.
  const unit = widths.length ? Math.min(...widths) : span / 10;
  const even = widths.every((one) => Math.abs(one - unit) < unit * 1e-3);
  all.forEach((one) => {
    const total = state.share ? one.bins.reduce((sum, [, , count]) => sum + count, 0) : 1;
    one.tops = one.bins.map(([a, b, count]) => {
      const wide = b - a > span / 1000 ? b - a : point ? unit : span / 100;
      return (count / total) * (point ? 1 : unit / wide);
    });
  });
  const values = all.flatMap((one) => one.tops), top = Math.max(...values), bottom = state.log ? floorOf(values) : 0;
  const moments = feature.t === "TIMESTAMP", box = frame(width, height, big, big && !even ? { bottom: 42 } : {});
  const x = linear(low, high, box.left, width - box.right), base = height - box.bottom;
  const y = state.log ? logarithmic(bottom, top * 1.3, base, box.top) : linear(0, top * 1.04, base, box.top);
  const level = (value) => (value > 0 ? y(value) : base);
  const formatX = (value) => (moments ? day(value, span) : number(value));
  const parts = all.map((one, at) => {
    const edge = (a, b) => (b - a > span / 1000 ? [x(a), x(b)] : point ? [x(a - 0.1), x(a + 0.1)] : [x(a) - 1, x(a) + 1]);
    if (one.slot === 0 || (at === 0 && all.length === 1)) {
      return one.bins.map(([a, b, count], index) => {
        if (!(count > 0)) return null;
        const [from, to] = edge(a, b), gap = to - from > 4 ? 0.5 : 0, peak = level(one.tops[index]), tall = Math.max(base - peak, 1);
        return s("rect", { x: place(from + gap), y: place(base - tall), width: place(Math.max(to - from - 2 * gap, 0.8)), height: place(tall), class: `hr-s${one.slot} hr-area` },
          big && s("title", {}, `${formatX(a)} to ${formatX(b)}: ${number(count)}`));
      });
    }
    const points = [];
    one.bins.forEach(([a, b], index) => {
      const [from, to] = edge(a, b);
      points.push([from, level(one.tops[index])], [to, level(one.tops[index])]);
    });
    const outline = walk([[points[0][0], base], ...points, [points[points.length - 1][0], base]]);
    return s("path", { d: outline, class: `hr-s${one.slot} hr-step st-step` });
  });
  const title = even ? "" : `height: ${state.share ? "share" : "values"} per ${moments ? duration(unit) : number(unit, 3)}`;
  const formatY = (value) => (state.share ? tidy(value) : brief(value));
  return picture(width, height, `Histogram of ${feature.n}`,
    big ? axes(box, x, y, formatX, formatY, title) : s("line", { x1: 0, x2: width, y1: base + 0.5, y2: base + 0.5, class: "hr-axis" }), parts);
};

const quantilesOf = (s) => {
  if (state.weighted && s.wt?.qh) return bins(s.wt.qh).reduce((edges, [a, b]) => (edges.length ? [...edges, b] : [a, b]), []);
  if (s.q) return s.q;
  return s.qh ? (s.qh[0].length === 2 ? [s.qh[0][0], ...bins(s.qh).map((one) => one[1])] : s.qh[0]) : null;
};
const quantile = (points, share) => {
  const at = share * (points.length - 1), low = Math.floor(at), high = Math.min(low + 1, points.length - 1);
  return points[low] + (at - low) * (points[high] - points[low]);
};
// A strip a data set: from the least to the greatest value, a box over the middle half, ticks at the tenths.
const stripsOf = (feature, width, height, big) => {
  const all = drawn(feature).map((one) => ({ ...one, points: quantilesOf(one.s) })).filter((one) => one.points?.length > 1);
  if (!all.length) return histogramOf(feature, width, height, big);
  let low = Math.min(...all.map((one) => one.points[0])), high = Math.max(...all.map((one) => one.points[one.points.length - 1]));
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const box = frame(width, height, big, big ? { left: 12 } : { left: 2, right: 2, bottom: 2 });
  const x = linear(low, high, box.left, width - box.right), lane = (height - box.top - box.bottom) / all.length;
  const parts = all.map((one, at) => {
    const centre = box.top + lane * (at + 0.5), tall = Math.min(lane * 0.36, 16), spot = (share) => x(quantile(one.points, share));
    const tick = (share, reach) => s("line", { x1: place(spot(share)), x2: place(spot(share)), y1: place(centre - reach), y2: place(centre + reach), class: `hr-s${one.slot} st-quantile` });
    return [
      s("line", { x1: place(spot(0)), x2: place(spot(1)), y1: place(centre), y2: place(centre), class: `hr-s${one.slot} hr-line` }),
      s("rect", { x: place(spot(0.25)), width: place(Math.max(spot(0.75) - spot(0.25), 1)), y: place(centre - tall), height: place(2 * tall), class: `hr-s${one.slot} st-half` }),
      [0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 1].map((share) => tick(share, tall * 0.55)),
      s("line", { x1: place(spot(0.5)), x2: place(spot(0.5)), y1: place(centre - tall - 1), y2: place(centre + tall + 1), class: `hr-s${one.slot} st-median` }),
    ];
  });
  return picture(width, height, `Quantiles of ${feature.n}`, big && axes(box, x, null, number, null, ""), parts);
};

// Top values by rank; further data sets in the order of the first.
const ranksOf = (feature, width, height) => {
  const all = drawn(feature).map((one) => ({ ...one, top: weighed(one.s, "top") || [] })).filter((one) => one.top.length);
  if (!all.length) return nothing(width, height, "no values to draw");
  // In the order of the first; a frequent value that it lacks stands after its own.
  const common = all.slice(1).flatMap((one) => one.top.filter(([, count]) => count >= 0.01 * mass(one.s)).map((pair) => pair[0]));
  const labels = [...new Set([...all[0].top.slice(0, 24).map((one) => one[0]), ...common])].slice(0, 30), least = Math.max(labels.length, 4);
  all.forEach((one) => {
    const counts = new Map(one.top), total = state.share ? mass(one.s) || 1 : 1;
    one.tops = labels.map((name) => (counts.get(name) || 0) / total);
  });
  const values = all.flatMap((one) => one.tops), top = Math.max(...values), base = height - 1;
  if (!(top > 0)) return nothing(width, height, "no values to draw");
  const y = state.log ? logarithmic(floorOf(values), top * 1.1, base, 2) : linear(0, top, base, 2);
  const level = (value) => (value > 0 ? Math.min(y(value), base - 1) : base), step = Math.min(width / least, 22);
  return picture(width, height, `Most frequent values of ${feature.n}`,
    s("line", { x1: 0, x2: width, y1: base + 0.5, y2: base + 0.5, class: "hr-axis" }),
    all.map((one, index) => {
      if (index === 0) {
        return one.tops.map((value, at) => value > 0 && s("rect", { x: place(at * step + 0.5), width: place(Math.max(step - 1, 0.8)), y: place(level(value)), height: place(base - level(value)), class: `hr-s${one.slot} hr-area` }));
      }
      const points = one.tops.flatMap((value, at) => [[at * step, level(value)], [(at + 1) * step, level(value)]]);
      return s("path", { d: walk([[0, base], ...points, [labels.length * step, base]]), class: `hr-s${one.slot} hr-step st-step` });
    }));
};
const sparkOf = (feature, width, height) => {
  if (isScale(feature)) return (state.quantiles && feature.t !== "TIMESTAMP" ? stripsOf : histogramOf)(feature, width, height, false);
  return ranksOf(feature, width, height);
};

const curves = (feature, all, width, height, options) => {
  const points = all.flatMap((one) => one.points);
  if (!points.length) return nothing(width, height, "no values to draw");
  const box = frame(width, height, true, { bottom: options.title ? 42 : 26 });
  const xs = points.map((one) => one[0]), ys = points.map((one) => one[1]);
  let low = Math.min(...xs), high = Math.max(...xs);
  if (low === high) [low, high] = options.logX ? [low, low * 2] : [low - 0.5, high + 0.5];
  const x = (options.logX ? logarithmic : linear)(low, high, box.left, width - box.right);
  const y = options.logY ? logarithmic(floorOf(ys) * 1.5, Math.max(...ys) * 1.2, height - box.bottom, box.top)
    : linear(0, options.top || Math.max(...ys) * 1.04, height - box.bottom, box.top);
  return picture(width, height, `${options.name} of ${feature.n}`, axes(box, x, y, options.formatX || number, options.formatY, options.title),
    all.map((one) => s("path", { d: walk(one.points.map(([a, b]) => [x(a), y(b)])), class: `hr-s${one.slot} hr-line` })));
};
const cumulativeOf = (feature, width, height) => {
  const all = drawn(feature).map((one) => {
    const points = quantilesOf(one.s);
    if (points?.length > 1) return { ...one, points: points.map((value, at) => [value, at / (points.length - 1)]) };
    let sum = 0;
    const [total, pairs] = [(one.s.h ? one.s.h[1] : []).reduce((a, b) => a + b, 0), one.s.h ? bins(one.s.h) : []];
    return { ...one, points: pairs.length ? [[pairs[0][0], 0], ...pairs.map(([, b, count]) => { sum += count; return [b, sum / total]; })] : [] };
  });
  const moments = feature.t === "TIMESTAMP";
  return curves(feature, all, width, height, { name: "Cumulative distribution", top: 1, formatX: moments ? (value) => day(value, 1e9) : number, formatY: (value) => percent(value, 0) });
};
const rankCurve = (feature, width, height, cumulative) => {
  const all = drawn(feature).map((one) => {
    const top = weighed(one.s, "top") || [], total = mass(one.s) || 1, points = [];
    let sum = 0;
    const add = (rank, count, many) => {
      sum += count * many;
      points.push([rank, cumulative ? sum / total : state.share ? count / total : count]);
    };
    top.forEach((pair, at) => pair[1] > 0 && add(at + 1, pair[1], 1));
    (weighed(one.s, "r") || []).forEach(([a, b, count]) => add(b + 1, count / (b - a + 1), b - a + 1));
    return { ...one, points };
  });
  const most = Math.max(1, ...all.flatMap((one) => one.points.map((point) => point[0])));
  return curves(feature, all, width, height, {
    name: cumulative ? "Cumulative shares" : "Frequencies by rank", logX: most > 40, logY: !cumulative && state.log, top: cumulative ? 1 : 0, title: "rank, the most frequent first",
    formatY: (value) => (cumulative ? percent(value, 0) : state.share ? tidy(value) : brief(value)),
  });
};
// Horizontal bars with words, for reading.
const barsOf = (feature, most) => {
  const all = drawn(feature).map((one) => ({ ...one, top: new Map(weighed(one.s, "top") || []), total: mass(one.s) || 1 })).filter((one) => one.top.size);
  const labels = [...new Set(all.flatMap((one) => [...one.top.keys()].slice(0, most)))];
  if (!labels.length) return h("p", { class: "hr-muted" }, "No values to draw.");
  const best = (name) => Math.max(...all.map((one) => (one.top.get(name) || 0) / one.total));
  if (all.length > 1) labels.sort((a, b) => best(b) - best(a));
  const cut = labels.slice(0, most);
  const size = (one, name) => (one.top.get(name) || 0) / (state.share ? one.total : 1);
  const values = cut.flatMap((name) => all.map((one) => size(one, name))), high = Math.max(...values), low = state.log ? floorOf(values) : 0;
  const wide = (value) => (!(value > 0) ? 0 : state.log ? Math.log(value / low) / Math.log(high / low || 2) : value / high);
  const rest = labels.length - cut.length;
  return h("div", { class: "st-bars", role: "list" }, cut.map((name) => h("div", { class: "st-bar", role: "listitem" },
    h("div", { class: "st-bar-name" }, text(name)),
    h("div", { class: "st-bar-lines" }, all.map((one) => {
      const count = one.top.get(name), share = (count || 0) / one.total;
      // A value that is not among the listed ones is not known to be absent.
      const words = count === undefined ? (one.s.full ? "0" : "not listed") : state.share ? percent(share) : number(count);
      return h("div", { class: "st-bar-line", title: count === undefined ? null : `${SETS[one.set].name}: ${number(count)} (${percent(share)})` },
        h("div", { class: "st-bar-room" }, h("div", { class: `st-bar-fill st-fill${one.slot} hr-s${one.slot}`, css: { width: `${(wide(size(one, name)) * 100).toFixed(1)}%` } })),
        h("span", { class: count === undefined ? "hr-muted" : null }, words));
    }))),
  ), rest > 0 && h("p", { class: "hr-muted" }, `${plural(rest, "further value")} not drawn.`));
};
