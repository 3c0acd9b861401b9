// Talks to the control API; addresses are relative to the page.

async function call(method, path, body, type = "application/json") {
  const response = await fetch(`api/${path}`, { method, body, headers: body === undefined ? {} : { "Content-Type": type } });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || response.statusText);
  return answer;
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}) => call("POST", path, JSON.stringify(body));
export const remove = (path) => call("DELETE", path);
export const upload = (path, file) => call("POST", path, file, file.type || "application/octet-stream");

// Live events; `handlers` is called by the event's name. The browser reconnects by itself.
export function listen(handlers) {
  const source = new EventSource("events");
  let broken = false;
  for (const name of ["change", "clock", "resync"]) {
    source.addEventListener(name, (event) => handlers[name](JSON.parse(event.data)));
  }
  source.onerror = () => { if (!broken) handlers.lost(); broken = true; };
  // What happened before the feed opened is read anew, so nothing falls in between.
  source.onopen = () => { broken = false; handlers.resync({}); };
}
