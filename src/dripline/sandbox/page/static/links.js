// Links that lead back into the sandbox: a bot's deep link, an invite link.

import { post } from "./server.js";
import { state } from "./store.js";

// Follows the link inside the sandbox; null if it leads elsewhere.
export function inside(url) {
  let parts;
  try { parts = new URL(url); } catch { return null; }
  if (parts.protocol === "tg:" && parts.host === "resolve") {
    return toBot(parts.searchParams.get("domain"), parts.searchParams.get("start"));
  }
  if (!["t.me", "telegram.me"].includes(parts.host)) return null;
  const name = parts.pathname.slice(1);
  if (name.startsWith("+") || name.startsWith("joinchat/")) return { kind: "invite", url: `https://t.me/${name}` };
  return toBot(name, parts.searchParams.get("start"));
}

function toBot(username, payload) {
  const wanted = (username || "").toLowerCase();
  const bot = [...state.bots.values()].find((item) => item.username.toLowerCase() === wanted);
  return bot ? { kind: "bot", bot, payload: payload || "" } : null;
}

export async function follow(target, contact) {
  if (target.kind === "invite") return post(`contacts/${contact}/join`, { link: target.url });
  const key = `p.${target.bot.id}.${contact}`;
  const chat = state.chats.get(key);
  if (target.payload || !chat?.started) await post(`chats/${key}/start`, { payload: target.payload });
  return { key };
}
