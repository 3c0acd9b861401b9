// The contacts: who has a phone open, and who has unread messages.

import { avatar, h, icon, replace } from "./dom.js";
import { state, unreadOf } from "./store.js";
import { t } from "./words.js";

export function drawRail(root, { opened, choose, add }) {
  root.setAttribute("aria-label", t("contacts"));
  const people = [...state.contacts.values()].map((contact) => {
    const unread = opened.has(contact.id) ? 0 : unreadOf(contact.id);
    return h("button", {
      type: "button", title: contact.name, "aria-pressed": String(opened.has(contact.id)), onclick: () => choose(contact.id),
    }, avatar(contact.id, contact.name, contact.deleted ? "gone" : ""), h("span", { class: "name" }, contact.first_name),
    unread ? h("span", { class: "count" }, unread) : null);
  });
  const more = h("button", { class: "add", type: "button", title: t("add_contact"), onclick: add }, h("span", { class: "plus" }, icon("plus")), h("span", { class: "name" }, t("add")));
  replace(root, people, more);
}
