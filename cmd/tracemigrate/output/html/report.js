// The tables of proxies and of TrafficTraces, the copy buttons, and what printing needs.
(() => {
  const mostPrinted = 500;
  const data = JSON.parse(byId("data").textContent);
  const word = (n) => data.words[n];
  const count = data.name.length;
  const madeUp = new Set(data.madeUp);

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

  // Searching. Each text is searched once in every word; rows then look up their words.
  const lower = data.words.map((w) => w.toLowerCase());
  const lowerName = data.name.map((n) => n.toLowerCase());
  const column = (table, name) => (i) => word(table[name][i]);
  const lowerColumn = (table, name) => (i) => lower[table[name][i]];
  const az = { up: "A to Z", down: "Z to A" };
  const text = (label, value) => ({ label, value, ...az });

  function matchesProxy(part) {
    const inWord = lower.map((w) => w.includes(part));
    const inSet = data.sets.map((set) => set.some((row) => row.some((n) => inWord[n])));
    const columns = [data.mesh, data.zone, data.kind, data.before, data.after, data.target, data.moved];
    return (i) =>
      lowerName[i].includes(part) || columns.some((c) => inWord[c[i]]) || inSet[data.differences[i]] ||
      (lower[data.mesh[i]] + "/" + lowerName[i]).includes(part);
  }
  const ranks = ["error", "different", "unknown", "accepted", "inherent", "same"];
  const collectors = (i) => word(data.target[i]) + (data.target[i] === data.moved[i] ? "" : ` \u2192 ${word(data.moved[i])}`);

  const proxies = count > 0 && new Table("p", {
    count, unit: "proxy", units: "proxies", prefix: "", pageSize: 20, order: "verdict", open: new Set(),
    fullName: (i) => word(data.mesh[i]) + "/" + data.name[i],
    matches: matchesProxy,
    facets: Object.fromEntries(["verdict", "cause", "mesh", "zone", "kind"].map((name) => [name, column(data, name)])),
    sorts: {
      verdict: { label: "Verdict", value: (i) => ranks.indexOf(word(data.verdict[i])), up: "worst first", down: "best first" },
      name: text("Proxy", (i) => lowerName[i]),
      zone: text("Zone", lowerColumn(data, "zone")),
      before: text("Today", lowerColumn(data, "before")),
      after: text("After", lowerColumn(data, "after")),
      target: text("Collector", collectors),
    },
    row: proxyRow,
  });
  const traces = data.traces;
  const selectors = traces.name.length > 0 && new Table("t", {
    count: traces.name.length, unit: "selector", units: "selectors", prefix: "trace-", pageSize: 12, order: "",
    matches: (part) => {
      const inWord = lower.map((w) => w.includes(part));
      const columns = [traces.name, traces.mesh, traces.tags, traces.backend, traces.becomes, traces.reason];
      return (i) => columns.some((c) => inWord[c[i]]) || `${lower[traces.mesh[i]]}/${lower[traces.name[i]]}`.includes(part);
    },
    facets: { mesh: column(traces, "mesh"), backend: column(traces, "backend") },
    sorts: {
      name: text("TrafficTrace", lowerColumn(traces, "name")),
      tags: text("Selector", lowerColumn(traces, "tags")),
      backend: text("Backend", lowerColumn(traces, "backend")),
      proxies: { label: "Proxies", value: (i) => traces.proxies[i], up: "fewest first", down: "most first", first: "down" },
      becomes: text("Becomes", lowerColumn(traces, "becomes")),
    },
    row: selectorRow,
  });

  // Rows.
  function proxyRow(i) {
    const tr = tableRow("proxy");
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
    tr.append(name, verdict, cell("Zone", "", word(data.zone[i]) || "\u2013"), cell("Today", "", word(data.before[i])),
      cell("After", "", word(data.after[i])), cell("Collector", "mono", collectors(i)));
    return proxies.open.has(i) ? [tr, openRow(tr)] : [tr];
  }
  function subText(text) {
    return make("span", "sub", text);
  }
  function selectorRow(i) {
    const tr = tableRow();
    const value = (name) => word(traces[name][i]);
    const none = () => make("span", "none", "none");
    const name = cell("TrafficTrace");
    name.append(make("strong", "", value("name")), subText("mesh " + value("mesh")));
    const tags = cell("Selector");
    if (traces.number[i] === 0) tags.append(none());
    else tags.append(withBreaks(make("code"), value("tags")), subText("selector " + traces.number[i]));
    const backend = cell("Backend");
    backend.append(value("backend") || none());
    const becomes = cell("Becomes");
    becomes.append(value("becomes") || none());
    if (value("reason")) becomes.append(subText(value("reason")));
    tr.append(name, tags, backend, cell("Proxies", "n", number(traces.proxies[i])), becomes);
    return [tr];
  }

  const lost = new Set(["tracing-lost", "traffictrace-removed"]);

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
    fact("Collector after", word(data.moved[i]));
    fact("Compared for", "Kuma " + word(data.version[i]));
    box.append(facts);
    if (madeUp.has(i)) box.append(make("p", "quiet", "This proxy is made up: it represents proxies with these tags, because no Dataplane of its mesh is known."));
    const set = data.sets[data.differences[i]];
    if (word(data.verdict[i]) === "same") {
      box.append(make("p", "quiet", "Its tracing configuration in Envoy is the same before and after."));
      if (set.length === 0) return box;
    }
    box.append(make("h3", "minor", set.length === 1 ? "1 difference" : `${set.length} differences`), differences(set));
    const envoy = data.envoy[i];
    if (envoy) box.append(...diffs(envoy));
    return box;
  }
  function differences(set) {
    const list = make("ul", "differences");
    for (const [code, path, before, after] of set) {
      const item = make("li");
      item.append(make("code", "code-name", word(code)), make("span", "mono path", word(path)));
      if (word(code) === "invalid-backend") {
        item.append(make("span", "tag error", "error"), make("span", "", word(before)));
      } else {
        const change = make("span", "change");
        change.append(make("del", "", word(before)), " \u2192 ", make("ins", lost.has(word(code)) ? "lost" : "", word(after)));
        item.append(change);
      }
      list.append(item);
    }
    return list;
  }
  function diffs(envoy) {
    const out = [make("h3", "minor", "Envoy configuration")];
    for (const diff of envoy.diffs || []) {
      let names = diff.listeners.join(", ");
      if (diff.more) names += ` and ${number(diff.more)} more listeners`;
      const pre = make("pre", "diff");
      pre.tabIndex = 0;
      pre.setAttribute("role", "region");
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
  function openRow(tr) {
    const button = tr.querySelector("button.expand");
    const detail = tableRow("detail");
    detail.id = "proxy-" + tr.dataset.proxy;
    const td = cell("");
    td.colSpan = proxies.columns;
    td.append(details(Number(tr.dataset.proxy)));
    detail.append(td);
    tr.classList.add("open");
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("aria-controls", detail.id);
    return detail;
  }
  function closeRow(tr) {
    const button = tr.querySelector("button.expand");
    tr.classList.remove("open");
    button.setAttribute("aria-expanded", "false");
    button.removeAttribute("aria-controls");
    tr.nextElementSibling.remove();
  }
  if (proxies) {
    byId("p-rows").addEventListener("click", (event) => {
      const tr = event.target.closest("tr.proxy");
      if (!tr || (getSelection() && !getSelection().isCollapsed && !event.target.closest("button"))) return;
      const i = Number(tr.dataset.proxy);
      if (proxies.open.delete(i)) {
        closeRow(tr);
      } else {
        proxies.open.add(i);
        tr.after(openRow(tr));
      }
      address.write();
    });
    const noZone = data.zone.every((n) => word(n) === "");
    document.querySelector("table.proxies").classList.toggle("no-zone", noZone);
    proxies.columns -= noZone ? 1 : 0; // a cell across more columns would add one
  }

  // Paper has no filter: print the filtered rows; of all proxies, those that are not the same.
  function printed(table) {
    if (table !== proxies || table.matching.length < count || count <= table.pageSize) return [table.matching, "those that match the filter"];
    const changed = table.matching.filter((i) => word(data.verdict[i]) !== "same");
    if (changed.length > 0) return [changed, "those that are not the same"];
    return [table.matching.slice(0, table.pageSize), "the first ones; all are the same before and after"];
  }
  address.tables = [proxies, selectors].filter(Boolean);
  const screenRows = new Map();
  addEventListener("beforeprint", () => {
    for (const table of address.tables) {
      if (screenRows.has(table)) continue;
      screenRows.set(table, [...table.part("rows").childNodes]);
      const [chosen, which] = printed(table);
      const rows = chosen.slice(0, mostPrinted);
      table.show(rows);
      const cut = rows.length < chosen.length ? ` (${number(rows.length)} of ${number(chosen.length)})` : "";
      table.part("printed").textContent = rows.length === table.count ? "" :
        `This print has ${number(rows.length)} of ${number(table.count)} ${table.units}: ${which}${cut}. The page itself has all.`;
    }
  });
  addEventListener("afterprint", () => {
    for (const [table, rows] of screenRows) table.part("rows").replaceChildren(...rows);
    screenRows.clear();
  });

  addEventListener("hashchange", () => address.follow(false));
  addEventListener("pagehide", () => address.flush());
  address.follow(true);
})();
