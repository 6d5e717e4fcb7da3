// What a script adds to the preview: keys, and a page that follows every save.
// Without it, each of these is a link or a button.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;
  root.classList.add("scripted");

  // Live: a new version redraws the panels and the frame, in place.
  const live = byId("live");
  const parts = ["bar", "may", "letter", "stories", "size", "notice", "live"];
  let version = document.body.dataset.version;
  let lost = "";
  let drawing = false;

  const say = () => {
    live.classList.toggle("lost", lost !== "");
    if (lost) {
      live.lastElementChild.textContent = "Not live since " + lost + ", trying again";
    } else if (byId("how")) {
      byId("how").textContent = "Live: drawn";
    }
  };

  // How far the letter is scrolled, until its next version is loaded. The frame
  // lets this page look, for it runs no script of its own.
  let place = null;
  const places = new Map(); // of the frames that stand side by side
  const placeIn = (frame) => {
    try {
      return frame.contentWindow.scrollY;
    } catch {
      return 0; // the browser's own page: the preview was gone
    }
  };
  byId("letter").addEventListener("load", (event) => {
    if (place !== null && event.target.id === "frame") event.target.contentWindow.scrollTo(0, place);
    place = null;
    if (places.has(event.target)) event.target.contentWindow.scrollTo(0, places.get(event.target));
    places.delete(event.target);
  }, true);

  // The address of a frame's letter, without the place in it.
  const letterOf = (frame) => frame.src.replace(/#.*/, "");

  // redrawBeside brings letters side by side up to date, each in its frame, and
  // says whether they were the same ones.
  const redrawBeside = (old, fresh) => {
    const before = old ? [...old.children] : [], after = fresh ? [...fresh.children] : [];
    const same = (at) => before[at].querySelector("h3").id === after[at].querySelector("h3").id &&
      before[at].querySelector("iframe") && after[at].querySelector("iframe");
    if (!before.length || before.length !== after.length || !before.every((_, at) => same(at))) return false;
    before.forEach((section, at) => {
      for (const part of ["h3", ".subject", ".size-of"]) {
        const was = section.querySelector(part), is = after[at].querySelector(part);
        if (was.innerHTML !== is.innerHTML) was.replaceChildren(...is.childNodes);
      }
      const frame = section.querySelector("iframe"), next = after[at].querySelector("iframe");
      if (letterOf(frame) === letterOf(next)) return;
      if (!places.has(frame)) places.set(frame, placeIn(frame));
      frame.setAttribute("src", next.getAttribute("src"));
    });
    return true;
  };

  // replace puts fresh contents into a part, and leaves what is the same.
  const replace = (old, fresh) => {
    if (old.innerHTML === fresh.innerHTML && old.className === fresh.className) return;
    const top = old.scrollTop;
    const open = [...old.querySelectorAll("details[open]")].map((d) => d.id);
    const frame = old.querySelector("#frame"), next = fresh.querySelector("#frame");
    if (redrawBeside(old.querySelector("#beside"), fresh.querySelector("#beside"))) {
      // Each letter stays in its frame.
    } else if (frame && next) {
      // The same element with a new address: the column does not jump, and
      // the letter stands where it stood once it is there.
      if (letterOf(frame) !== letterOf(next)) {
        place ??= placeIn(frame);
        frame.setAttribute("src", next.getAttribute("src"));
      }
      const alone = old.querySelector(".alone a");
      if (alone) alone.href = frame.getAttribute("src");
    } else {
      old.replaceChildren(...fresh.childNodes);
    }
    old.className = fresh.className;
    for (const id of open) if (byId(id)) byId(id).open = true;
    old.scrollTop = top;
  };

  const redraw = async (page) => {
    const focused = document.activeElement;
    const holder = parts.map(byId).find((part) => part && part !== focused && part.contains(focused));
    const among = holder ? [...holder.querySelectorAll("a, button, summary, pre")].indexOf(focused) : -1;
    const y = window.scrollY;
    for (const id of parts) if (byId(id) && page.getElementById(id)) replace(byId(id), page.getElementById(id));
    version = page.body.dataset.version;
    if (among >= 0 && !document.contains(focused)) {
      holder.querySelectorAll("a, button, summary, pre")[among]?.focus({preventScroll: true});
    }
    window.scrollTo(0, y);
    mark();
    say();
  };

  const load = async (address, options) => {
    const answer = await fetch(address, options);
    if (!answer.ok) throw new Error(answer.status);
    await redraw(new DOMParser().parseFromString(await answer.text(), "text/html"));
    return answer;
  };

  const follow = () => {
    const stream = new EventSource("/live");
    stream.onmessage = async (event) => {
      if (lost) {
        lost = "";
        say();
      }
      if (event.data === version || drawing) return;
      drawing = true;
      try {
        while (event.data !== version) {
          const before = version;
          await load(location.href);
          if (version === before) break;
        }
      } catch { /* the stream says when the preview is gone */ }
      drawing = false;
    };
    stream.onerror = () => {
      lost ||= new Date().toTimeString().slice(0, 8);
      say();
      if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 2000);
    };
  };

  // Stories: J and K move through the left column, the frame goes along.
  let at = -1, here = null;
  const stories = () => [...document.querySelectorAll(".story")];
  const mark = () => {
    here = stories()[at] || null;
    for (const story of stories()) story.toggleAttribute("aria-current", story === here);
    here?.setAttribute("aria-current", "true");
  };
  const go = (step) => {
    const all = stories();
    if (!all.length) return;
    at = Math.min(all.length - 1, Math.max(0, at + step));
    mark();
    here.scrollIntoView({block: "nearest"});
    show();
  };
  // By its address, not by pressing the link: that would take the focus into
  // the frame, where no key reaches this page any more.
  const show = () => {
    const frame = byId("frame");
    place = null;
    if (frame) frame.src = here.href;
  };
  document.addEventListener("click", (event) => {
    const story = event.target.closest?.(".story");
    if (!story) return;
    event.preventDefault();
    at = stories().indexOf(story);
    mark();
    show();
  });

  // Warnings: W goes from one to the next, in the list and in the letter.
  let warned = -1;
  const warn = () => {
    const all = [...document.querySelectorAll(".checks ol:first-of-type a.pin")];
    if (!all.length) return;
    warned = (warned + 1) % all.length;
    for (const pin of all) pin.closest("li").removeAttribute("aria-current");
    const pin = all[warned];
    pin.closest("li").setAttribute("aria-current", "true");
    pin.scrollIntoView({block: "nearest"});
    place = null;
    byId("frame").src = pin.href;
  };

  // Fetching again shows that it is under way, and keeps the place.
  const again = async () => {
    live.lastElementChild.textContent = "Fetching again …";
    try {
      await load("/fetch", {method: "POST", body: new URLSearchParams(new FormData(byId("again")))});
    } catch {
      byId("again").submit();
    }
  };

  // While a name or an address is typed, subscribers who fit are offered.
  const as = byId("as"), offered = byId("made");
  const madeUp = [...offered.options].map((o) => o.cloneNode(true));
  let asking = 0;
  as.addEventListener("input", () => {
    clearTimeout(asking);
    asking = setTimeout(async () => {
      const typed = as.value.trim();
      try {
        const answer = await fetch("/readers?" + new URLSearchParams({q: typed}));
        if (!answer.ok || typed !== as.value.trim()) return;
        offered.replaceChildren(...(await answer.json()).map((reader) => {
          const option = document.createElement("option");
          option.value = reader.address;
          option.textContent = reader.name || "subscriber";
          return option;
        }), ...madeUp);
      } catch { /* the stream says when the preview is gone */ }
    }, 200);
  });

  const dialog = byId("keys"), on = byId("keyson");
  on.checked = localStorage.getItem("keys") !== "off";
  on.addEventListener("change", () => localStorage.setItem("keys", on.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || dialog.open) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key === "?") {
      dialog.showModal();
    } else if (!on.checked) {
      return;
    } else if (event.key >= "0" && event.key <= "9") {
      document.querySelector(`[data-key="${event.key}"]`).click();
    } else if (event.key === "j" || event.key === "J") {
      go(1);
    } else if (event.key === "k" || event.key === "K") {
      go(-1);
    } else if (event.key === "w" || event.key === "W") {
      warn();
    } else if (event.key === "m" || event.key === "M") {
      byId("marks")?.click();
    } else if (event.key === "v" || event.key === "V") {
      byId("variants")?.click();
    } else if (event.key === "p" || event.key === "P") {
      byId("proof").requestSubmit();
    } else if (event.key === "r" || event.key === "R") {
      again();
    } else {
      return;
    }
    event.preventDefault();
  });

  say();
  follow();
})();
