// The panel that tells what happened to the chosen contact, and why.

import { avatar, h, icon, replace } from "./dom.js";
import { get } from "./server.js";
import { now, on, state } from "./store.js";
import { currentLanguage, dayName, dayNumber, hourMinuteSecond, shortMoment, span, t } from "./words.js";

const SIGNS = {
  sent: "check", waiting: "clock", skipped: "skip", switched: "swap", capped: "pause", blocked: "ban", parked: "pause",
  failed: "close", retry: "retry", completed: "flag", entered: "play", resumed: "play", stopped: "pause", event: "star",
};
const EVERY = 2000;

export function whyPanel(root) {
  let key = null;
  let entries = [];
  let drawn = "";
  let asked = 0;
  let today = dayNumber(now());
  const soon = h("div", { class: "soon", hidden: true });

  async function refresh() {
    if (!key || root.offsetParent === null) return;
    const mine = asked += 1;
    try {
      const answer = await get(`chats/${key}/why?language=${currentLanguage()}`);
      if (mine !== asked) return;
      entries = answer.entries;
    } catch { return; }
    const picture = JSON.stringify([key, entries]);
    if (picture !== drawn) draw();
  }

  function choose(next) {
    if (next === key) return;
    key = next;
    entries = [];
    draw();
    refresh();
  }

  function draw() {
    const old = root.querySelector(".list");
    const stuck = !old || old.scrollHeight - old.scrollTop - old.clientHeight < 60;
    const before = JSON.parse(drawn || "[null,[]]");
    const known = before[0] === key && before[1].length ? before[1].length : entries.length;
    drawn = JSON.stringify([key, entries]);
    today = dayNumber(now());
    const chat = state.chats.get(key);
    const contact = state.contacts.get(chat?.contact);
    const past = entries.filter((entry) => !entry.due || entry.due <= now());
    const name = contact?.first_name || chat?.title || "";
    const header = h("header", {}, contact ? avatar(contact.id, contact.name) : null,
      h("div", { class: "about" }, h("h2", {}, name ? t("why_of", { name }) : t("why")), h("p", {}, t("why_hint"))));
    const list = past.length
      ? h("ol", { class: "list", tabindex: 0 }, lines(past, known))
      : h("div", { class: "empty" }, icon("why"), t(state.explained ? "why_none" : "why_alone"));
    replace(root, header, soon, list);
    drawSoon();
    if (past.length && stuck) list.scrollTop = list.scrollHeight;
  }

  function dayTurned() {
    if (dayNumber(now()) !== today) draw();
  }

  function drawSoon() {
    const coming = entries.filter((entry) => entry.due && entry.due > now()).sort((a, b) => a.due - b.due)[0];
    soon.hidden = !coming;
    if (!coming) return;
    replace(soon, h("small", {}, t("coming")), h("b", {}, coming.title),
      h("span", {}, `${t("in", { time: span(coming.due - now()) })} · ${shortMoment(coming.due)}`),
      coming.detail ? h("span", {}, coming.detail) : null, tagsOf(coming));
  }

  on("chat", (event) => { if (event.chat.key === key) { setTimeout(refresh, 120); setTimeout(refresh, 700); } });
  on("clock", () => { dayTurned(); drawSoon(); });
  on("all", draw);
  setInterval(refresh, EVERY);
  setInterval(() => { dayTurned(); drawSoon(); }, 500);
  return { choose, draw, refresh };
}

function lines(entries, known) {
  const nodes = [];
  entries.forEach((entry, at) => {
    if (!at || dayNumber(entries[at - 1].at) !== dayNumber(entry.at)) nodes.push(h("li", { class: "date" }, dayName(entry.at, now())));
    nodes.push(line(entry, at >= known));
  });
  return nodes;
}

function line(entry, fresh) {
  return h("li", { class: `entry k-${/^[a-z_]+$/.test(entry.kind) ? entry.kind : "event"} ${fresh ? "new" : ""}` },
    h("span", { class: "sign" }, icon(SIGNS[entry.kind] || "dot")),
    h("div", { class: "line1" }, h("b", {}, entry.title), h("time", {}, hourMinuteSecond(entry.at))),
    entry.detail ? h("p", {}, entry.detail) : null,
    tagsOf(entry));
}

function tagsOf(entry) {
  const tags = [entry.scenario, entry.message_id].filter(Boolean);
  return tags.length ? h("div", { class: "tags" }, tags.map((tag) => h("span", {}, tag))) : null;
}
