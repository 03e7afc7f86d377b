"use strict";
// Tables with a search, filters, an order and pages. The address contains what is
// chosen, so that a link shows the same rows. All text goes into the page by
// textContent, never as markup.
const byId = (id) => document.getElementById(id);
const number = (n) => n.toLocaleString("en");

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}
function cell(label, className, text) {
  const td = make("td", className);
  if (text !== undefined) withBreaks(td, text);
  td.setAttribute("role", "cell");
  td.dataset.label = label;
  return td;
}
// withBreaks adds text to an element, and lets a long word break after its separators.
function withBreaks(element, text) {
  const parts = text.replace(/\S{24,}/g, (word) => word.replace(/[._\/:=]+(?=.)/g, "$&\n")).split("\n");
  parts.forEach((part, i) => element.append(...(i > 0 ? [make("wbr")] : []), part));
  return element;
}
function tableRow(className) {
  const tr = make("tr", className);
  tr.setAttribute("role", "row");
  return tr;
}

// spec has: count, unit and units; pageSize; prefix of its keys in the address;
// facets: value of a row by filter; sorts: by column {label, value, up, down, first};
// order: the column that rows are sorted by at first; matches(text): a test of rows;
// row(i): a row; open: set of the open rows, or nothing.
class Table {
  constructor(id, spec) {
    Object.assign(this, spec);
    this.id = id;
    this.page = 0;
    this.matching = [];
    this.orders = new Map();
    this.columns = this.part("head").childElementCount;
    this.fields = { text: this.part("text") };
    for (const [name, value] of Object.entries(this.facets)) this.addFacet(name, value);
    this.addSorts();
    this.part("filters").addEventListener("submit", (event) => event.preventDefault());
    this.part("filters").addEventListener("input", () => this.filter());
    this.part("reset").addEventListener("click", () => {
      this.restore(new URLSearchParams());
      address.write();
      this.fields.text.focus();
    });
    this.part("previous").addEventListener("click", () => this.turn(-1));
    this.part("next").addEventListener("click", () => this.turn(1));
  }
  part(name) {
    return byId(`${this.id}-${name}`);
  }
  addFacet(name, value) {
    const field = (this.fields[name] = this.part(name));
    const seen = new Set();
    for (let i = 0; i < this.count; i++) seen.add(value(i));
    seen.delete("");
    const values = [...seen];
    if (name !== "verdict") values.sort();
    for (const text of values) field.append(this.option(text, text));
    field.closest("label").hidden = name !== "verdict" && values.length < 2;
  }
  option(value, text) {
    const option = make("option", "", text);
    option.value = value;
    return option;
  }
  addSorts() {
    const field = (this.fields.sort = this.part("sort"));
    if (this.order === "") field.append(this.option("", "Order of the source"));
    for (const [key, sort] of Object.entries(this.sorts)) {
      for (const [value, way] of [[key, sort.up], ["-" + key, sort.down]]) {
        const option = this.option(value, `${sort.label}, ${way}`);
        if (value === this.order) field.prepend(option);
        else field.append(option);
      }
    }
    field.selectedIndex = 0;
    for (const th of this.part("head").children) {
      const button = make("button", "sort");
      button.type = "button";
      button.append(make("span", "", th.textContent), make("span", "arrow"));
      th.replaceChildren(button);
      button.addEventListener("click", () => {
        const key = th.dataset.sort;
        const [first, second] = this.sorts[key].first === "down" ? ["-" + key, key] : [key, "-" + key];
        field.value = field.value === first ? second : first;
        this.filter();
      });
    }
  }
  // sorted returns all rows in the chosen order. Equal rows keep the order of the data.
  sorted() {
    const chosen = this.fields.sort.value;
    if (!this.orders.has(chosen)) {
      const rows = Array.from({ length: this.count }, (_, i) => i);
      const sort = this.sorts[chosen.replace(/^-/, "")];
      if (sort && chosen !== this.order) {
        const values = rows.map(sort.value);
        const sign = chosen.startsWith("-") ? -1 : 1;
        rows.sort((a, b) => (values[a] < values[b] ? -sign : values[a] > values[b] ? sign : a - b));
      }
      this.orders.set(chosen, rows);
    }
    return this.orders.get(chosen);
  }
  tests() {
    const list = [];
    for (const [name, value] of Object.entries(this.facets)) {
      const wanted = this.fields[name].value;
      if (wanted === "!same") list.push((i) => value(i) !== "same");
      else if (wanted !== "") list.push((i) => value(i) === wanted);
    }
    for (const text of this.fields.text.value.toLowerCase().split(/\s+/)) if (text !== "") list.push(this.matches(text));
    return list;
  }
  find() {
    const all = this.tests();
    this.matching = this.sorted().filter((i) => all.every((test) => test(i)));
    this.page = 0;
  }
  filter() {
    this.find();
    this.render();
    address.write();
  }
  turn(by) {
    this.page += by;
    this.render();
    this.part("results").scrollIntoView({ block: "start" });
    address.write();
  }
  get pages() {
    return Math.max(1, Math.ceil(this.matching.length / this.pageSize));
  }
  render() {
    this.page = Math.min(Math.max(this.page, 0), this.pages - 1);
    this.show(this.matching.slice(this.page * this.pageSize, (this.page + 1) * this.pageSize));
    const all = `${number(this.count)} ${this.count === 1 ? this.unit : this.units}`;
    this.part("shown").textContent = this.matching.length < this.count ? `${number(this.matching.length)} of ${all}` : this.count === 1 ? all : `All ${all}`;
    this.part("page").textContent = `Page ${number(this.page + 1)} of ${number(this.pages)}`;
    this.part("previous").disabled = this.page === 0;
    this.part("next").disabled = this.page === this.pages - 1;
    this.part("pager").hidden = this.pages === 1;
    const sort = this.fields.sort.value;
    for (const th of this.part("head").children) {
      if (sort.replace(/^-/, "") === th.dataset.sort) th.setAttribute("aria-sort", sort.startsWith("-") ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
  }
  show(rows) {
    const body = this.part("rows");
    body.replaceChildren(...rows.flatMap((i) => this.row(i)));
    if (rows.length > 0) return;
    const tr = tableRow();
    const td = cell("", "empty", `No ${this.unit} matches.`);
    td.colSpan = this.columns;
    tr.append(td);
    body.append(tr);
  }

  // The state in the address.
  key(name) {
    return this.prefix + (name === "text" ? "q" : name);
  }
  names() {
    return [...Object.keys(this.fields), "page", ...(this.open ? ["proxy"] : [])];
  }
  isIn(params) {
    return this.names().some((name) => params.has(this.key(name)));
  }
  save(params) {
    for (const [name, field] of Object.entries(this.fields)) {
      const chosen = field.value.trim();
      if (chosen !== "" && !(name === "sort" && chosen === this.order)) params.set(this.key(name), chosen);
    }
    const open = this.open ? [...this.open].slice(0, 20) : [];
    if (this.page > 0 || open.length > 0) params.set(this.key("page"), this.page + 1);
    for (const i of open) params.append(this.key("proxy"), this.fullName(i));
  }
  restore(params) {
    for (const [name, field] of Object.entries(this.fields)) {
      field.value = params.get(this.key(name)) ?? "";
      if (field.selectedIndex < 0) field.selectedIndex = 0;
    }
    if (this.fields.sort.selectedIndex < 0 || this.fields.sort.value === "") this.fields.sort.selectedIndex = 0;
    this.find();
    this.page = (Number.parseInt(params.get(this.key("page")), 10) || 1) - 1;
    if (this.open) this.restoreOpen(params);
    this.render();
  }
  restoreOpen(params) {
    this.open.clear();
    const wanted = new Set(params.getAll(this.key("proxy")));
    if (wanted.size === 0) return;
    for (let i = 0; i < this.count; i++) if (wanted.has(this.fullName(i))) this.open.add(i);
    const at = this.matching.findIndex((i) => this.open.has(i));
    if (at >= 0 && !params.has(this.key("page"))) this.page = Math.floor(at / this.pageSize);
  }
}

// The address: the section to show, then what each table has chosen.
const address = {
  tables: [],
  section: "",
  seen: "", // the address that was last followed or written
  timer: 0,
  read() {
    const text = location.hash.slice(1);
    const section = /^[a-z-]*/.exec(text)[0];
    const rest = text.slice(section.length);
    return rest === "" || rest.startsWith("&") ? [section, new URLSearchParams(rest.slice(1))] : ["", new URLSearchParams(text)];
  },
  // write waits, because browsers limit how often an address changes.
  write() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), 120);
  },
  flush() {
    clearTimeout(this.timer);
    if (location.hash !== this.seen) return; // a link was clicked, and hashchange is on its way
    const params = new URLSearchParams();
    for (const table of this.tables) table.save(params);
    const parts = [this.section, params.toString().replaceAll("%2F", "/")].filter((part) => part !== "");
    const hash = parts.length > 0 ? "#" + parts.join("&") : "";
    if (hash === location.hash) return;
    try {
      history.replaceState(null, "", hash || location.pathname + location.search);
    } catch {
      location.replace(hash || "#"); // some browsers forbid the first to files
    }
    this.seen = location.hash;
  },
  // follow shows what the address names, and keeps the state of other tables.
  follow(start) {
    this.seen = location.hash;
    const [section, params] = this.read();
    this.section = byId(section) ? section : "";
    let target = this.section === "" ? null : byId(section);
    for (const table of this.tables) {
      const named = table.isIn(params);
      if (named || start) table.restore(params);
      if (named && !target) target = table.part("rows").querySelector("tr.open") ?? table.part("filters").closest("section");
    }
    if (target && (this.section !== "" ? params.size > 0 : true)) target.scrollIntoView();
    if (!start || params.size > 0) this.write();
  },
};
