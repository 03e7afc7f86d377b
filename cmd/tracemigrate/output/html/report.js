"use strict";
// The table of proxies, the copy buttons, and what printing needs. All text of
// the report goes into the page by textContent, never as markup.
(() => {
  const pageSize = 50;
  const mostPrinted = 500;
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const word = (n) => data.words[n];
  const count = data.name.length;
  const madeUp = new Set(data.madeUp);
  const number = (n) => n.toLocaleString("en");

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }
  function announce(text) {
    byId("announcement").textContent = text;
  }
  for (const element of document.querySelectorAll(".js")) element.hidden = false;

  // Copying. A page opened as a file may not have the clipboard API, so there is a
  // second way.
  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const field = make("textarea", "sr");
      field.value = text;
      field.readOnly = true;
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      return done;
    }
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const sources = "copyAll" in button.dataset ? document.querySelectorAll("pre.yaml") : [byId(button.dataset.copy)];
    const done = await copy([...sources].map((source) => source.textContent).join("---\n"));
    button.focus();
    const label = (button.dataset.label ||= button.textContent);
    button.textContent = done ? "Copied" : "Not copied";
    announce(done ? "Copied" : "Copying is not possible here; select the text and copy it");
    clearTimeout(button.timer);
    button.timer = setTimeout(() => (button.textContent = label), 2000);
  });

  // Printing shows what is folded.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open])")];
    for (const element of opened) element.open = true;
  });
  addEventListener("afterprint", () => {
    for (const element of opened) element.open = false;
  });

  if (count === 0) return;

  // Filtering. Each text is searched once in every word; rows then look up their words.
  const fields = { text: byId("f-text"), verdict: byId("f-verdict"), mesh: byId("f-mesh"), zone: byId("f-zone"), kind: byId("f-kind") };
  const lower = data.words.map((w) => w.toLowerCase());
  const lowerName = data.name.map((n) => n.toLowerCase());
  const fullName = (i) => word(data.mesh[i]) + "/" + data.name[i];
  let matching = [];
  let page = 0;

  for (const column of ["verdict", "mesh", "zone", "kind"]) {
    const values = [...new Set(data[column])].map(word).filter((w) => w !== "");
    if (column !== "verdict") values.sort();
    for (const value of values) {
      const option = make("option", "", value);
      option.value = value;
      fields[column].append(option);
    }
    fields[column].closest("label").hidden = column !== "verdict" && values.length < 2;
  }

  function containing(text) {
    const inWord = lower.map((w) => w.includes(text));
    const inSet = data.sets.map((set) => set.some((row) => row.some((n) => inWord[n])));
    return (i) =>
      lowerName[i].includes(text) || inWord[data.mesh[i]] || inWord[data.zone[i]] || inWord[data.kind[i]] || inWord[data.before[i]] ||
      inWord[data.after[i]] || inWord[data.target[i]] || inSet[data.differences[i]] || (lower[data.mesh[i]] + "/" + lowerName[i]).includes(text);
  }
  function tests() {
    const list = [];
    for (const column of ["verdict", "mesh", "zone", "kind"]) {
      const value = fields[column].value;
      if (value === "!same") list.push((i) => word(data[column][i]) !== "same");
      else if (value !== "") list.push((i) => word(data[column][i]) === value);
    }
    for (const text of fields.text.value.toLowerCase().split(/\s+/)) if (text !== "") list.push(containing(text));
    return list;
  }
  function filter() {
    const all = tests();
    matching = [];
    for (let i = 0; i < count; i++) if (all.every((test) => test(i))) matching.push(i);
    page = 0;
    render();
  }

  // Rows.
  function cell(label, className) {
    const td = make("td", className);
    td.setAttribute("role", "cell");
    td.dataset.label = label;
    return td;
  }
  function textCell(label, text, className) {
    const td = cell(label, className);
    td.textContent = text;
    return td;
  }
  function row(i) {
    const tr = make("tr", "proxy");
    tr.setAttribute("role", "row");
    tr.dataset.proxy = i;
    const name = cell("Proxy", "proxy-name");
    const button = make("button", "expand");
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.append(make("span", "chevron"), make("span", "", data.name[i]));
    name.append(button);
    const sub = [`mesh ${word(data.mesh[i])}`, word(data.kind[i])];
    if (madeUp.has(i)) sub.push("made up");
    name.append(make("span", "sub", sub.join(", ")));
    const verdict = cell("Verdict");
    verdict.append(make("span", "tag " + word(data.verdict[i]), word(data.verdict[i])));
    tr.append(name, verdict, textCell("Zone", word(data.zone[i]) || "\u2013"), textCell("Today", word(data.before[i])),
      textCell("After", word(data.after[i])), textCell("Collector", word(data.target[i]), "mono"));
    return tr;
  }
  function render() {
    const pages = Math.max(1, Math.ceil(matching.length / pageSize));
    page = Math.min(Math.max(page, 0), pages - 1);
    show(matching.slice(page * pageSize, (page + 1) * pageSize));
    byId("shown").textContent = matching.length === count ? `All ${number(count)} proxies` : `${number(matching.length)} of ${number(count)} proxies`;
    byId("page").textContent = `Page ${number(page + 1)} of ${number(pages)}`;
    byId("previous").disabled = page === 0;
    byId("next").disabled = page === pages - 1;
    byId("pager").hidden = pages === 1;
  }
  function show(proxies) {
    const rows = byId("rows");
    rows.replaceChildren(...proxies.map(row));
    if (proxies.length > 0) return;
    const tr = make("tr");
    const td = make("td", "empty", "No proxy matches.");
    td.colSpan = 6;
    tr.append(td);
    rows.append(tr);
  }

  // Details of a proxy, made when they are asked for.
  function details(i) {
    const box = make("div", "detail-box");
    const facts = make("dl", "pairs");
    const fact = (label, text) => {
      const div = make("div");
      div.append(make("dt", "", label), make("dd", "", text));
      facts.append(div);
    };
    fact("Decided today by", word(data.before[i]));
    fact("Decided after by", word(data.after[i]));
    fact("Collector today", word(data.target[i]));
    fact("Compared for", "Kuma " + word(data.version[i]));
    box.append(facts);
    if (madeUp.has(i)) box.append(make("p", "quiet", "This proxy is made up: it represents proxies with these tags, because no Dataplane of its mesh is known."));
    const set = data.sets[data.differences[i]];
    if (word(data.verdict[i]) === "same") {
      box.append(make("p", "quiet", "Its tracing configuration in Envoy is the same before and after."));
      if (set.length === 0) return box;
    }
    box.append(make("h4", "", set.length === 1 ? "1 difference" : `${set.length} differences`), differences(set));
    const envoy = data.envoy[i];
    if (envoy) box.append(...diffs(envoy));
    return box;
  }
  function differences(set) {
    const list = make("ul", "differences");
    for (const [code, path, before, after] of set) {
      const item = make("li");
      const change = make("span", "change");
      change.append(make("del", "", word(before)), " \u2192 ", make("ins", "", word(after)));
      item.append(make("code", "code-name", word(code)), make("span", "mono path", word(path)), change);
      list.append(item);
    }
    return list;
  }
  function diffs(envoy) {
    const out = [make("h4", "", "Envoy configuration")];
    for (const diff of envoy.diffs || []) {
      let names = diff.listeners.join(", ");
      if (diff.more) names += ` and ${number(diff.more)} more listeners`;
      const pre = make("pre", "diff");
      pre.tabIndex = 0;
      pre.setAttribute("aria-label", "Envoy diff of " + names);
      for (const line of [`--- ${diff.listeners[0]} before`, `+++ ${diff.listeners[0]} after`, ...data.bodies[diff.body].split("\n")]) {
        const kind = line.startsWith("+++") || line.startsWith("---") ? "file" : { "+": "add", "-": "del", "@": "hunk" }[line[0]];
        pre.append(make("span", kind, line + "\n"));
      }
      out.push(make("p", "listener", names), pre);
    }
    const rest = [];
    if (envoy.equal) rest.push(`${number(envoy.equal)} ${envoy.equal === 1 ? "listener is" : "listeners are"} the same before and after.`);
    if (envoy.more) rest.push(`${number(envoy.more)} ${envoy.diffs ? "more " : ""}${envoy.more === 1 ? "listener is" : "listeners are"} omitted to keep this page small.`);
    if (envoy.omitted) rest.push("The diff is omitted to keep this page small; tracemigrate diff prints it.");
    else if (!envoy.diffs && !envoy.equal && !envoy.more) rest.push("There is no configuration to compare.");
    if (rest.length > 0) out.push(make("p", "quiet", rest.join(" ")));
    return out;
  }
  function toggle(tr, open) {
    const i = Number(tr.dataset.proxy);
    const button = tr.querySelector("button.expand");
    const isOpen = button.getAttribute("aria-expanded") === "true";
    if (open === isOpen) return;
    button.setAttribute("aria-expanded", String(open));
    tr.classList.toggle("open", open);
    if (!open) {
      button.removeAttribute("aria-controls");
      tr.nextElementSibling.remove();
      return;
    }
    const detail = make("tr", "detail");
    detail.id = "proxy-" + i;
    detail.setAttribute("role", "row");
    const td = cell("");
    td.colSpan = 6;
    td.append(details(i));
    detail.append(td);
    tr.after(detail);
    button.setAttribute("aria-controls", detail.id);
  }
  function remember(hash) {
    try {
      history.replaceState(null, "", hash || location.pathname + location.search);
    } catch {
      // Some browsers forbid this to files; then there is no link to the proxy.
    }
  }
  byId("rows").addEventListener("click", (event) => {
    const tr = event.target.closest("tr.proxy");
    if (!tr || (getSelection() && !getSelection().isCollapsed && !event.target.closest("button"))) return;
    const open = !tr.classList.contains("open");
    toggle(tr, open);
    remember(open ? "#proxy=" + encodeURIComponent(fullName(Number(tr.dataset.proxy))) : "");
  });

  // The address may name a proxy or a verdict.
  function reset() {
    for (const field of Object.values(fields)) field.value = "";
  }
  function follow() {
    const match = /^#(proxy|verdict)=(.*)$/.exec(location.hash);
    if (!match) return false;
    let wanted;
    try {
      wanted = decodeURIComponent(match[2]);
    } catch {
      return false;
    }
    reset();
    if (match[1] === "verdict") {
      fields.verdict.value = wanted;
      if (fields.verdict.selectedIndex < 0) fields.verdict.value = "";
      filter();
      byId("proxies").scrollIntoView();
      return true;
    }
    filter();
    const at = matching.findIndex((i) => fullName(i) === wanted);
    if (at < 0) return true;
    page = Math.floor(at / pageSize);
    render();
    const tr = byId("rows").querySelector(`tr[data-proxy="${matching[at]}"]`);
    toggle(tr, true);
    tr.scrollIntoView();
    return true;
  }

  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("input", () => {
    remember("");
    filter();
  });
  byId("f-reset").addEventListener("click", () => {
    reset();
    remember("");
    filter();
    fields.text.focus();
  });
  function turn(by) {
    page += by;
    render();
    byId("results").scrollIntoView({ block: "start" });
  }
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  addEventListener("hashchange", follow);

  // Paper has no filter: print the filtered proxies, or else those that are not the same.
  let screenRows = null;
  addEventListener("beforeprint", () => {
    if (screenRows) return;
    screenRows = [...byId("rows").childNodes];
    let which = "those that match the filter";
    let chosen = matching;
    if (matching.length === count && count > pageSize) {
      chosen = matching.filter((i) => word(data.verdict[i]) !== "same");
      which = "those that are not the same";
      if (chosen.length === 0) {
        chosen = matching.slice(0, pageSize);
        which = "the first ones; all are the same before and after";
      }
    }
    const printed = chosen.slice(0, mostPrinted);
    const open = new Set([...byId("rows").querySelectorAll("tr.open")].map((tr) => Number(tr.dataset.proxy)));
    show(printed);
    for (const tr of [...byId("rows").querySelectorAll("tr.proxy")]) if (open.has(Number(tr.dataset.proxy))) toggle(tr, true);
    const cut = printed.length < chosen.length ? ` (${number(printed.length)} of ${number(chosen.length)})` : "";
    byId("printed").textContent = chosen.length === count ? "" : `This print has ${number(printed.length)} of ${number(count)} proxies: ${which}${cut}. The page itself has all.`;
  });
  addEventListener("afterprint", () => {
    if (screenRows) byId("rows").replaceChildren(...screenRows);
    screenRows = null;
  });

  document.querySelector("table.proxies").classList.toggle("no-zone", data.zone.every((n) => word(n) === ""));
  if (!follow()) filter();
})();
