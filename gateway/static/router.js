/* Addresses: which view belongs to one, and how to go to another without loading the page again. */

const routes = [];
let arrive = () => {};

/** Name the views.
 * @param {Array<[RegExp, Function]>} table pattern of the path and its view
 * @param {Function} listener called with {view, params, query, path} for each address
 */
export function route(table, listener) {
  routes.push(...table);
  arrive = listener;
  addEventListener("popstate", show);
  document.addEventListener("click", follow);
}

/** Show the view of the present address. */
export function show() {
  const found = routes.map(([pattern, view]) => [location.pathname.match(pattern), view]).find(([match]) => match);
  arrive({
    view: found?.[1] ?? null,
    params: found ? [...found[0]].slice(1) : [],
    query: new URLSearchParams(location.search),
    path: location.pathname,
  });
}

/** Go to an address of the page. */
export function go(address) {
  if (address === location.pathname + location.search) return;
  history.pushState({ inside: true }, "", address);
  show();
  scrollTo(0, 0);
}

/** Go back; where we came from elsewhere, to the given address. */
export function back(otherwise) {
  if (history.state?.inside) history.back();
  else go(otherwise);
}

/** The present path with other parameters; empty ones are left out. */
export function withQuery(changes, base = location.pathname) {
  const query = new URLSearchParams(base === location.pathname ? location.search : "");
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return base + (text ? "?" + text : "");
}

/** Write the address anew without showing it again: what is on the screen is what it says already. */
export function note(changes) {
  history.replaceState(history.state, "", withQuery(changes));
}

function follow(event) {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  const link = event.target.closest?.("a[href]");
  if (!link || link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
  if (!routes.some(([pattern]) => pattern.test(link.pathname))) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
