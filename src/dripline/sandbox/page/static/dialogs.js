// Dialogs of the page: a new contact, faults, short notes.

import { button, h } from "./dom.js";
import { get, post, remove } from "./server.js";
import { reload, state } from "./store.js";
import { currentLanguage, t } from "./words.js";

export function note(text) {
  const element = h("div", {}, text);
  document.getElementById("notes").append(element);
  setTimeout(() => element.remove(), 3200);
}

export const complain = (error) => note(t("failed", { reason: error.message }));

export function open(...content) {
  const dialog = h("dialog", {}, ...content);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function askForContact(done) {
  const problem = h("div", { class: "problem", role: "alert" });
  const field = (name, more = {}) => h("input", { name, autocomplete: "off", maxlength: 64, ...more });
  const languages = ["en", "ru"].map((tag) => h("option", { value: tag, selected: tag === currentLanguage() }, t(`language_${tag}`)));
  const submit = async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form));
    values.username = values.username.replace(/^@/, "");
    try {
      const contact = await post("contacts", values);
      await reload();
      dialog.close();
      done(contact);
    } catch (error) { problem.textContent = error.message; }
  };
  const form = h("form", { onsubmit: submit },
    h("h2", {}, t("add_contact")),
    h("div", { class: "pair" },
      h("label", {}, t("first_name"), field("first_name", { required: true, autofocus: true })),
      h("label", {}, t("last_name"), field("last_name"))),
    h("div", { class: "pair" },
      h("label", {}, t("username"), field("username", { placeholder: "@anna", maxlength: 33, pattern: "@?[A-Za-z0-9_]*" })),
      h("label", {}, t("language"), h("select", { name: "language_code" }, languages))),
    problem,
    h("div", { class: "row" },
      h("button", { class: "soft", type: "button", onclick: () => dialog.close() }, t("cancel")),
      h("button", { class: "solid", type: "submit" }, t("save"))));
  const dialog = open(form);
}

export function confirm(text, label, act) {
  const yes = async () => { dialog.close(); try { await act(); } catch (error) { complain(error); } };
  const dialog = open(h("div", { class: "body" }, h("p", {}, text), h("div", { class: "row" },
    h("button", { class: "soft", type: "button", onclick: () => dialog.close() }, t("cancel")),
    h("button", { class: "solid danger", type: "button", onclick: yes }, label))));
}

const FAULTS = [
  ["429", { kind: "too_many_requests", seconds: 5 }], ["502", { kind: "server_error", status: 502 }],
  ["no_answer", { kind: "no_answer" }], ["drop", { kind: "drop" }], ["drop_after", { kind: "drop_after" }],
  ["garbage", { kind: "garbage" }], ["latency", { kind: "latency", seconds: 2 }], ["401", { kind: "unauthorized" }],
];
const SENDING = { method: "send*" };

// Faults meet calls that send something: a fault on getUpdates would only be noise here.
export async function showFaults(changed) {
  const orders = h("div", { class: "orders" });
  const count = h("input", { type: "number", min: 1, max: 1000, value: 1, "aria-label": t("how_many") });
  const refresh = async () => {
    const { faults, limits } = await get("faults");
    limit.checked = limits;
    state.limits = limits;
    changed(faults.length);
    orders.replaceChildren(...(faults.length ? faults.map(order) : [h("p", {}, t("none_waiting"))]));
  };
  const order = (fault) => h("div", {},
    h("span", {}, `${nameOf(fault)} · ${fault.method || t("every")} · ${fault.count ? `${fault.hits}/${fault.count}` : fault.hits}`),
    button(t("take_back"), "close", () => remove(`faults/${fault.id}`).then(refresh, complain)));
  const place = (fault) => post("faults", { ...SENDING, ...fault, count: Number(count.value) || 1 }).then(refresh, complain);
  const limit = h("input", { type: "checkbox", onchange: () => post("limits", { enabled: limit.checked }).then(refresh, complain) });
  limit.checked = state.limits;
  open(h("div", { class: "body" },
    h("h2", {}, t("faults")), h("p", {}, t("faults_hint")),
    h("label", {}, t("how_many"), count),
    h("div", { class: "faults" }, FAULTS.map(([name, fault]) =>
      h("button", { type: "button", onclick: () => place(fault) }, t(`f_${name}`), h("small", {}, t(`f_${name}_s`))))),
    orders,
    h("label", { class: "check" }, limit, t("limits"))));
  await refresh();
}

function nameOf(fault) {
  const known = FAULTS.find(([, item]) => item.kind === fault.kind);
  return known ? t(`f_${known[0]}`) : fault.kind;
}
