// Keeps the list as fresh as the inbox. Without it, the page has a Refresh link.
"use strict";
(() => {
  let version = document.body.dataset.version;
  let lost = null;
  const state = document.getElementById("state");
  const calm = state.innerHTML;
  document.querySelector("#list [aria-current]")?.scrollIntoView({block: "nearest"});

  async function refresh() {
    const answer = await fetch(location.href);
    if (!answer.ok && answer.status !== 404) throw new Error(answer.status);
    const fresh = answer.ok ? await answer.text() : await (await fetch("/")).text();
    const page = new DOMParser().parseFromString(fresh, "text/html");
    const list = document.getElementById("list");
    const at = list.scrollTop, focused = document.activeElement;
    const href = list.contains(focused) && focused.getAttribute("href");
    list.replaceChildren(...page.getElementById("list").childNodes);
    list.scrollTop = at;
    if (href) [...list.querySelectorAll("a")].find((a) => a.getAttribute("href") === href)?.focus({preventScroll: true});
    document.getElementById("sums").textContent = page.getElementById("sums").textContent;
    version = page.body.dataset.version;
  }

  async function look() {
    if (!document.hidden) {
      try {
        const answer = await fetch("/state.json");
        const fresh = String((await answer.json()).version);
        if (lost) {
          lost = null;
          state.innerHTML = calm;
        }
        if (fresh !== version) await refresh();
      } catch {
        if (!lost) {
          lost = new Date().toTimeString().slice(0, 8);
          state.innerHTML = '<span class="dot warn"></span>';
          state.append("Not live since " + lost + ", trying again");
        }
      }
    }
    setTimeout(look, 2000);
  }
  setTimeout(look, 2000);
})();
