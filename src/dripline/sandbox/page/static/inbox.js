// The mailbox of the chosen contact: a list of emails, or one of them as a mail program shows it.

import { complain, note } from "./dialogs.js";
import { avatar, button, h, icon, replace } from "./dom.js";
import { follow, inside } from "./links.js";
import { post } from "./server.js";
import { mailsOf, now, on, state } from "./store.js";
import { listTime, t } from "./words.js";

export function inboxPanel(root, { go }) {
  let contact = null;
  let opened = null;

  function choose(next) {
    if (next === contact) return;
    contact = next;
    opened = null;
    draw();
  }

  function draw() {
    const mail = mailsOf(contact).find((one) => one.id === opened);
    replace(root, ...(mail ? letter(mail) : list()));
  }

  function list() {
    const person = state.contacts.get(contact);
    const mails = mailsOf(contact);
    const header = h("header", {}, person ? avatar(person.id, person.name) : null,
      h("div", { class: "about" }, h("h2", {}, person ? t("inbox_of", { name: person.first_name }) : t("inbox")), h("p", { class: "address" }, person?.email || "")));
    if (mails.length) return [header, h("div", { class: "mails" }, mails.map(row))];
    return [header, h("div", { class: "empty" }, icon("mail"), person?.email ? hint(person.email) : t("inbox_none"))];
  }

  function hint(address) {
    const command = `/email ${address}`;
    const copy = () => navigator.clipboard.writeText(command).then(() => note(t("copied")), () => note(command));
    return [h("p", {}, t("inbox_hint")), h("button", { class: "command", type: "button", title: t("copy"), onclick: copy }, h("code", {}, command), icon("copy"))];
  }

  function row(mail) {
    return h("button", { class: `mail ${mail.read ? "" : "unread"}`, type: "button", onclick: () => open(mail) },
      avatar([...mail.sender].reduce((sum, c) => sum + c.codePointAt(0), 0), mail.sender, "small"),
      h("span", { class: "about" },
        h("span", { class: "top" }, h("b", {}, mail.sender), h("time", {}, listTime(mail.date, now()))),
        h("span", { class: "subject" }, mail.subject),
        h("span", { class: "snippet" }, mail.snippet)));
  }

  function open(mail) {
    opened = mail.id;
    draw();
    if (!mail.read) post(`mail/${mail.id}/read`).catch(() => {});
  }

  function letter(mail) {
    const back = h("button", { class: "back", type: "button", "aria-label": t("inbox"), title: t("inbox"), onclick: () => { opened = null; draw(); } }, icon("back"));
    const leave = mail.left
      ? h("span", { class: "left" }, icon("check"), t("has_left"))
      : mail.can_leave && h("button", { class: "leave", type: "button", onclick: () => unsubscribe(mail) }, t("unsubscribe"));
    const header = h("header", { class: "letter" }, back,
      h("div", { class: "about" }, h("h2", {}, mail.subject), h("p", {}, `${mail.sender} · ${listTime(mail.date, now())}`)), leave);
    const frame = h("iframe", {
      src: `mail/${mail.id}`, title: mail.subject, sandbox: "allow-same-origin allow-popups allow-popups-to-escape-sandbox",
    });
    frame.addEventListener("load", () => takeLinks(frame));
    return [header, frame];
  }

  // Links into the sandbox's own bots are followed here; all others open in a window of their own.
  function takeLinks(frame) {
    for (const link of frame.contentDocument?.querySelectorAll("a[href]") || []) {
      link.target = "_blank";
      link.rel = "noopener";
      const target = inside(link.href);
      if (target) link.addEventListener("click", (event) => { event.preventDefault(); follow(target, contact).then((where) => go(contact, where), complain); });
    }
  }

  function unsubscribe(mail) {
    post(`mail/${mail.id}/leave`).then(() => note(t("has_left")), complain);
  }

  on("mail", (mail) => {
    if (mail.contact !== contact) return;
    if (opened === null || opened === mail.id) {
      const frame = opened === mail.id && root.querySelector("iframe");
      if (frame) root.querySelector("header").replaceWith(letter(mail)[0]); else draw();
    }
  });
  on("all", () => { if (opened === null) draw(); });
  return { choose, draw };
}
