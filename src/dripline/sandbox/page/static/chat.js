// One chat on a phone: header, messages, input; keeps up with what happens in it.

import { draw, hostOf } from "./bubbles.js";
import { composer } from "./composer.js";
import { complain, confirm, note } from "./dialogs.js";
import { avatar, button, h, icon, replace } from "./dom.js";
import { follow, inside } from "./links.js";
import { post, remove } from "./server.js";
import { chatsOf, messagesOf, now, on, state } from "./store.js";
import { dayNumber, t } from "./words.js";

const NEAR = 90; // pixels from the end that still count as being at the end
const PATIENCE = 15000; // a button whose press stays unanswered so long stops waiting

export function chatView(contact, key, { back, go, closed }) {
  const chat = () => state.chats.get(key);
  const group = () => !chat()?.contact;
  const head = h("header", { class: "head" });
  const log = h("div", { class: "log", role: "log", "aria-live": "off", tabindex: 0 });
  const unseen = h("span", { class: "count", hidden: true });
  const down = h("button", { class: "down", type: "button", "data-away": "false", onclick: () => toEnd(true) }, icon("down"), unseen);
  const room = h("div", { class: "room" }, log, down);
  const foot = h("footer", { class: "foot" });
  const input = composer(foot, { contact, key, sent: () => toEnd(true) });
  let messages = [];
  let drawnIds = new Set();
  let missed = 0;
  let freshFrom = null;
  let doing = null;
  let alive = true;

  const act = {
    link: (url, ask) => openLink(url, ask),
    command: (words) => post(`chats/${key}/text`, { text: words, user: contact }).catch(complain),
    copy: (text) => navigator.clipboard.writeText(text).then(() => note(t("copied")), () => note(text)),
    press,
    show: (id) => {
      const found = log.querySelector(`[data-id="${Number(id)}"]`);
      found?.scrollIntoView({ block: "center", behavior: "smooth" });
      found?.classList.add("found");
      setTimeout(() => found?.classList.remove("found"), 1300);
    },
  };

  function atEnd() {
    return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
  }

  function toEnd(smooth) {
    log.scrollTo({ top: log.scrollHeight, behavior: smooth ? "smooth" : "instant" });
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

  function drawLog() {
    const ids = new Set(messages.map((message) => message.id));
    const view = { contact, group: group(), now, act, freshFrom };
    replace(log, messages.length ? h("div", { class: "fill" }) : intro(), draw(messages, view));
    for (const article of log.querySelectorAll("article")) {
      if (!drawnIds.size || drawnIds.has(Number(article.dataset.id))) article.classList.add("still");
    }
    drawnIds = ids;
  }

  function intro() {
    const bot = state.bots.get(chat()?.bot);
    if (!bot) return h("div", { class: "intro" }, t("no_messages"));
    return h("div", { class: "intro" }, avatar(bot.id, bot.name), h("b", {}, t("intro")), t("intro_text"));
  }

  function drawHead() {
    const item = chat();
    if (!item) return;
    const person = state.contacts.get(contact);
    const others = chatsOf(contact).filter((other) => other.key !== key && other.contact).reduce((sum, other) => sum + other.unread, 0);
    const backButton = h("button", { class: "back", type: "button", "aria-label": t("back"), title: t("back"), onclick: back }, icon("back"), others ? h("span", { class: "count" }, others) : null);
    replace(head, backButton, avatar(item.bot || item.id, item.title, "small"),
      h("div", { class: "title" }, h("b", {}, item.title), h("span", { class: doing ? "typing" : "" }, doing || about(item, person))),
      button(t("menu"), "more", menu));
  }

  function about(item, person) {
    if (item.contact) return `${t("bot")} · ${person?.deleted ? t("deleted") : person?.name || ""}`;
    const count = Object.values(item.members).filter((standing) => !["left", "kicked"].includes(standing)).length;
    return t(item.kind === "channel" ? "subscribers" : "members", { count });
  }

  function menu() {
    const item = chat();
    const person = state.contacts.get(contact);
    const entry = (label, sign, run, cls = "") => h("button", { type: "button", class: cls, onclick: () => { sheet.remove(); run(); } }, icon(sign), label);
    const block = (blocked) => post(`chats/${key}/block`, { blocked }).catch(complain);
    const gone = () => confirm(t("delete_sure", { name: person.name }), t("delete_account"), () => remove(`contacts/${contact}`));
    const entries = item.contact
      ? [item.blocked ? entry(t("unblock_bot"), "check", () => block(false)) : entry(t("block"), "ban", () => block(true)),
        entry(t("clear"), "broom", () => post(`chats/${key}/delete`).catch(complain)),
        person?.deleted ? null : entry(t("delete_account"), "trash", gone, "danger")]
      : [entry(t("leave"), "door", () => post(`contacts/${contact}/leave`, { chat_id: item.id }).then(back, complain), "danger")];
    const hide = entry(t("put_away"), "close", () => closed(contact));
    const sheet = h("div", { class: "sheet", role: "menu" }, entries.filter(Boolean), hide);
    overlay(sheet);
    sheet.querySelector("button")?.focus();
  }

  function overlay(element) {
    const phone = room.closest(".phone");
    phone.append(element);
    const away = (event) => {
      if (event.type === "keydown" ? event.key === "Escape" : !element.contains(event.target)) {
        element.remove();
        document.removeEventListener("pointerdown", away, true);
        document.removeEventListener("keydown", away, true);
      }
    };
    setTimeout(() => { document.addEventListener("pointerdown", away, true); document.addEventListener("keydown", away, true); });
  }

  function openLink(url, ask) {
    const target = inside(url);
    if (target) {
      follow(target, contact).then((where) => {
        if (where.key) go(where.key);
        else { note(where.asked ? t("asked") : t("is_in")); if (!where.asked) go(where.chat.key); }
      }, complain);
      return true;
    }
    if (!ask) return false;
    const leave = h("a", { href: url, target: "_blank", rel: "noopener noreferrer", onclick: () => box.remove() }, t("open"));
    const stay = h("button", { type: "button", onclick: () => box.remove() }, t("cancel"));
    const box = h("div", { class: "alert", role: "alertdialog", "aria-label": t("open_link") },
      h("div", {}, h("b", {}, t("open_link")), h("p", {}, h("code", {}, url)), h("div", { class: "row" }, stay, leave)));
    box.addEventListener("click", (event) => { if (event.target === box) box.remove(); });
    box.addEventListener("keydown", (event) => { if (event.key === "Escape") box.remove(); });
    room.closest(".phone").append(box);
    leave.focus();
    return true;
  }

  async function press(message, row, column) {
    try {
      const query = await post(`chats/${key}/press`, { message_id: message.id, row, column, user: contact });
      if (answeredEarly.delete(query.id)) return;
      state.pending.set(query.id, { key, message_id: message.id, row, column });
      setTimeout(() => { if (state.pending.delete(query.id) && alive) { hint(t("timeout")); drawLog(); } }, PATIENCE);
      keepPlace(drawLog);
    } catch (error) { complain(error); }
  }

  const answeredEarly = new Set();

  function answered(query) {
    const wait = state.pending.get(query.id);
    if (query.user !== contact) return;
    if (!wait) { answeredEarly.add(query.id); show(query.answer); return; }
    if (wait.key !== key) return;
    state.pending.delete(query.id);
    keepPlace(drawLog);
    show(query.answer);
  }

  function show(answer) {
    if (answer.url) openLink(answer.url, true);
    if (!answer.text) return;
    if (answer.show_alert) alertBox(answer.text);
    else hint(answer.text);
  }

  function hint(text) {
    const element = h("div", { class: "hint", role: "status" }, text);
    room.closest(".phone")?.append(element);
    setTimeout(() => element.remove(), 3500);
  }

  function alertBox(text) {
    const ok = h("button", { type: "button", onclick: () => box.remove() }, t("ok"));
    const box = h("div", { class: "alert", role: "alertdialog" }, h("div", {}, h("p", {}, text), h("div", { class: "row" }, ok)));
    box.addEventListener("keydown", (event) => { if (event.key === "Escape") box.remove(); });
    room.closest(".phone")?.append(box);
    ok.focus();
  }

  function keepPlace(run) {
    const end = atEnd();
    const top = log.scrollTop;
    const focused = log.contains(document.activeElement) ? place(document.activeElement) : null;
    run();
    if (end) toEnd(false); else log.scrollTop = top;
    if (focused) log.querySelector(`[data-id="${focused.id}"]`)?.querySelectorAll("button")[focused.at]?.focus({ preventScroll: true });
  }

  function place(element) {
    const article = element.closest("article");
    return article ? { id: article.dataset.id, at: [...article.querySelectorAll("button")].indexOf(element) } : null;
  }

  function changed(event) {
    if (event.chat.key !== key) { drawHead(); return; }
    if (event.kind === "action") { working(event.action); return; }
    drawHead();
    input.draw();
    if (!["sent", "edited", "deleted"].includes(event.kind)) return;
    doing = null;
    drawHead();
    const foreign = event.kind === "sent" && event.message.sender?.id !== contact;
    const end = atEnd();
    if (foreign && (!end || document.hidden)) missed += 1;
    if (foreign && document.hidden && freshFrom === null) freshFrom = event.message.id;
    keepPlace(drawLog);
    if (event.kind === "sent" && (end || !foreign)) toEnd(true);
    scrolled();
    if (foreign) read();
    if (foreign) announce(event.message);
  }

  function announce(message) {
    const live = document.getElementById("live");
    live.textContent = `${chat().title}: ${message.text || t(message.media?.kind || "message")}`;
  }

  let quiet = null;
  function working(action) {
    doing = action.startsWith("upload") ? t("uploading") : action.startsWith("record") ? t("recording") : action === "cancel" ? null : t("typing");
    if (doing) doing += "…";
    drawHead();
    clearTimeout(quiet);
    quiet = setTimeout(() => { doing = null; if (alive) drawHead(); }, 5000);
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
    drawHead();
    input.draw();
    toEnd(false);
    read();
  }

  let today = dayNumber(now());
  function dayTurned() {
    if (dayNumber(now()) === today || !messages.length) return;
    today = dayNumber(now());
    keepPlace(drawLog);
  }

  const ends = [on("clock", dayTurned), on("chat", changed), on("answered", answered), on("contacts", () => { drawHead(); input.draw(); })];
  const seen = () => { if (!document.hidden) { read(); scrolled(); } };
  document.addEventListener("visibilitychange", seen);
  log.addEventListener("scroll", scrolled, { passive: true });
  const grown = new ResizeObserver(() => { if (!missed && down.dataset.away === "false") log.scrollTop = log.scrollHeight; });
  grown.observe(log);
  drawHead();
  input.draw();
  load().catch(complain);

  return {
    parts: [head, room, foot],
    end: () => { alive = false; ends.forEach((end) => end()); grown.disconnect(); document.removeEventListener("visibilitychange", seen); },
  };
}

export { hostOf };
