// Mounts Stripe's embedded Checkout. Where Stripe's script does not come, the page says so and leads
// to Stripe's own page.
(async () => {
  "use strict";
  const place = document.getElementById("checkout");
  const { secret, key } = place.dataset;
  try {
    const stripe = window.Stripe(key);
    const open = stripe.createEmbeddedCheckoutPage ?? stripe.initEmbeddedCheckout;
    const checkout = await open.call(stripe, { clientSecret: secret });
    place.querySelector("[data-loading]").remove();
    checkout.mount("#checkout");
  } catch {
    place.hidden = true;
    document.querySelector("[data-broken]").hidden = false;
  }
})();
