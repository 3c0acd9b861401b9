// The head of a chat: back, who it is, what the bot is doing, the menu.

import { complain, confirm } from "./dialogs.js";
import { avatar, button, h, icon, replace } from "./dom.js";
import { menuSheet } from "./overlays.js";
import { post, remove } from "./server.js";
import { chatsOf, state } from "./store.js";
import { t } from "./words.js";

const ACTION_LASTS = 5000; // as in Telegram: then the bot must say it again

export function chatHead(root, { contact, key, back, closed }) {
  let doing = null;
  let quiet = null;

  function draw() {
    const chat = state.chats.get(key);
    if (!chat) return;
    replace(root, backButton(), avatar(chat.bot || chat.id, chat.title, "small"),
      h("div", { class: "title" }, h("b", {}, chat.title), h("span", { class: doing ? "typing" : "" }, doing || about(chat))),
      button(t("menu"), "more", () => menuSheet(root.closest(".phone"), entries(chat))));
  }

  function backButton() {
    const others = chatsOf(contact).filter((other) => other.key !== key && other.contact);
    const unread = others.reduce((sum, other) => sum + other.unread, 0);
    return h("button", { class: "back", type: "button", "aria-label": t("back"), title: t("back"), onclick: back },
      icon("back"), unread ? h("span", { class: "count" }, unread) : null);
  }

  function about(chat) {
    const person = state.contacts.get(contact);
    if (chat.contact) return `${t("bot")} · ${person?.deleted ? t("deleted") : person?.name || ""}`;
    const count = Object.values(chat.members).filter((standing) => !["left", "kicked"].includes(standing)).length;
    return t(chat.kind === "channel" ? "subscribers" : "members", { count });
  }

  function entries(chat) {
    const person = state.contacts.get(contact);
    const block = (blocked) => post(`chats/${key}/block`, { blocked }).catch(complain);
    const clear = () => post(`chats/${key}/delete`).catch(complain);
    const leave = () => post(`contacts/${contact}/leave`, { chat_id: chat.id }).then(back, complain);
    const erase = () => confirm(t("delete_sure", { name: person.name }), t("delete_account"), () => remove(`contacts/${contact}`));
    const away = { label: t("put_away"), sign: "close", run: () => closed(contact) };
    if (!chat.contact) return [{ label: t("leave"), sign: "door", run: leave, danger: true }, away];
    return [
      chat.blocked ? { label: t("unblock_bot"), sign: "check", run: () => block(false) } : { label: t("block"), sign: "ban", run: () => block(true) },
      { label: t("clear"), sign: "broom", run: clear },
      person?.deleted ? null : { label: t("delete_account"), sign: "trash", run: erase, danger: true },
      away,
    ];
  }

  // The bot says that it is typing or sending; null when it has sent.
  function working(action) {
    clearTimeout(quiet);
    doing = action && action !== "cancel" ? `${t(action.startsWith("upload") ? "uploading" : action.startsWith("record") ? "recording" : "typing")}…` : null;
    if (doing) quiet = setTimeout(() => working(null), ACTION_LASTS);
    draw();
  }

  return { draw, working, end: () => clearTimeout(quiet) };
}
