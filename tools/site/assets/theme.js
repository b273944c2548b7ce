// Before anything is drawn: the theme that was chosen, else that of the system.
(function () {
  "use strict";
  var root = document.documentElement;
  root.dataset.js = "";
  try {
    var chosen = localStorage.getItem("atg-theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch (e) { /* a page from a folder may have no storage */ }
})();
