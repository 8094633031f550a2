// The page is whole without this. With it, it follows what happens.
const live = document.querySelector("[data-live]");
const connection = document.querySelector("[data-connection]");
const said = document.querySelector("[data-said]");
const keys = () => [...live.querySelectorAll("[data-key]")];
let known = new Set(keys().map((row) => row.dataset.key));

const tell = (text, lost) => {
  connection.hidden = false;
  connection.textContent = text;
  connection.classList.toggle("lost", lost);
};

const source = new EventSource("/dev/stream");
source.onopen = () => tell("Live", false);
source.onerror = () => tell("Connecting…", true);
source.addEventListener("state", (event) => {
  live.innerHTML = event.data;
  for (const row of keys()) row.classList.toggle("fresh", !known.has(row.dataset.key));
  known = new Set(keys().map((row) => row.dataset.key));
  const sentence = live.querySelector("h1").textContent;
  document.title = `${sentence} · Tollgate`;
  if (said.textContent !== sentence) said.textContent = sentence;
});
