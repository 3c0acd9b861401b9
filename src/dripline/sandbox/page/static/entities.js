// A text with entities as elements. Offsets are UTF-16 units, which is what JavaScript counts in.

import { h } from "./dom.js";
import { t } from "./words.js";

const SAFE = /^(https?:|mailto:|tel:|tg:)/i;

export function rich(text, entities, act) {
  return pieces(text, 0, text.length, [...(entities || [])], act);
}

// Entities are nested: each is an element around what lies inside it.
function pieces(text, from, to, entities, act) {
  const nodes = [];
  let at = from;
  const say = (until) => {
    const words = text.slice(at, until);
    // A quote or a block of code is a line of its own; the line break after it is already there.
    const block = ["BLOCKQUOTE", "PRE"].includes(nodes.at(-1)?.tagName);
    if (words) nodes.push(block ? words.replace(/^\n/, "") : words);
  };
  while (entities.length) {
    const entity = entities.shift();
    const begin = Math.max(entity.offset, at);
    const end = Math.min(entity.offset + entity.length, to);
    if (end <= begin) continue;
    if (begin > at) say(begin);
    const inside = entities.filter((other) => other.offset < end);
    entities = entities.filter((other) => other.offset + other.length > end);
    nodes.push(element(entity, text.slice(begin, end), pieces(text, begin, end, inside, act), act));
    at = end;
    entities = entities.map((other) => (other.offset < end ? { ...other, offset: end, length: other.offset + other.length - end } : other));
  }
  if (at < to) say(to);
  return nodes;
}

function element(entity, words, inside, act) {
  switch (entity.type) {
    case "bold": return h("b", {}, inside);
    case "italic": return h("i", {}, inside);
    case "underline": return h("u", {}, inside);
    case "strikethrough": return h("s", {}, inside);
    case "code": return h("code", {}, inside);
    case "pre": return h("pre", { "data-language": entity.language }, inside);
    case "blockquote": return h("blockquote", {}, trimmed(inside));
    case "expandable_blockquote": return folding(trimmed(inside));
    case "spoiler": return spoiler(inside);
    case "text_link": return link(entity.url, inside, act, true);
    case "url": return link(/^[a-z]+:\/\//i.test(words) ? words : `http://${words}`, inside, act, false);
    case "email": return link(`mailto:${words}`, inside, act, false);
    case "bot_command": return h("button", { class: "cmd", type: "button", onclick: () => act.command(words) }, inside);
    case "mention": case "hashtag": case "cashtag": case "text_mention": return h("span", { class: "who" }, inside);
    default: return h("span", {}, inside);
  }
}

function trimmed(nodes) {
  const last = nodes.at(-1);
  return typeof last === "string" ? [...nodes.slice(0, -1), last.replace(/\n$/, "")] : nodes;
}

function folding(inside) {
  const quote = h("blockquote", { class: "folded", tabindex: 0, onclick: () => quote.classList.toggle("folded") }, inside);
  return quote;
}

function spoiler(inside) {
  const open = (event) => { hidden.classList.add("open"); hidden.removeAttribute("role"); event.stopPropagation(); };
  const hidden = h("span", {
    class: "spoiler", role: "button", tabindex: 0, "aria-label": t("spoiler"), onclick: open,
    onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") open(event); },
  }, inside);
  return hidden;
}

function link(url, inside, act, disguised) {
  if (!SAFE.test(url)) return h("span", {}, inside);
  return h("a", {
    href: url, target: "_blank", rel: "noopener noreferrer", title: url,
    onclick: (event) => { if (act.link(url, disguised)) event.preventDefault(); },
  }, inside);
}
