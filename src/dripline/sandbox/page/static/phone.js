// A contact's phone: the list of chats, or one chat with its header, messages and input.

import { avatar, h, icon, replace } from "./dom.js";
import { chatView } from "./chat.js";
import { preview } from "./bubbles.js";
import { chatsOf, now, on, state } from "./store.js";
import { hourMinute, listTime, t } from "./words.js";

export function phone(contact, { chosen, choose, closed }) {
  const time = h("span", { class: "tnum" });
  const screen = h("div", { class: "screen" });
  const root = h("section", { class: `phone ${chosen ? "chosen" : ""}`, onfocusin: () => choose(contact), onpointerdown: () => choose(contact) });
  let view = null;
  let key = null;

  function show(next, quietly = false) {
    view?.end();
    view = null;
    key = next;
    if (key) { view = chatView(contact, key, { back: () => show(null), go: show, closed }); layout(view.parts); } else layout([list()]);
    if (!quietly) choose(contact);
  }

  function layout(parts) {
    const person = state.contacts.get(contact);
    root.setAttribute("aria-label", person?.name || "");
    const signs = h("span", { class: "signs" }, icon("wifi"), icon("battery"));
    replace(root, h("div", { class: "status", "aria-hidden": "true" }, time, signs), ...parts, h("div", { class: "home", "aria-hidden": "true" }));
    tick();
  }

  function list() {
    const rows = chatsOf(contact).map((chat) => h("button", { type: "button", onclick: () => show(chat.key) },
      avatar(chat.bot || chat.id, chat.title),
      h("span", { class: "about" },
        h("span", { class: "top" }, h("b", {}, chat.title), chat.last ? h("time", {}, listTime(chat.last.date, now())) : null),
        h("span", { class: "last" }, h("span", {}, preview(chat.last)), chat.unread && chat.contact ? h("span", { class: "count" }, chat.unread) : null))));
    return h("div", { class: "chats" }, h("h2", {}, t("chats")), rows.length ? rows : h("p", { class: "nobot" }, t("no_bot", { url: location.origin })));
  }

  function tick() {
    time.textContent = hourMinute(now());
  }

  const clock = setInterval(tick, 500);
  const unwatch = on("chat", () => { if (!key) layout([list()]); });
  const first = chatsOf(contact);
  const started = first.filter((chat) => chat.contact);
  show((started[0] || first[0])?.key || null, true);

  return {
    root, contact,
    get key() { return key; },
    open: show,
    choose: (yes) => root.classList.toggle("chosen", yes),
    redraw: () => show(key && state.chats.has(key) ? key : chatsOf(contact)[0]?.key || null, true),
    end: () => { clearInterval(clock); unwatch(); view?.end(); root.remove(); },
  };
}
