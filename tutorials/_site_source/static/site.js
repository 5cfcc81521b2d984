// What the pages need beyond the theme: the step-through page follows light and dark, and a search without a server.
"use strict";
(() => {
  // The theme's button sets data-theme of the body: light, dark, or auto, which is what the system says.
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = frame => {
    const chosen = document.body.dataset.theme;
    const dark = chosen === "dark" || (chosen !== "light" && system.matches);
    try { frame.contentWindow.theme(dark ? "dark" : "light"); } catch { /* not loaded yet: then `load` comes */ }
  };
  const all = () => document.querySelectorAll("iframe.tinydl-page").forEach(follow);
  const start = () => {
    for (const frame of document.querySelectorAll("iframe.tinydl-page")) frame.addEventListener("load", () => follow(frame));
    new MutationObserver(all).observe(document.body, {attributes: true, attributeFilter: ["data-theme"]});
    system.addEventListener("change", all);
    all();
    // Wide formulas scroll; with a keyboard, too.
    for (const formula of document.querySelectorAll(".katex-display"))
      if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
    const results = document.getElementById("search-results");
    if (location.protocol === "file:" && results) {
      const note = document.createElement("p"), command = document.createElement("code");
      note.className = "from-a-folder";
      command.textContent = "python -m http.server";
      note.append("These pages are opened from a folder, where a browser lets a search show titles only. For excerpts run ",
        command, " in this folder and open http://localhost:8000.");
      results.before(note);
    }
  };
  // A browser reads no other page from a folder, so the search shows no excerpts there.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined")
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  if (document.readyState === "complete") start(); else addEventListener("load", start);
})();
