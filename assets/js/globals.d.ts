// The page's one global; main.js says what it holds.
interface Window {
  tokenCritic: object;
}
