// Leads to the sandbox: moves its clock, lets cards fail, and shows what time it is there.
const bar = document.querySelector("[data-sandbox]");
const home = bar.dataset.sandbox;
const now = bar.querySelector("[data-now]");
const told = bar.querySelector("[data-told]");
const fail = bar.querySelector("[data-fail]");
const renewal = bar.querySelector("[data-renewal]");
const moves = [...bar.querySelectorAll("[data-move]")];

const text = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

/** Asks the sandbox; a form needs no leave from the browser. */
async function ask(path, form) {
  const sent = form ? { method: "POST", body: new URLSearchParams(form) } : {};
  const answer = await fetch(`${home}/_sandbox/${path}`, sent);
  const body = await answer.json();
  if (body.error) throw new Error(body.error.message);
  return body;
}

function show(state) {
  now.dateTime = new Date(state.now * 1000).toISOString();
  now.textContent = `${text(state.now)} UTC`;
  fail.checked = state.failing !== null;
  renewal.disabled = state.next_renewal === null;
  renewal.title = state.next_renewal === null ? "Nothing renews yet" : `${text(state.next_renewal)} UTC`;
}

/** Runs one request at a time; what goes wrong is said in words. */
async function doing(work) {
  if (bar.getAttribute("aria-busy") === "true") return;
  bar.setAttribute("aria-busy", "true");
  told.textContent = "";
  try {
    await work();
  } catch (error) {
    told.textContent = error instanceof TypeError ? "The sandbox does not answer." : error.message;
  } finally {
    bar.removeAttribute("aria-busy");
  }
}

for (const button of moves) {
  button.addEventListener("click", () => doing(async () => show(await ask("advance", button.dataset.move))));
}
fail.addEventListener("change", () => doing(async () => {
  await ask("cards", { fail: fail.checked });
  show(await ask("state"));
}));

// Rows come and go with the page's state, so their buttons are heard here.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-portal]");
  if (!button) return;
  doing(async () => {
    const { url } = await ask("shop/portal", { user: button.dataset.portal });
    window.location.assign(url);
  });
});

const look = () => doing(async () => show(await ask("state")));
new MutationObserver(look).observe(document.querySelector("[data-live]"), { childList: true });
look();
