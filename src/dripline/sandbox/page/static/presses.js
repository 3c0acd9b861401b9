// Buttons that were pressed: they wait until the bot answers, and then what it says is shown.

import { complain } from "./dialogs.js";
import { alertBox, hint } from "./overlays.js";
import { post } from "./server.js";
import { on, state } from "./store.js";
import { t } from "./words.js";

const PATIENCE = 15000;

export function presses({ contact, key, phone, redraw, openLink }) {
  const early = new Set(); // queries answered before we heard that they were asked

  async function press(message, row, column) {
    try {
      const query = await post(`chats/${key}/press`, { message_id: message.id, row, column, user: contact });
      if (early.delete(query.id)) return;
      state.pending.set(query.id, { key, message_id: message.id, row, column });
      setTimeout(() => giveUp(query.id), PATIENCE);
      redraw();
    } catch (error) { complain(error); }
  }

  function giveUp(id) {
    if (!state.pending.delete(id) || !phone()) return;
    hint(phone(), t("timeout"));
    redraw();
  }

  function answered(query) {
    if (query.user !== contact) return;
    const wait = state.pending.get(query.id);
    if (wait && wait.key !== key) return;
    if (!state.pending.delete(query.id)) early.add(query.id);
    redraw();
    show(query.answer);
  }

  function show({ text, show_alert: alarming, url }) {
    if (url) openLink(url, true);
    if (text) (alarming ? alertBox : hint)(phone(), text);
  }

  return { press, end: on("answered", answered) };
}
