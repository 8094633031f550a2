// The sandbox's stand-in for Stripe.js: embedded Checkout, and clear words about the rest.
// It mounts /c/embed/{id} of the origin it was loaded from, whichever release name is in its address.
(() => {
  "use strict";

  const script = document.currentScript ?? [...document.scripts].reverse().find((one) => /\/(v3\/?|stripe\.js)([?#]|$)/.test(one.src));
  const home = script?.src ? new URL(script.src) : null;
  const release = home?.pathname.match(/\/(v3|[a-z]+)\/(stripe\.js)?$/)?.[1] ?? "v3";
  const FRAME_HEIGHT_FIRST = 720;

  /** The one checkout that may live in a page at a time. */
  let living = null;

  class IntegrationError extends Error {
    constructor(message) {
      super(message);
      this.name = "IntegrationError";
    }
  }

  function wrong(message) {
    return new IntegrationError(`Sandbox Stripe.js: ${message}`);
  }

  function Stripe(publishableKey, _options) {
    if (typeof publishableKey !== "string" || publishableKey === "") {
      throw wrong("Stripe() needs your publishable key, a string like pk_test_….");
    }
    if (/^[sr]k_/.test(publishableKey)) {
      throw wrong("Stripe() was given a secret key. Never send one to a browser: use the publishable key (pk_test_…), and replace the secret one.");
    }
    if (publishableKey.startsWith("pk_live_")) {
      throw wrong("Stripe() was given a live key. The sandbox moves no money; load the real Stripe.js for live keys, or use pk_test_….");
    }
    if (!publishableKey.startsWith("pk_")) {
      throw wrong("Stripe() needs a publishable key; it begins with pk_test_.");
    }
    return { createEmbeddedCheckoutPage, initEmbeddedCheckout: createEmbeddedCheckoutPage, ...absent() };
  }
  Stripe.version = release === "v3" ? 3 : release;

  async function createEmbeddedCheckoutPage(options) {
    const { clientSecret, fetchClientSecret, onComplete } = checked(options);
    if (living) throw wrong("a page can have one embedded checkout at a time. Call destroy() on the other one first.");
    const reserved = {};
    living = reserved;
    try {
      const secret = clientSecret ?? (await fetchClientSecret());
      return (living = checkout(sessionOf(secret), onComplete));
    } catch (error) {
      if (living === reserved) living = null;
      throw error;
    }
  }

  const has = (option) => option !== undefined && option !== null;

  function checked(options) {
    if (options === null || typeof options !== "object") {
      throw wrong("createEmbeddedCheckoutPage() takes an object with clientSecret or fetchClientSecret.");
    }
    const { clientSecret, fetchClientSecret, onComplete } = options;
    if (has(clientSecret) === has(fetchClientSecret)) {
      throw wrong("createEmbeddedCheckoutPage() takes either clientSecret or fetchClientSecret, one of the two.");
    }
    if (!has(clientSecret) && typeof fetchClientSecret !== "function") {
      throw wrong("fetchClientSecret must be a function that resolves to the session's client_secret.");
    }
    if (has(onComplete) && typeof onComplete !== "function") throw wrong("onComplete must be a function.");
    return options;
  }

  /** Reads the session's id out of its client secret. */
  function sessionOf(secret) {
    const id = typeof secret === "string" ? secret.match(/^(cs_[A-Za-z0-9_]+?)_secret_/)?.[1] : null;
    if (id) return id;
    const seen = typeof secret === "string" ? `"${secret.slice(0, 12)}…"` : String(secret);
    throw wrong(`${seen} is not a client secret of a Checkout Session (cs_…_secret_…). Create the session with ui_mode=embedded_page and pass its client_secret; one with ui_mode=hosted_page has a url instead.`);
  }

  /** A checkout that can be mounted, unmounted and destroyed. */
  function checkout(id, onComplete) {
    let frame = null;
    let ended = false;

    const hear = (event) => {
      if (!frame || event.origin !== home.origin || event.source !== frame.contentWindow) return;
      const told = event.data;
      if (told === null || typeof told !== "object" || told.sandbox_checkout !== id) return;
      if (told.type === "height" && Number.isFinite(told.height)) frame.style.height = `${Math.max(0, told.height)}px`;
      if (told.type === "ready") warn(told.redirect_on_completion);
      if (told.type === "failed") console.error(wrong(`checkout ${id} could not be loaded: ${told.message}`).message);
      if (told.type === "complete") onComplete?.();
      if (told.type === "redirect") leave(told.url);
    };
    const warn = (redirects) => {
      if (onComplete && redirects === "always") {
        console.warn("Sandbox Stripe.js: onComplete is never called, because the session redirects. Create it with redirect_on_completion=never or if_required.");
      }
      if (!onComplete && redirects === "never") {
        console.warn("Sandbox Stripe.js: the session has redirect_on_completion=never, but there is no onComplete: your page will not learn of the payment.");
      }
    };
    const self = {
      mount(target) {
        if (ended) throw wrong("this checkout was destroyed. Create another one.");
        if (frame) throw wrong("this checkout is mounted already. Call unmount() before mounting it elsewhere.");
        const place = placeOf(target);
        frame = frameOf(id);
        window.addEventListener("message", hear);
        place.append(frame);
      },
      unmount() {
        if (ended) throw wrong("this checkout was destroyed.");
        window.removeEventListener("message", hear);
        frame?.remove();
        frame = null;
      },
      destroy() {
        if (ended) return;
        self.unmount();
        ended = true;
        if (living === self) living = null;
      },
    };
    return self;
  }

  function placeOf(target) {
    const place = typeof target === "string" ? document.querySelector(target) : target;
    if (place instanceof Element) return place;
    if (typeof target === "string") throw wrong(`mount("${target}") found no element. Is it in the page yet?`);
    throw wrong("mount() takes a selector or an element of the page.");
  }

  function frameOf(id) {
    if (!home) throw wrong("it does not know where it was loaded from. Load it with <script src=\"…/v3/\">, not from a bundle.");
    if (window.origin === "null") throw wrong("embedded Checkout needs a page with an address of its own (http://localhost:…), not a file.");
    const frame = document.createElement("iframe");
    frame.src = `${home.origin}/c/embed/${id}?parent=${encodeURIComponent(window.origin)}`;
    frame.title = "Sandbox checkout";
    Object.assign(frame.style, { display: "block", width: "100%", height: `${FRAME_HEIGHT_FIRST}px`, border: "0", borderRadius: "14px", colorScheme: "light dark" });
    return frame;
  }

  function leave(url) {
    const target = new URL(url, window.location.href);
    if (target.protocol !== "javascript:") window.location.assign(target.href);
  }

  /** What Stripe.js has and the sandbox has not: calling it says what to do instead. */
  function absent() {
    const instead = {
      redirectToCheckout: "redirectToCheckout() no longer exists in Stripe.js. Redirect the browser to the session's url instead: window.location = session.url.",
    };
    const names = ["elements", "initCheckout", "createToken", "createSource", "createPaymentMethod", "createConfirmationToken", "confirmPayment", "confirmCardPayment", "confirmSepaDebitPayment",
      "confirmSetup", "confirmCardSetup", "handleNextAction", "handleCardAction", "paymentRequest", "retrievePaymentIntent", "retrieveSetupIntent"];
    for (const name of names) {
      instead[name] = `${name}() is not part of the sandbox: it has hosted Checkout (session.url) and embedded Checkout (createEmbeddedCheckoutPage). Elements need the real Stripe.js.`;
    }
    // The npm loader announces itself with this call; there is nothing to note.
    const known = { _registerWrapper() {}, registerAppInfo() {} };
    for (const [name, message] of Object.entries(instead)) {
      known[name] = () => { throw wrong(message); };
    }
    return known;
  }

  if (window.Stripe) return;
  window.Stripe = Stripe;
})();
