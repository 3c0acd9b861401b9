// Builds elements. Text always goes in as text, so nothing a bot sends can become markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  back: "M15 5l-7 7 7 7", more: "M12 5h.01M12 12h.01M12 19h.01", plus: "M12 5v14M5 12h14", send: "M4 12l16-8-6 16-3-6zM11 13l9-9",
  clip: "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.5 3.5 0 0 1 5 5l-8.5 8.5a1.8 1.8 0 0 1-2.6-2.6L14.5 7.5",
  skip: "M5 5l9 7-9 7zM18 5v14", pause: "M8 5v14M16 5v14", play: "M7 4.5l13 7.5-13 7.5z", down: "M6 9l6 6 6-6", link: "M8 16L17 7M9 7h8v8",
  check: "M4 12.5l5 5L20 6.5", ban: "M5.6 5.6l12.8 12.8M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z", broom: "M14 4l-3 7M6 20l2-7h8l2 7zM10 20v-3M14 20v-3", trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  door: "M14 4H6v16h8M10 12h10M17 9l3 3-3 3", close: "M6 6l12 12M18 6L6 18", doc: "M7 3h7l5 5v13H7zM14 3v5h5", load: "M12 4v11M7 11l5 5 5-5M5 20h14", music: "M9 18V6l10-2v12M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0zM19 16a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z",
  bolt: "M13 3L5 14h6l-1 7 8-11h-6z", why: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.7.4-1.1.9-1.1 1.8M12 17h.01", chat: "M4 5h16v11H9l-5 4z", menu: "M4 7h16M4 12h16M4 17h10",
  clock: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM12 7v5l3.5 2", flag: "M6 21V4h11l-2 4 2 4H6", swap: "M4 8h14l-4-4M20 16H6l4 4", retry: "M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6", star: "M12 4l2.4 5 5.6.7-4.1 3.8 1.1 5.5-5-2.7-5 2.7 1.1-5.5L4 9.7 9.6 9z", dot: "M12 12h.01", wifi: "M4 10c5-4.5 11-4.5 16 0M7 13.5c3-2.8 7-2.8 10 0M10 17c1.2-1.1 2.8-1.1 4 0", battery: "M3 8h15v8H3zM21 11v2M6 11v2M9 11v2M12 11v2", copy: "M9 9h11v11H9zM5 15H4V4h11v1", mail: "M3 6h18v13H3zM3 7l9 7 9-7", app: "M4 5h16v14H4zM4 9h16", person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-5 4-7 8-7s8 2 8 7", camera: "M4 8h4l2-3h4l2 3h4v11H4zM12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", name === "ticks" ? "0 0 17 12" : "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", name === "ticks" ? "M1 6.5l3.5 3.5L11 2.5M7.5 9l1 1L15.5 2.5" : ICONS[name]);
  svg.append(path);
  return svg;
}

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function avatar(id, name, extra = "") {
  const letters = [...(name || "?").trim()].filter((c, i, all) => i === 0 || all[i - 1] === " ").slice(0, 2).join("").toUpperCase();
  return h("span", { class: `avatar c${Math.abs(id) % 7} ${extra}`, "aria-hidden": "true" }, letters);
}

export function button(label, iconName, onclick, cls = "tool") {
  return h("button", { class: cls, type: "button", "aria-label": label, title: label, onclick }, icon(iconName));
}

export function replace(parent, ...children) {
  parent.replaceChildren(...children.flat().filter(Boolean));
}

// The same without touching the children that are there already: they keep focus, selection and what they play.
export function arrange(parent, children) {
  const wanted = children.filter(Boolean);
  for (const child of [...parent.childNodes]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, at) => { if (parent.childNodes[at] !== child) parent.insertBefore(child, parent.childNodes[at] ?? null); });
}
