// Addresses of the page, whose parameters belong to several parts: the run, the place, the lesson, the language.

/**
 * The page's address without the parameters that `goes` names, and with others after those that stay.
 * @param {(name: string) => boolean} goes
 * @param {[string, string][]} added
 * @param {string} [href]
 */
export function replaceQuery(goes, added, href = location.href) {
  const address = new URL(href);
  const kept = [...address.searchParams].filter(([name]) => !goes(name));
  address.search = String(new URLSearchParams([...kept, ...added]));
  return address;
}
