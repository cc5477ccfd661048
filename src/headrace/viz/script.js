(() => {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)");
  const toggle = document.querySelector(".hr-toggle");
  if (toggle) {
    toggle.hidden = false;
    try { const kept = localStorage.getItem("headrace-theme"); if (kept) root.dataset.theme = kept; } catch (_) {}
    toggle.addEventListener("click", () => {
      root.dataset.theme = (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark" ? "light" : "dark";
      try { localStorage.setItem("headrace-theme", root.dataset.theme); } catch (_) {}
    });
  }
  const key = (row, at) => {
    const cell = row.cells[at], given = cell ? cell.getAttribute("data-sort") : "";
    const text = given === null ? cell.textContent.trim() : given;
    return { text, number: text === "" ? NaN : Number(text) };
  };
  document.querySelectorAll("table.hr-sortable:not([data-ready])").forEach((table) => {
    table.dataset.ready = "";
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, at) => head.querySelector("button")?.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up > 0 ? "ascending" : "descending");
      const body = table.tBodies[0];
      const rows = [...body.rows].map((row, order) => ({ row, order, ...key(row, at) }));
      rows.sort((a, b) => {
        if ((a.text === "") !== (b.text === "")) return a.text === "" ? 1 : -1;
        const apart = Number.isNaN(a.number) || Number.isNaN(b.number)
          ? a.text.localeCompare(b.text, "en", { numeric: true }) : a.number - b.number;
        return up * apart || a.order - b.order;
      });
      body.append(...rows.map(({ row }) => row));
    }));
  });
  document.querySelectorAll("input.hr-filter:not([data-ready])").forEach((field) => {
    const rows = [...(field.parentElement.querySelector("tbody")?.rows ?? [])];
    field.dataset.ready = "";
    field.hidden = false;
    field.addEventListener("input", () => {
      const wanted = field.value.toLowerCase();
      rows.forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(wanted); });
    });
  });
  const links = new Map([...document.querySelectorAll(".hr-nav a")].map((a) => [a.getAttribute("href").slice(1), a]));
  if (links.size && "IntersectionObserver" in window) {
    const seen = new Set();
    const watch = new IntersectionObserver((entries) => {
      entries.forEach((entry) => seen[entry.isIntersecting ? "add" : "delete"](entry.target.id));
      const here = [...links.keys()].find((id) => seen.has(id));
      if (here) links.forEach((a, id) => a.classList.toggle("hr-here", id === here));
    }, { rootMargin: "-10% 0px -60% 0px" });
    links.forEach((_, id) => { const part = document.getElementById(id); if (part) watch.observe(part); });
  }
})();
