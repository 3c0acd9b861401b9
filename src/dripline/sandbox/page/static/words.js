// The page's language: the browser's at first, then what was chosen.

const known = await (await fetch("static/texts.json")).json();
const remembered = localStorage.getItem("sandbox.language");
const preferred = (navigator.languages || [navigator.language]).map((tag) => tag.slice(0, 2)).find((tag) => tag in known);
let language = remembered in known ? remembered : preferred || "en";

export function currentLanguage() {
  return language;
}

export function chooseLanguage(tag) {
  language = tag;
  localStorage.setItem("sandbox.language", tag);
}

export function t(key, values = {}) {
  const text = known[language][key] ?? known.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// Everything is shown in UTC: the sandbox's time is the engine's.
function moment(seconds, options) {
  return new Intl.DateTimeFormat(language === "ru" ? "ru-RU" : "en-GB", { timeZone: "UTC", ...options }).format(seconds * 1000);
}

export const hourMinute = (seconds) => moment(seconds, { hour: "2-digit", minute: "2-digit" });
export const hourMinuteSecond = (seconds) => moment(seconds, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const dayMonth = (seconds) => moment(seconds, { day: "numeric", month: "long" });
export const weekdayDay = (seconds) => moment(seconds, { weekday: "short", day: "numeric", month: "long", year: "numeric" });
export const shortMoment = (seconds) => moment(seconds, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
export const dayNumber = (seconds) => Math.floor(seconds / 86400);

export function dayName(seconds, now) {
  const behind = dayNumber(now) - dayNumber(seconds);
  if (behind === 0) return t("today");
  return behind === 1 ? t("yesterday") : dayMonth(seconds);
}

export function listTime(seconds, now) {
  return dayNumber(seconds) === dayNumber(now) ? hourMinute(seconds) : moment(seconds, { day: "numeric", month: "short" });
}

export function span(seconds, parts = 2) {
  const units = [["day_s", 86400], ["hour_s", 3600], ["minute_s", 60], ["second_s", 1]];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return `0 ${t("second_s")}`;
  return units.slice(first, first + parts).map(([name, size], i) => {
    const value = Math.floor((i ? seconds % units[first][1] : seconds) / size);
    return value || !i ? `${value} ${t(name)}` : "";
  }).filter(Boolean).join(" ");
}

export function fileSize(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

export function length(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}
