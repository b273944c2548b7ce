// The search, the theme, the list of pages on a small screen, and small comforts. Pages can be read without.
(function () {
  "use strict";
  var root = document.documentElement;
  var up = document.currentScript.dataset.up;
  var $ = function (selector) { return document.querySelector(selector); };

  // the theme
  $(".theme").addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("atg-theme", root.dataset.theme); } catch (e) { /* it holds for this page */ }
  });

  // the pages, where the screen is small
  var menu = $(".menu"), pages = $("#site-pages");
  function show(open) {
    pages.classList.toggle("shown", open);
    menu.setAttribute("aria-expanded", String(open));
  }
  menu.addEventListener("click", function () { show(menu.getAttribute("aria-expanded") !== "true"); });
  pages.addEventListener("keydown", function (e) {
    if (e.key === "Escape" && pages.classList.contains("shown")) { show(false); menu.focus(); }
  });
  var here = pages.querySelector("[aria-current]");
  if (here && here.offsetTop > pages.clientHeight - 100) pages.scrollTop = here.offsetTop - pages.clientHeight / 2;

  // blocks of code can be copied: of a console, the commands alone
  document.querySelectorAll("pre").forEach(function (pre) {
    var block = document.createElement("div"), copy = document.createElement("button");
    block.className = "block";
    copy.className = "copy";
    copy.type = "button";
    copy.textContent = "Copy";
    pre.replaceWith(block);
    block.append(pre, copy);
    copy.addEventListener("click", function () {
      var text = pre.textContent;
      if (pre.dataset.language === "console") text = commands(text);
      navigator.clipboard.writeText(text).then(function () { copy.textContent = "Copied"; }, function () { copy.textContent = "Not allowed"; });
      setTimeout(function () { copy.textContent = "Copy"; }, 2000);
    });
  });
  function commands(text) {
    var goesOn = false;
    return text.split("\n").filter(function (line) {
      var is = goesOn || line.startsWith("$ ");
      goesOn = is && line.endsWith("\\");
      return is;
    }).map(function (line) { return line.replace(/^\$ /, ""); }).join("\n") + "\n";
  }
  // what is wider than the page can be scrolled by keyboard
  document.querySelectorAll("pre, .scroll, .figure").forEach(function (wide) {
    if (wide.scrollWidth > wide.clientWidth) {
      wide.tabIndex = 0;
      wide.setAttribute("role", "group");
      wide.setAttribute("aria-label", wide.tagName === "PRE" ? "Code" : wide.className === "figure" ? "Drawing" : "Table");
    }
  });

  // the section that one reads is marked in the contents
  var contents = {};
  document.querySelectorAll(".contents a").forEach(function (a) { contents[a.hash.slice(1)] = a; });
  if (window.IntersectionObserver) {
    var marked;
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (e) {
        if (!e.isIntersecting) return;
        if (marked) marked.removeAttribute("aria-current");
        marked = contents[e.target.id];
        marked.setAttribute("aria-current", "true");
      });
    }, { rootMargin: "-70px 0px -70% 0px" });
    Object.keys(contents).forEach(function (id) {
      var h = document.getElementById(id);
      if (h) observer.observe(h);
    });
  }

  // the search: every word has to begin a word of a section
  var input = $("#site-search"), found = $("#site-found"), count = $("#site-count"), asked = false, selected = -1;
  function load() {
    if (asked) return;
    asked = true;
    var script = document.createElement("script");
    script.src = up + "assets/index.js";
    script.onload = search;
    document.head.append(script);
  }
  function words(text) { return text.toLowerCase().match(/[\p{L}\p{N}_]+(?:[-.][\p{L}\p{N}_]+)*/gu) || []; }
  function at(text, word) { // where a word begins with it
    for (var i = text.indexOf(word); i >= 0; i = text.indexOf(word, i + 1)) {
      if (i === 0 || !/[\p{L}\p{N}]/u.test(text[i - 1])) return i;
    }
    return -1;
  }
  function rank(entry, query) {
    var title = entry[1].toLowerCase(), heading = entry[2].toLowerCase(), text = entry[3].toLowerCase(), about = (entry[4] || "").toLowerCase(), score = 0;
    for (var i = 0; i < query.length; i++) {
      var one = 0;
      if (at(heading, query[i]) >= 0) one += 12;
      if (at(title, query[i]) >= 0) one += 6;
      if (at(about, query[i]) >= 0) one += 10;
      if (at(text, query[i]) >= 0) one += 2 + Math.min(3, text.split(query[i]).length - 1);
      if (one === 0) return 0;
      score += one;
    }
    if (entry[0].startsWith("reference/")) score *= 0.8; // what explains comes before what lists
    return score;
  }
  function emphasised(into, text, query) {
    var lower = text.toLowerCase(), i = 0;
    while (i < text.length) {
      var next = -1, length = 0;
      query.forEach(function (q) {
        var p = at(lower.slice(i), q);
        if (p >= 0 && (next < 0 || p + i < next)) { next = p + i; length = q.length; }
      });
      if (next < 0) break;
      into.append(text.slice(i, next));
      var mark = document.createElement("mark");
      mark.textContent = text.slice(next, next + length);
      into.append(mark);
      i = next + length;
    }
    into.append(text.slice(i));
  }
  function search() {
    var all = words(input.value), query = all.filter(function (w) { return !/^(a|an|the|of|in|to|for|is|are|do|does|i|how|what|which|with)$/.test(w); });
    if (query.length === 0) query = all;
    found.textContent = "";
    selected = -1;
    input.removeAttribute("aria-activedescendant");
    if (!window.atgIndex || query.length === 0) { close(); return; }
    var hits = [];
    window.atgIndex.forEach(function (entry) {
      var score = rank(entry, query);
      if (score > 0) hits.push([score, entry]);
    });
    hits.sort(function (a, b) { return b[0] - a[0]; });
    hits = hits.slice(0, 20);
    hits.forEach(function (hit, n) {
      var entry = hit[1], li = document.createElement("li"), strong = document.createElement("strong"), span = document.createElement("span");
      li.id = "site-found-" + n;
      li.setAttribute("role", "option");
      li.setAttribute("aria-selected", "false");
      li.dataset.to = up + entry[0];
      emphasised(strong, entry[2], query);
      if (entry[1] !== entry[2]) {
        var small = document.createElement("small");
        small.textContent = " · " + entry[1];
        strong.append(small);
      }
      var first = Math.max(0, Math.min.apply(null, query.map(function (q) { var p = at(entry[3].toLowerCase(), q); return p < 0 ? 1e9 : p; })));
      var from = first > 1e8 ? 0 : Math.max(0, first - 60);
      emphasised(span, (from > 0 ? "…" : "") + entry[3].slice(from, from + 180) + (entry[3].length > from + 180 ? "…" : ""), query);
      li.append(strong, span);
      li.addEventListener("mousedown", function (e) { e.preventDefault(); go(li); });
      found.append(li);
    });
    count.textContent = hits.length === 0 ? "Nothing was found" : hits.length + " sections were found";
    if (hits.length === 0) {
      var none = document.createElement("li");
      none.className = "none";
      none.setAttribute("role", "option");
      none.setAttribute("aria-disabled", "true");
      none.textContent = "Nothing was found.";
      found.append(none);
    } else {
      select(0);
    }
    found.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }
  function close() {
    found.hidden = true;
    count.textContent = "";
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function select(n) {
    var all = found.querySelectorAll("li[data-to]");
    if (all.length === 0) return;
    if (selected >= 0) all[selected].setAttribute("aria-selected", "false");
    selected = (n + all.length) % all.length;
    all[selected].setAttribute("aria-selected", "true");
    all[selected].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", all[selected].id);
  }
  function go(li) { close(); location.href = li.dataset.to; }
  input.addEventListener("focus", load);
  input.addEventListener("input", function () { load(); search(); });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", function (e) {
    var all = found.querySelectorAll("li[data-to]");
    if (e.key === "ArrowDown" && !found.hidden) { select(selected + 1); e.preventDefault(); }
    if (e.key === "ArrowUp" && !found.hidden) { select(selected - 1); e.preventDefault(); }
    if (e.key === "Enter" && selected >= 0 && all[selected]) { go(all[selected]); e.preventDefault(); }
    if (e.key === "Escape") { if (found.hidden) { input.value = ""; input.blur(); } close(); }
  });
  document.addEventListener("keydown", function (e) {
    if (e.key === "/" && !e.ctrlKey && !e.metaKey && !e.altKey && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) { input.focus(); e.preventDefault(); }
  });
  root.dataset.ready = "";
})();
