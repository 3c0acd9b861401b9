// Puts the page together: bar, contacts, as many phones as fit, and why.

import { clockBar } from "./clockbar.js";
import { askForContact, note } from "./dialogs.js";
import { h, icon, replace } from "./dom.js";
import { phone } from "./phone.js";
import { inboxPanel } from "./inbox.js";
import { drawRail } from "./rail.js";
import { connect, on, state, unreadMails } from "./store.js";
import { currentLanguage, t } from "./words.js";
import { whyPanel } from "./why.js";

const root = (id) => document.getElementById(id);
const PHONE = 330; // the narrowest a phone may become
const REMEMBERED = "sandbox.phones";

let phones = []; // in the order they stand
let chosen = null;
const why = whyPanel(root("why"));
const inbox = inboxPanel(root("inbox"), { go: arrived });
const bar = clockBar(root("bar"), { languageChanged: redraw });

function capacity() {
  if (matchMedia("(max-width: 700px)").matches) return 1;
  return Math.max(1, Math.floor((root("phones").clientWidth - 20) / (PHONE + 14)));
}

function wanted() {
  const remembered = JSON.parse(localStorage.getItem(REMEMBERED) || "[]").filter((id) => state.contacts.has(id));
  const others = [...state.contacts.keys()].filter((id) => !remembered.includes(id) && !closedByHand.has(id));
  return [...remembered, ...others];
}

const closedByHand = new Set();

function arrange() {
  const ids = wanted().slice(0, capacity());
  for (const item of phones.filter((one) => !ids.includes(one.contact))) item.end();
  phones = ids.map((id) => phones.find((one) => one.contact === id) || phone(id, { chosen: id === chosen, choose, closed: close }));
  if (!ids.includes(chosen)) chosen = ids[0] ?? null;
  const standing = [...root("phones").children];
  const roots = phones.map((item) => item.root);
  if (standing.length !== roots.length || roots.some((element, at) => standing[at] !== element)) replace(root("phones"), roots.length ? roots : nobody());
  phones.forEach((item) => item.choose(item.contact === chosen && phones.length > 1));
  rail();
  follow();
}

function nobody() {
  return h("div", { class: "nobody" }, h("img", { src: "static/icon.svg", alt: "" }), h("h1", {}, t("nobody_title")), t("nobody"),
    h("button", { class: "jump", type: "button", onclick: add }, icon("plus"), t("add_contact")));
}

function rail() {
  drawRail(root("rail"), { opened: new Set(phones.map((item) => item.contact)), choose: open, add });
}

function choose(contact) {
  chosen = contact;
  phones.forEach((item) => item.choose(item.contact === contact && phones.length > 1));
  follow();
}

function follow() {
  const item = phones.find((one) => one.contact === chosen);
  if (item?.key) why.choose(item.key);
  inbox.choose(chosen);
  tabs();
}

// A link of an email led into a chat, or into a group.
function arrived(contact, where) {
  open(contact);
  const key = where.key || (!where.asked && where.chat.key);
  if (key) phones.find((item) => item.contact === contact)?.open(key);
}

// A contact whose phone is not shown takes the place of the one that is not being looked at.
function open(contact) {
  closedByHand.delete(contact);
  if (!phones.some((item) => item.contact === contact)) {
    const shown = phones.map((item) => item.contact);
    if (shown.length >= capacity()) shown.splice(Math.max(0, shown.findLastIndex((id) => id !== chosen)), 1);
    remember([...shown, contact]);
    arrange();
  }
  choose(contact);
  document.body.dataset.tab = "chat";
  tabs();
}

function close(contact) {
  closedByHand.add(contact);
  remember(phones.map((item) => item.contact).filter((id) => id !== contact));
  arrange();
}

function remember(ids) {
  localStorage.setItem(REMEMBERED, JSON.stringify(ids));
}

function add() {
  askForContact((contact) => open(contact.id));
}

// Narrow, one of chat, inbox and why is shown; wide, inbox or why stands beside the phones.
function tabs() {
  const unread = unreadMails(chosen);
  const tab = (name, sign, chosenNow, show) => h("button", {
    type: "button", role: "tab", "aria-selected": String(chosenNow), onclick: () => { show(); tabs(); why.draw(); why.refresh(); },
  }, icon(sign), t(name), name === "inbox" && unread ? h("span", { class: "count" }, unread) : null);
  const { tab: shown, side } = document.body.dataset;
  const beside = (name, sign, chosenNow) => tab(name, sign, chosenNow, () => {
    document.body.dataset.side = name;
    if (document.body.dataset.tab !== "chat" || matchMedia("(max-width: 700px)").matches) document.body.dataset.tab = name;
  });
  replace(root("views"), beside("inbox", "mail", side === "inbox"), beside("why", "why", side === "why"));
  replace(root("tabs"), tab("chat", "chat", shown === "chat", () => { document.body.dataset.tab = "chat"; }),
    beside("inbox", "mail", shown === "inbox"), beside("why", "why", shown === "why"));
}

function redraw() {
  document.documentElement.lang = currentLanguage();
  bar.draw();
  tabs();
  phones.forEach((item) => item.redraw());
  rail();
  inbox.draw();
  why.draw();
  why.refresh();
}

document.body.dataset.tab = "chat";
document.body.dataset.side = "why";
document.documentElement.lang = currentLanguage();
on("all", () => { phones.forEach((item) => item.redraw()); arrange(); });
on("contacts", rail);
on("chat", rail);
on("mail", tabs);
on("lost", () => note(t("lost")));
let resizing = null;
addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(arrange, 120); });
bar.draw();
tabs();
connect();
