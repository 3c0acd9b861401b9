// The messages of a chat in a box that scrolls: stays at the end, keeps its place, counts what was missed.

import { draw } from "./bubbles.js";
import { arrange, h, icon } from "./dom.js";
import { t } from "./words.js";

const NEAR = 90; // pixels from the end that still count as being at the end

export function scrollingLog() {
  const box = h("div", { class: "log", role: "log", "aria-live": "off", tabindex: 0 });
  const unseen = h("span", { class: "count", hidden: true });
  const down = h("button", { class: "down", type: "button", "data-away": "false", onclick: () => toEnd(true) }, icon("down"), unseen);
  const room = h("div", { class: "room" }, box, down);
  const fill = h("div", { class: "fill" });
  const drawn = new Map();
  let known = new Set();
  let missed = 0;

  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;

  function toEnd(smooth) {
    box.scrollTo({ top: box.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    missed = 0;
    scrolled();
  }

  function scrolled() {
    const away = !atEnd();
    if (!away) missed = 0;
    down.dataset.away = String(away);
    down.setAttribute("aria-label", t("down"));
    unseen.hidden = !missed;
    unseen.textContent = missed;
  }

  // Draws anew without moving what is being read, nor the keyboard's focus.
  function show(messages, view, empty) {
    const end = atEnd();
    const top = box.scrollTop;
    const focus = focused();
    arrange(box, [messages.length ? fill : empty, ...draw(messages, view, drawn)]);
    for (const article of box.querySelectorAll("article")) {
      if (!known.size || known.has(Number(article.dataset.id))) article.classList.add("still");
    }
    known = new Set(messages.map((message) => message.id));
    if (end) toEnd(false); else box.scrollTop = top;
    focus?.();
  }

  function focused() {
    const article = document.activeElement?.closest?.("article");
    if (!article || !box.contains(article)) return null;
    const at = [...article.querySelectorAll("button, a")].indexOf(document.activeElement);
    return () => find(article.dataset.id)?.querySelectorAll("button, a")[at]?.focus({ preventScroll: true });
  }

  const find = (id) => box.querySelector(`[data-id="${Number(id)}"]`);

  function point(id) {
    const found = find(id);
    found?.scrollIntoView({ block: "center", behavior: "smooth" });
    found?.classList.add("found");
    setTimeout(() => found?.classList.remove("found"), 1300);
  }

  function miss() {
    missed += 1;
    scrolled();
  }

  box.addEventListener("scroll", scrolled, { passive: true });
  const grown = new ResizeObserver(() => { if (!missed && down.dataset.away === "false") box.scrollTop = box.scrollHeight; });
  grown.observe(box);
  return { room, show, toEnd, atEnd, miss, point, scrolled, end: () => grown.disconnect() };
}
