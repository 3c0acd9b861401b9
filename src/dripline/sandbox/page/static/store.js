// What the page knows, and who wants to hear of changes.

import { get, listen } from "./server.js";

export const state = {
  clock: { now: 0, speed: 1, due: null, read: 0 },
  mails: new Map(), bots: new Map(), contacts: new Map(), chats: new Map(), messages: new Map(),
  pending: new Map(), // pressed buttons that wait: query id -> {key, message_id, row, column}
  limits: true, explained: true, loaded: false,
};

const listeners = new Map();

export function on(kind, listener) {
  if (!listeners.has(kind)) listeners.set(kind, new Set());
  listeners.get(kind).add(listener);
  return () => listeners.get(kind).delete(listener);
}

export function tell(kind, detail) {
  for (const listener of [...(listeners.get(kind) || [])]) listener(detail);
}

export function now() {
  const { now: at, speed, read } = state.clock;
  return at + ((performance.now() - read) / 1000) * speed;
}

export function setClock(clock) {
  // An answer and the feed may overtake each other.
  if (state.clock.number > clock.number) return;
  state.clock = { ...clock, read: performance.now() };
  tell("clock", state.clock);
}

export async function reload() {
  const fresh = await get("state");
  state.bots = new Map(fresh.bots.map((bot) => [bot.id, bot]));
  state.contacts = new Map(fresh.contacts.map((contact) => [contact.id, contact]));
  state.chats = new Map(fresh.chats.map((chat) => [chat.key, chat]));
  state.mails = new Map(fresh.mail.map((mail) => [mail.id, mail]));
  state.limits = fresh.limits;
  state.explained = fresh.explained;
  state.loaded = true;
  state.clock.number = 0; // the sandbox may have been started anew
  setClock(fresh.clock);
  tell("all");
}

export async function messagesOf(key) {
  if (!state.messages.has(key)) {
    const loading = get(`chats/${key}`).then((answer) => {
      state.chats.set(key, answer.chat);
      state.messages.set(key, answer.messages);
      return answer.messages;
    });
    state.messages.set(key, loading);
    loading.catch(() => state.messages.delete(key));
  }
  return state.messages.get(key);
}

// The chats a contact sees, the newest first.
export function chatsOf(contact) {
  const mine = [...state.chats.values()].filter((chat) =>
    chat.contact ? chat.contact === contact : ["creator", "administrator", "member"].includes(chat.members[contact]) && !chat.migrated_to);
  return mine.sort((a, b) => (b.last?.date || 0) - (a.last?.date || 0) || (b.contact ? 1 : 0) - (a.contact ? 1 : 0));
}

export function unreadOf(contact) {
  return chatsOf(contact).reduce((sum, chat) => sum + (chat.contact ? chat.unread : 0), 0);
}

// The emails of a contact, the newest first.
export function mailsOf(contact) {
  return [...state.mails.values()].filter((mail) => mail.contact === contact).sort((a, b) => b.id - a.id);
}

export function unreadMails(contact) {
  return mailsOf(contact).filter((mail) => !mail.read).length;
}

let reloading = null;
function reloadSoon() {
  clearTimeout(reloading);
  reloading = setTimeout(reload, 60);
}

function change(event) {
  if (event.mail) {
    state.mails.set(event.mail.id, event.mail);
    tell("mail", event.mail);
  }
  if (event.chat) {
    const known = state.chats.has(event.chat.key);
    state.chats.set(event.chat.key, event.chat);
    if (!known) tell("contacts");
  }
  if (event.contact) contactChanged(event.contact);
  const list = event.chat && state.messages.get(event.chat.key);
  if (Array.isArray(list)) updateMessages(list, event);
  else if (list && event.message) list.then((late) => updateMessages(late, event));
  if (event.kind === "answered") tell("answered", event.query);
  if (event.chat) tell("chat", event);
}

function contactChanged(contact) {
  const known = contact.is_bot ? state.bots : state.contacts;
  const fresh = !known.has(contact.id);
  known.set(contact.id, contact);
  if (fresh) reloadSoon();
  else tell("contacts");
}

function updateMessages(list, event) {
  if (event.kind === "sent" && !list.some((message) => message.id === event.message.id)) list.push(event.message);
  if (event.kind === "edited") {
    const at = list.findIndex((message) => message.id === event.message.id);
    if (at >= 0) list[at] = event.message;
  }
  if (event.kind === "deleted") {
    const gone = new Set(event.ids || []);
    for (let i = list.length - 1; i >= 0; i -= 1) if (gone.has(list[i].id)) list.splice(i, 1);
  }
}

export function connect() {
  listen({
    change,
    clock: setClock,
    lost: () => tell("lost"),
    resync: () => { state.messages.clear(); reload().catch(() => tell("lost")); },
  });
}
