// Photos as a mosaic, videos, files, music and voice; and the viewer they open in.

import { button, h, icon } from "./dom.js";
import { fileSize, length, t } from "./words.js";

const WIDTH = 300;
const TALLEST = 380;

export const isPicture = (media) => media.kind === "photo" || media.kind === "video" || media.kind === "animation";

// Rows are chosen so that the whole comes closest to a pleasant height; each row keeps its pictures' shapes.
export function mosaic(items) {
  const shapes = items.map(({ width, height }) => Math.min(2.2, Math.max(0.5, (width || 4) / (height || 3))));
  const best = items.length === 1 ? { rows: [1] } : arrangements(shapes);
  const box = h("div", { class: "mosaic" });
  let at = 0;
  for (const count of best.rows) {
    const row = h("div", { class: "row" });
    const ratio = shapes.slice(at, at + count).reduce((sum, shape) => sum + shape, 0);
    for (let i = at; i < at + count; i += 1) row.append(tile(items, i, shapes[i]));
    row.style.aspectRatio = String(items.length === 1 ? single(items[0]) : ratio);
    box.append(row);
    at += count;
  }
  return box;
}

export function mosaicWidth(items) {
  if (items.length > 1) return WIDTH;
  const { width, height } = sizeOf(items[0]);
  return Math.round(Math.max(150, Math.min(WIDTH, width, (TALLEST * width) / height)));
}

const sizeOf = (media) => ({ width: media.width || 320, height: media.height || 200 });
const single = (media) => { const { width, height } = sizeOf(media); return Math.max(width / height, mosaicWidth([media]) / TALLEST); };

function arrangements(shapes) {
  let best = null;
  const target = WIDTH * (shapes.length < 4 ? 0.9 : 1.1);
  const search = (at, rows, height, tallest, shortest) => {
    if (at === shapes.length) {
      const uneven = (tallest / shortest - 1) * 60;
      const score = Math.abs(height - target) + uneven + (shortest < 62 ? 200 : 0);
      if (!best || score < best.score) best = { rows, score };
      return;
    }
    for (let count = 1; count <= Math.min(4, shapes.length - at); count += 1) {
      const ratio = shapes.slice(at, at + count).reduce((sum, shape) => sum + shape, 0);
      const rowHeight = WIDTH / ratio;
      search(at + count, [...rows, count], height + rowHeight, Math.max(tallest, rowHeight), Math.min(shortest, rowHeight));
    }
  };
  search(0, [], 0, 0, Infinity);
  return best;
}

function tile(items, at, shape) {
  const media = items[at];
  const element = h("button", {
    class: `tile ${media.kind === "photo" ? "" : "film"} ${media.spoiler ? "veiled" : ""}`, type: "button",
    "aria-label": `${t(media.kind)} ${media.name || ""}`,
    onclick: () => { if (element.classList.contains("veiled")) element.classList.remove("veiled"); else view(items, at); },
  });
  element.style.flex = `${shape * 10} 1 0`; // below 1 in all, they would not fill the row
  if (media.kind === "photo" || media.mime.startsWith("image/")) element.append(h("img", { src: media.url, alt: media.name, loading: "lazy" }));
  else element.append(...film(media));
  return element;
}

function film(media) {
  const video = h("video", { src: `${media.url}#t=0.1`, preload: "metadata", muted: true, playsinline: true });
  video.muted = true;
  const badge = h("span", { class: "badge" }, media.kind === "animation" ? "GIF" : length(media.duration));
  if (media.kind === "video" && !media.duration) video.onloadedmetadata = () => { badge.textContent = length(video.duration || 0); };
  return [video, h("span", { class: "play" }, icon("play")), badge];
}

function view(items, at) {
  const dialog = h("dialog", { class: "viewer", "aria-label": t(items[at].kind) });
  const show = (index) => {
    const media = items[(index + items.length) % items.length];
    const content = media.kind === "photo" || media.mime.startsWith("image/")
      ? h("img", { src: media.url, alt: media.name })
      : h("video", { src: media.url, controls: true, autoplay: true, playsinline: true });
    const turns = items.length > 1
      ? [turn("prev", "back", () => show(index - 1)), turn("next", "play", () => show(index + 1))] : [];
    dialog.replaceChildren(content, ...turns, button(t("close"), "close", () => dialog.close(), "close"));
    dialog.onkeydown = (event) => {
      if (event.key === "ArrowLeft") show(index - 1);
      if (event.key === "ArrowRight") show(index + 1);
    };
  };
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => dialog.remove());
  show(at);
  document.body.append(dialog);
  dialog.showModal();
}

const turn = (cls, name, act) => button(cls, name, act, `turn ${cls}`);

export function fileRow(media) {
  if (media.kind === "voice" || media.kind === "audio") return sound(media);
  return h("a", { class: "file", href: media.url, download: media.name || "file" },
    h("span", { class: "disc" }, icon("doc")),
    h("span", { class: "what" }, h("b", {}, media.name || t("document")), h("span", {}, fileSize(media.size))));
}

function sound(media) {
  const player = new Audio(media.url);
  player.preload = media.duration ? "none" : "metadata"; // a bot need not say how long it lasts
  const sign = h("span", { class: "disc solid" }, icon("play"));
  const time = h("span");
  const bars = media.kind === "voice" ? wave(media) : null;
  const title = bars || h("b", {}, media.title || media.name || t("audio"));
  const tell = (seconds) => { time.textContent = [media.performer, length(seconds)].filter(Boolean).join(" · "); };
  tell(media.duration);
  player.onloadedmetadata = () => { if (!media.duration && Number.isFinite(player.duration)) tell(player.duration); };
  const row = h("button", {
    class: "file", type: "button", "aria-label": t(media.kind),
    onclick: () => (player.paused ? player.play().catch(() => {}) : player.pause()),
  }, sign, h("span", { class: "what" }, title, time));
  player.onplay = () => sign.replaceChildren(icon("pause"));
  player.onpause = () => sign.replaceChildren(icon("play"));
  player.ontimeupdate = () => {
    if (!row.isConnected) player.pause(); // its message is gone, and with it the button that ends it
    [...(bars?.children || [])].forEach((bar, i) =>
      bar.classList.toggle("played", i / bars.children.length < player.currentTime / (player.duration || 1)));
  };
  return row;
}

// The real waveform would have to be decoded; this one is only always the same for the same file.
function wave(media) {
  let seed = media.size + media.duration * 7919;
  const bars = Array.from({ length: 32 }, (_, i) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    const bar = h("i");
    bar.style.height = `${Math.round(4 + (seed / 2147483648) * 15 * (0.45 + 0.55 * Math.sin((i / 32) * Math.PI)))}px`;
    return bar;
  });
  return h("span", { class: "wave" }, bars);
}
