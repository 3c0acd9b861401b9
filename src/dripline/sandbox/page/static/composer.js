// What is under the messages: Start, Unblock, or the line to write in.

import { complain } from "./dialogs.js";
import { button, h, icon, replace } from "./dom.js";
import { post, upload } from "./server.js";
import { state } from "./store.js";
import { t } from "./words.js";

export function composer(foot, { contact, key, sent }) {
  const field = h("textarea", { rows: 1, maxlength: 4096 });
  const file = h("input", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp", hidden: true });
  const commands = h("div", { class: "commands", hidden: true });
  let mode = null;
  let keyboard = null;

  const say = (text) => post(`chats/${key}/text`, { text, user: contact }).then(sent, complain);
  const start = () => post(`chats/${key}/start`).then(sent, complain);

  function submit() {
    const text = field.value.trim();
    if (!text) return;
    field.value = "";
    grow();
    say(text);
  }

  function grow() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 120)}px`;
    offer(field.value);
  }

  function known() {
    const bot = state.bots.get(state.chats.get(key)?.bot);
    const language = state.contacts.get(contact)?.language;
    return bot?.commands[language] || bot?.commands[""] || [];
  }

  // Commands that begin with what is typed; all of them when the menu is pressed.
  function offer(typed, all = false) {
    const found = typed.startsWith("/") || all ? known().filter(({ command }) => all || `/${command}`.startsWith(typed.split(" ")[0])) : [];
    commands.hidden = !found.length || (typed.includes(" ") && !all);
    replace(commands, found.map(({ command, description }) => h("button", {
      type: "button", onclick: () => { commands.hidden = true; field.value = ""; say(`/${command}`); },
    }, h("b", {}, `/${command}`), h("span", {}, description))));
  }

  function draw() {
    const chat = state.chats.get(key);
    if (!chat) return;
    const next = modeOf(chat);
    const answers = JSON.stringify([chat.reply_keyboard, known().length]);
    if (next === mode && answers === keyboard) return;
    mode = next;
    keyboard = answers;
    if (mode === "write") replace(foot, commands, line(), answerKeys(chat));
    else replace(foot, wide(chat));
  }

  function modeOf(chat) {
    if (state.contacts.get(contact)?.deleted) return "gone";
    if (!chat.contact) return chat.kind === "channel" && !["creator", "administrator"].includes(chat.members[contact]) ? "listen" : "write";
    if (chat.blocked) return "blocked";
    return chat.started ? "write" : "start";
  }

  function wide() {
    if (mode === "start") return h("button", { class: "wide-button start", type: "button", onclick: start }, t("start"));
    if (mode === "blocked") return h("button", { class: "wide-button", type: "button", onclick: start }, t("restart"));
    return h("button", { class: "wide-button", type: "button", disabled: true }, t(mode === "gone" ? "deleted" : "mute"));
  }

  function line() {
    field.placeholder = t("message");
    field.setAttribute("aria-label", t("message"));
    const menu = known().length
      ? h("button", { class: "tool menu", type: "button", onclick: () => (commands.hidden ? offer("/", true) : (commands.hidden = true)) }, icon("menu"), t("commands")) : null;
    return h("div", { class: "line" }, menu, button(t("attach"), "clip", () => file.click()), field, button(t("send"), "send", submit, "tool send"), file);
  }

  function answerKeys(chat) {
    if (!chat.reply_keyboard) return null;
    return h("div", { class: "answers" }, chat.reply_keyboard.keyboard.map((row) => h("div", {}, row.map(({ text }) =>
      h("button", { type: "button", onclick: () => say(text) }, text)))));
  }

  field.addEventListener("input", grow);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
    if (event.key === "Escape") commands.hidden = true;
  });
  file.addEventListener("change", () => {
    const [picture] = file.files;
    file.value = "";
    if (picture) upload(`chats/${key}/photo?name=${encodeURIComponent(picture.name)}&user=${contact}`, picture).then(sent, complain);
  });
  field.addEventListener("paste", (event) => {
    const picture = [...event.clipboardData.files].find((item) => item.type.startsWith("image/"));
    if (picture) { event.preventDefault(); upload(`chats/${key}/photo?name=${encodeURIComponent(picture.name)}&user=${contact}`, picture).then(sent, complain); }
  });
  return { draw };
}
