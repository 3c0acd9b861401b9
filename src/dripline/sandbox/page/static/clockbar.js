// The bar on top: the sandbox's time, its speed, and what comes next.

import { button, h, icon, replace } from "./dom.js";
import { complain, note, showFaults } from "./dialogs.js";
import { post } from "./server.js";
import { now, on, setClock, state } from "./store.js";
import { chooseLanguage, currentLanguage, hourMinute, hourMinuteSecond, shortMoment, span, t, weekdayDay } from "./words.js";

const SPEEDS = [[0, null], [1, "1×"], [60, "60×"], [3600, "3600×"]];
const DAY_S = 86_400;
const NARROW = matchMedia("(max-width: 700px)");

export function clockBar(root, { languageChanged }) {
  const time = h("b");
  const date = h("span");
  const next = h("div", { class: "next" });
  const speeds = h("div", { class: "speeds", role: "group" });
  const jump = h("button", { class: "jump", type: "button", onclick: jumpAhead });
  let jumping = false;
  let again = false; // pressed once more meanwhile
  const broken = h("span", { class: "count red", hidden: true });
  const faults = button(t("faults"), "bolt", () => showFaults(showBroken).catch(complain));
  const language = h("button", { class: "tool", type: "button", onclick: toggleLanguage });
  faults.append(broken);
  root.append(
    h("div", { class: "brand" }, h("img", { src: "static/icon.svg", alt: "" }), h("b", {}, "dripline"), h("small", {}, "sandbox")),
    h("div", { class: "clock", role: "timer", "aria-live": "off" }, time, date),
    speeds, jump, next, h("div", { class: "gap" }), faults, language);

  function showBroken(count) {
    broken.hidden = !count;
    broken.textContent = count;
  }

  function toggleLanguage() {
    chooseLanguage(currentLanguage() === "en" ? "ru" : "en");
    languageChanged();
  }

  function setSpeed(speed) {
    post("clock", { speed }).then(setClock, complain);
  }

  async function jumpAhead() {
    again = jumping;
    if (jumping) return;
    jumping = true;
    drawNext();
    try {
      const clock = await post("clock/jump");
      setClock(clock);
      note(clock.jumped ? t("jumped", { time: shortMoment(clock.now) }) : t("nothing_to_jump"));
    } catch (error) { complain(error); }
    jumping = false;
    drawNext();
    if (again) jumpAhead();
  }

  function addDay() {
    post("clock/jump", { seconds: DAY_S }).then(setClock, complain);
  }

  function drawSpeeds() {
    speeds.setAttribute("aria-label", t("speed"));
    replace(speeds, SPEEDS.map(([speed, name]) => h("button", {
      type: "button", "aria-pressed": String(state.clock.speed === speed), onclick: () => setSpeed(speed),
      "aria-label": speed ? null : t("paused"), title: speed ? null : t("paused"),
    }, name || icon("pause"))), h("button", {
      class: "add-day", type: "button", onclick: addDay, "aria-label": t("add_day"), title: t("add_day"),
    }, `+1 ${t("day_s")}`));
  }

  function drawNext() {
    const { due } = state.clock;
    jump.disabled = !due || jumping;
    next.classList.toggle("idle", !due);
    if (!due) {
      const begun = [...state.chats.values()].some((chat) => chat.last);
      replace(next, h("b", {}, t(begun ? "all_sent" : "nothing_due")),
        h("span", {}, t(begun ? "all_sent_hint" : "nothing_due_hint")));
      return;
    }
    const left = due.at - now();
    const when = left > 1 ? t("in", { time: span(left, NARROW.matches ? 1 : 2) }) : t("now");
    const moment = shortMoment(due.at);
    replace(next, h("b", {}, `${due.contact} · ${when}`), h("span", {}, NARROW.matches ? moment : `${t("next")}: ${moment}`));
  }

  function tick() {
    const moment = now();
    time.textContent = state.clock.speed > 60 ? hourMinute(moment) : hourMinuteSecond(moment);
    date.textContent = `${weekdayDay(moment)} · ${t("utc")}`;
    drawNext();
  }

  function draw() {
    replace(jump, icon("skip"), h("span", { class: "long" }, NARROW.matches ? t("jump_short") : t("jump")));
    jump.setAttribute("aria-label", t("jump"));
    jump.title = `${t("jump")} (J)`;
    faults.title = t("faults");
    faults.setAttribute("aria-label", t("faults"));
    language.textContent = currentLanguage() === "en" ? "RU" : "EN";
    language.setAttribute("aria-label", currentLanguage() === "en" ? "Русский" : "English");
    drawSpeeds();
    tick();
  }

  on("clock", () => { drawSpeeds(); tick(); });
  setInterval(tick, 250);
  addEventListener("resize", draw);
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, dialog");
    // Also while nothing is known to be due: what was sent just now may have planned the next.
    if (!typing && !event.repeat && event.key.toLowerCase() === "j" && !event.ctrlKey && !event.metaKey) jumpAhead();
  });
  return { draw };
}
