// Messages as bubbles: groups, albums, days, keyboards.

import { arrange, h, icon } from "./dom.js";
import { rich } from "./entities.js";
import { fileRow, isPicture, mosaic, mosaicWidth } from "./media.js";
import { state } from "./store.js";
import { isBare, thingOf, thingWords } from "./things.js";
import { dayName, dayNumber, hourMinute, t } from "./words.js";

const TOGETHER = 600; // seconds within which bubbles of one sender stand close

// Albums become one item: {messages: [...], ...}; everything else is alone.
export function items(messages) {
  const result = [];
  for (const message of messages) {
    const last = result.at(-1);
    if (message.album && last?.album === message.album) last.messages.push(message);
    else result.push({ album: message.album, messages: [message] });
  }
  return result;
}

// `drawn` is what was drawn before. A bubble that says the same stays: opened, selected, playing.
export function draw(messages, view, drawn) {
  const days = []; // each day in a box of its own, so that its label sticks only while it is seen
  const list = items(messages);
  const keep = keeper(drawn);
  list.forEach((item, at) => {
    const message = item.messages[0];
    const before = list[at - 1]?.messages[0];
    if (!before || dayNumber(before.date) !== dayNumber(message.date)) {
      const name = dayName(message.date, view.now());
      const label = keep(`day ${message.id}`, name, () => h("div", { class: "day" }, name));
      days.push({ box: keep(`box ${message.id}`, "", () => h("div", { class: "daybox" })), parts: [label] });
    }
    const { parts } = days.at(-1);
    if (view.freshFrom === message.id) parts.push(keep("fresh", "", () => h("div", { class: "fresh" }, t("unread"))));
    if (message.service) parts.push(keep(`service ${message.id}`, "", () => service(message, view)));
    else parts.push(bubble(item, view, keep, { first: !together(before, message), last: !together(message, list[at + 1]?.messages[0]) }));
  });
  keep.end();
  days.forEach(({ box, parts }) => arrange(box, parts));
  return days.map(({ box }) => box);
}

// Gives a part as it was drawn before if it was `made` of the same, else makes it anew.
function keeper(drawn) {
  const used = new Map();
  const keep = (key, made, make) => {
    const old = drawn.get(key);
    used.set(key, old?.made === made ? old : { made, part: make() });
    return used.get(key).part;
  };
  keep.end = () => { drawn.clear(); used.forEach((value, key) => drawn.set(key, value)); };
  return keep;
}

function together(one, other) {
  return Boolean(one && other && !one.service && !other.service && one.sender?.id === other.sender?.id
    && other.date - one.date < TOGETHER && dayNumber(one.date) === dayNumber(other.date));
}

function service(message, view) {
  const pinned = message.service.pinned_message;
  if (!pinned) return h("div", { class: "service" }, serviceWords(message));
  return h("button", { class: "service", type: "button", onclick: () => view.act.show(pinned.message_id) }, serviceWords(message));
}

function serviceWords({ service: said, sender }) {
  const came = said.new_chat_members?.[0];
  if (came) return t("joined", { name: came.first_name });
  if (said.left_chat_member) return t("left", { name: said.left_chat_member.first_name });
  if (said.pinned_message) return sender ? t("pinned", { name: sender.name }) : t("pinned_message");
  return t("migrated");
}

function bubble(item, view, keep, { first, last }) {
  const message = item.messages[0];
  const mine = message.sender?.id === view.contact;
  const said = JSON.stringify([first, item.messages.map((one) => ({ ...one, keyboard: null, reactions: null }))]);
  const article = keep(`message ${message.id}`, said, () =>
    h("article", { class: `msg ${mine ? "mine" : ""}`, "data-id": message.id }, body(item, view, mine, first)));
  const busy = (message.keyboard || []).map((row, at) => row.map((_key, column) => isBusy(message, at, column)));
  const keys = message.keyboard && keep(`keys ${message.id}`, JSON.stringify([message.keyboard, busy]), () => keyboard(message, view, busy));
  const marks = item.messages.flatMap((one) => one.reactions || []);
  const marked = marks.length && keep(`marks ${message.id}`, marks.join(" "), () => reactions(marks));
  for (const [name, on] of Object.entries({ first, last, boxed: Boolean(keys) })) article.classList.toggle(name, on);
  arrange(article, [article.firstChild, marked, keys]);
  return article;
}

// The sign at the end asks for the emoji in colours.
function reactions(marks) {
  return h("div", { class: "reactions" }, marks.map((emoji) => h("span", {}, `${emoji}\ufe0f`)));
}

function body(item, view, mine, first) {
  const message = item.messages[0];
  const words = item.messages.find((one) => one.text) || message;
  const bare = isBare(message);
  const media = bare ? [] : item.messages.map((one) => one.media).filter(Boolean);
  const pictured = media.length > 0 && media.every(isPicture);
  const bubble = h("div", { class: `bubble ${pictured ? "pictured" : ""} ${pictured && words.text ? "captioned" : ""} ${bare ? "bare" : ""}` });
  if (first && !mine && view.group && message.sender) bubble.append(h("div", { class: "who" }, message.sender.name));
  if (message.origin) bubble.append(h("div", { class: "from" }, t("forwarded", { name: originName(message.origin) })));
  if (message.reply_to) bubble.append(quoted(message.reply_to, view));
  const box = pictured ? mosaic(media) : null;
  const text = words.text ? h("div", { class: "text", dir: "auto" }, rich(words.text, words.entities, view.act)) : null;
  if (box && media[0].caption_above && text) { box.classList.add("below"); bubble.append(text, box); }
  else bubble.append(...[box, files(media, pictured), thingOf(message), text].filter(Boolean));
  if (text) text.append(h("span", { class: `tail ${words.edited ? "long" : ""}` }));
  bubble.append(meta(words, mine, bare || (pictured && !words.text)));
  if (pictured) bubble.style.width = `${mosaicWidth(media)}px`;
  return bubble;
}

function files(media, pictured) {
  if (!media.length || pictured) return null;
  return h("div", { class: "files" }, media.map(fileRow));
}

function originName(origin) {
  return origin.sender_user?.first_name || origin.chat?.title || "";
}

function quoted(reply, view) {
  return h("button", { class: "reply", type: "button", onclick: () => view.act.show(reply.id) },
    h("b", {}, reply.sender), h("span", {}, reply.text || (reply.kind ? t(reply.kind) : "")));
}

function meta(message, mine, over) {
  const parts = [];
  if (message.edited) parts.push(h("i", {}, t("edited")));
  parts.push(h("time", { datetime: new Date(message.date * 1000).toISOString() }, hourMinute(message.date)));
  if (mine) parts.push(icon("ticks"));
  return h("span", { class: `meta ${over ? "over" : ""}` }, parts);
}

function keyboard(message, view, busy) {
  return h("div", { class: "keys" }, message.keyboard.map((row, at) =>
    h("div", { class: "row" }, row.map((key, column) => keyOf(message, key, at, column, view, busy[at][column])))));
}

const SIGNS = { url: "link", web_app: "app", copy_text: "copy", login_url: "link" };

function isBusy(message, row, column) {
  return [...state.pending.values()].some((wait) =>
    wait.key === message.chat && wait.message_id === message.id && wait.row === row && wait.column === column);
}

function keyOf(message, key, row, column, view, busy) {
  const kind = Object.keys(SIGNS).find((name) => key[name]);
  const url = key.url || key.web_app?.url || key.login_url?.url;
  const sign = kind ? h("span", { class: "sign" }, icon(SIGNS[kind])) : null;
  const act = () => {
    if (url) view.act.link(url, true);
    else if (key.copy_text) view.act.copy(key.copy_text.text);
    else if (key.callback_data !== undefined) view.act.press(message, row, column);
  };
  return h("button", {
    class: `key ${busy ? "busy" : ""}`, type: "button", title: url, "aria-busy": busy ? "true" : null,
    "aria-label": url ? `${key.text}, ${url}` : null, onclick: act,
  }, h("span", {}, key.text), sign, url ? h("span", { class: "host" }, hostOf(url)) : null);
}

export function hostOf(url) {
  try { const { host, pathname } = new URL(url); return host + (pathname.length > 1 ? decodeURI(pathname) : ""); } catch { return url; }
}

export function preview(message) {
  if (!message) return t("no_messages");
  if (message.service) return serviceWords(message);
  return message.text ? message.text.replace(/\s+/g, " ") : thingWords(message);
}
