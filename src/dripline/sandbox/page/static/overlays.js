// What appears above a chat: the menu, a bot's answer, the question before a link is opened.

import { h, icon } from "./dom.js";
import { t } from "./words.js";

const SAFE = /^(https?|tg|ton|tonsite|mailto|tel):/i;
const SHOWN = 3500; // how long an answer stays

export function menuSheet(phone, entries) {
  const sheet = h("div", { class: "sheet", role: "menu" }, entries.filter(Boolean).map(({ label, sign, run, danger }) =>
    h("button", { type: "button", role: "menuitem", class: danger ? "danger" : "", onclick: () => { sheet.remove(); run(); } }, icon(sign), label)));
  phone.append(sheet);
  closeOutside(sheet);
  sheet.querySelector("button")?.focus();
}

function closeOutside(element) {
  const kinds = ["pointerdown", "keydown"];
  const away = (event) => {
    if (event.type === "keydown" ? event.key !== "Escape" : element.contains(event.target)) return;
    element.remove();
    kinds.forEach((kind) => document.removeEventListener(kind, away, true));
  };
  setTimeout(() => kinds.forEach((kind) => document.addEventListener(kind, away, true)));
}

export function hint(phone, text) {
  const element = h("div", { class: "hint", role: "status" }, text);
  phone?.append(element);
  setTimeout(() => element.remove(), SHOWN);
}

export function alertBox(phone, text) {
  box(phone, (close) => [h("p", {}, text), h("div", { class: "row" }, h("button", { type: "button", onclick: close }, t("ok")))]);
}

// Telegram asks before it opens a button's link; so does this, and shows where it leads.
export function askToOpen(phone, url) {
  if (!SAFE.test(url)) return;
  box(phone, (close) => [
    h("b", {}, t("open_link")), h("p", {}, h("code", {}, url)),
    h("div", { class: "row" },
      h("button", { type: "button", onclick: close }, t("cancel")),
      h("a", { href: url, target: "_blank", rel: "noopener noreferrer", onclick: close }, t("open")))]);
}

function box(phone, content) {
  const close = () => element.remove();
  const element = h("div", {
    class: "alert", role: "alertdialog", "aria-modal": "true",
    onclick: (event) => { if (event.target === element) close(); },
    onkeydown: (event) => { if (event.key === "Escape") close(); },
  }, h("div", {}, content(close)));
  phone?.append(element);
  element.querySelector(".row > :last-child").focus();
}
