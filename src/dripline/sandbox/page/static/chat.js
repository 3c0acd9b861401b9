// One chat on a phone: head, messages, input; keeps up with what happens in it.

import { preview } from "./bubbles.js";
import { composer } from "./composer.js";
import { complain, note } from "./dialogs.js";
import { avatar, h, replace } from "./dom.js";
import { chatHead } from "./head.js";
import { follow, inside } from "./links.js";
import { scrollingLog } from "./log.js";
import { askToOpen } from "./overlays.js";
import { presses } from "./presses.js";
import { post } from "./server.js";
import { messagesOf, now, on, state } from "./store.js";
import { dayNumber, t } from "./words.js";

export function chatView(contact, key, { back, go, closed }) {
  const chat = () => state.chats.get(key);
  const header = h("header", { class: "head" });
  const pin = h("button", { class: "pin", type: "button", hidden: true, onclick: () => log.point(chat().pinned.id) });
  const foot = h("footer", { class: "foot" });
  const head = chatHead(header, { contact, key, back, closed });
  const log = scrollingLog();
  const input = composer(foot, { contact, key, sent: () => log.toEnd(true) });
  const phone = () => log.room.closest(".phone");
  const buttons = presses({ contact, key, phone, redraw: drawLog, openLink });
  let messages = [];
  let freshFrom = null;
  let today = dayNumber(now());
  let alive = true;

  const act = {
    link: openLink,
    command: (words) => post(`chats/${key}/text`, { text: words, user: contact }).catch(complain),
    copy: (text) => navigator.clipboard.writeText(text).then(() => note(t("copied")), () => note(text)),
    press: buttons.press,
    show: log.point,
  };

  function drawPin() {
    const pinned = chat()?.pinned;
    pin.hidden = !pinned;
    if (pinned) replace(pin, h("b", {}, t("pinned_message")), h("span", { dir: "auto" }, preview(pinned)));
  }

  function drawLog() {
    log.show(messages, { contact, group: !chat()?.contact, now, act, freshFrom }, intro());
  }

  function intro() {
    const bot = state.bots.get(chat()?.bot);
    if (!bot) return h("div", { class: "intro" }, t("no_messages"));
    return h("div", { class: "intro" }, avatar(bot.id, bot.name), h("b", {}, t("intro")), h("span", { dir: "auto" }, about(bot)));
  }

  function about({ description }) {
    return description[state.contacts.get(contact)?.language] || description[""] || t("intro_text");
  }

  // True if the link was taken care of; `ask` before one that leaves the sandbox is opened.
  function openLink(url, ask) {
    const target = inside(url);
    if (target) follow(target, contact).then(arrived, complain);
    else if (ask) askToOpen(phone(), url);
    return Boolean(target || ask);
  }

  function arrived(where) {
    if (where.key) { go(where.key); return; }
    note(where.asked ? t("asked") : t("is_in"));
    if (!where.asked) go(where.chat.key);
  }

  function changed(event) {
    if (event.chat.key !== key) { head.draw(); return; }
    if (event.kind === "action") { head.working(event.action); return; }
    input.draw();
    drawPin();
    if (!["sent", "edited", "deleted"].includes(event.kind)) { head.draw(); return; }
    head.working(null);
    if (event.kind === "sent") arrivedMessage(event.message);
    else drawLog();
  }

  function arrivedMessage(message) {
    const mine = message.sender?.id === contact;
    const end = log.atEnd();
    if (!mine && document.hidden && freshFrom === null) freshFrom = message.id;
    drawLog();
    if (end || mine) log.toEnd(true);
    if (mine) return;
    if (!end || document.hidden) log.miss();
    read();
    document.getElementById("live").textContent = `${chat().title}: ${preview(message) || t("message")}`;
  }

  function read() {
    if (document.hidden || !chat()?.unread) return;
    chat().unread = 0;
    post(`chats/${key}/read`).catch(() => {});
  }

  async function load() {
    const unread = chat()?.unread || 0;
    messages = await messagesOf(key);
    if (!alive) return;
    const incoming = messages.filter((message) => message.sender?.id !== contact);
    freshFrom = unread && unread < incoming.length ? incoming[incoming.length - unread].id : null;
    drawLog();
    head.draw();
    input.draw();
    drawPin();
    log.toEnd(false);
    read();
  }

  function dayTurned() {
    if (dayNumber(now()) === today || !messages.length) return;
    today = dayNumber(now());
    drawLog();
  }

  const seen = () => { if (!document.hidden) { read(); log.scrolled(); } };
  document.addEventListener("visibilitychange", seen);
  const ends = [
    on("clock", dayTurned), on("chat", changed), on("contacts", () => { head.draw(); input.draw(); if (!messages.length) drawLog(); }),
    buttons.end, head.end, log.end, () => document.removeEventListener("visibilitychange", seen),
  ];
  head.draw();
  input.draw();
  load().catch(complain);
  return { parts: [header, pin, log.room, foot], end: () => { alive = false; ends.forEach((end) => end()); } };
}
