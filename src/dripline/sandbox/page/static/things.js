// Dice, places, contacts and polls; stickers and round videos, which have no bubble around them.

import { h, icon } from "./dom.js";
import { length, t } from "./words.js";

const NO_BUBBLE = ["sticker", "video_note"];

export const isBare = (message) => Boolean(message.thing?.dice || NO_BUBBLE.includes(message.media?.kind));

// What stands in the bubble besides words; null for what is drawn elsewhere.
export function thingOf(message) {
  const { thing, media } = message;
  if (media?.kind === "sticker") return sticker(media);
  if (media?.kind === "video_note") return round(media);
  if (!thing) return null;
  if (thing.dice) return h("div", { class: "dice" }, h("span", { "aria-hidden": "true" }, thing.dice.emoji), h("b", { class: "tnum", "aria-label": `${t("dice")} ${thing.dice.value}` }, thing.dice.value));
  if (thing.venue) return card("📍", thing.venue.title || t("venue"), thing.venue.address || degrees(thing.location));
  if (thing.location) return card("📍", t(thing.location.live_period ? "live_location" : "location"), degrees(thing.location));
  if (thing.contact) return card("👤", nameOf(thing.contact), thing.contact.phone_number);
  return thing.poll ? poll(thing.poll) : null;
}

// The same in a line, for the list of chats.
export function thingWords(message) {
  const { thing, media } = message;
  if (media?.kind === "sticker") return `${media.emoji} ${t("sticker")}`.trim();
  if (media) return t(media.kind);
  if (thing?.dice) return `${thing.dice.emoji} ${thing.dice.value}`;
  if (thing?.venue) return `📍 ${thing.venue.title || t("venue")}`;
  if (thing?.location) return `📍 ${t("location")}`;
  if (thing?.contact) return `👤 ${nameOf(thing.contact)}`;
  return thing?.poll ? `📊 ${thing.poll.question}` : "";
}

const nameOf = (contact) => [contact.first_name, contact.last_name].filter(Boolean).join(" ");
const degrees = ({ latitude, longitude }) => `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`;

function card(sign, title, about) {
  return h("div", { class: "files" }, h("div", { class: "file" },
    h("span", { class: "disc sign", "aria-hidden": "true" }, sign),
    h("span", { class: "what" }, h("b", { dir: "auto" }, title), h("span", { class: "tnum", dir: "auto" }, about))));
}

function poll(item) {
  const quiz = item.type === "quiz";
  const kind = item.is_closed ? t("poll_closed") : [item.is_anonymous ? t("anonymous") : "", t(quiz ? "quiz" : "poll")].filter(Boolean).join(" · ");
  const right = new Set(item.correct_option_ids);
  const shape = item.allows_multiple_answers ? "many" : "one";
  return h("div", { class: "poll" }, h("b", { dir: "auto" }, item.question), h("span", { class: "kind" }, `📊 ${kind}`),
    h("ul", {}, item.options.map((option, at) => h("li", { class: right.has(at) ? `${shape} right` : shape, dir: "auto" }, option.text))));
}

const SIDE = 180; // of a sticker, in pixels; its room is kept before it is loaded

function sticker(media) {
  const { width, height } = { width: media.width || SIDE, height: media.height || SIDE };
  const scale = SIDE / Math.max(width, height);
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  if (media.mime.startsWith("image/")) return h("img", { class: "sticker", src: media.url, alt: media.emoji || t("sticker"), ...size });
  if (!media.mime.startsWith("video/")) return h("span", { class: "sticker", role: "img", "aria-label": t("sticker") }, media.emoji || "🖼");
  const film = h("video", { class: "sticker", src: media.url, muted: true, autoplay: true, loop: true, playsinline: true, "aria-label": t("sticker"), ...size });
  film.muted = true;
  return film;
}

function round(media) {
  const film = h("video", { src: `${media.url}#t=0.1`, preload: "metadata", playsinline: true });
  const badge = h("span", { class: "badge" }, length(media.duration));
  const sign = h("span", { class: "play" }, icon("play"));
  film.onloadedmetadata = () => { if (!media.duration && Number.isFinite(film.duration)) badge.textContent = length(film.duration); };
  film.onplay = () => { sign.hidden = true; };
  film.onpause = () => { sign.hidden = false; };
  return h("button", {
    class: "tile film round", type: "button", "aria-label": t("video_note"),
    onclick: () => (film.paused ? film.play().catch(() => {}) : film.pause()),
  }, film, sign, badge);
}
