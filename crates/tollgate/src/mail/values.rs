//! What a letter can name, and where it is from. Every value is a text, empty where nothing is
//! known; those from outside are made harmless here, and escaped in the layout.

use serde::Serialize;
use tollgate_stripe::object::{
    Charge, CheckoutSession, Dispute, Invoice, Object, PaymentMethod, Subscription,
    SubscriptionStatus,
};

use super::letter::{self, Letter};
use super::line;
use super::link::Links;
use super::locale::Locale;
use super::plain;
use crate::config::{Brand, Mail};
use crate::rules::access::Reason;
use crate::rules::card;
use crate::rules::charge::GivenBack;
use crate::rules::effects::{Effect, EffectKind};
use crate::rules::known::Known;
use crate::rules::policy::{Plan, Rulebook};

/// What a letter can name. `docs/mails.md` says what each is.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Values {
    // Whose letter it is.
    pub(super) brand: String,
    pub(super) logo: String,
    pub(super) app_url: String,
    pub(super) account_url: String,
    pub(super) survey_url: String,
    pub(super) support_email: String,
    // Whom it is about.
    pub(super) name: String,
    pub(super) customer: String,
    pub(super) user_id: String,
    // What they have.
    pub(super) plan: String,
    pub(super) old_plan: String,
    pub(super) new_plan: String,
    pub(super) changed_on: String,
    pub(super) trial: bool,
    pub(super) trial_end: String,
    pub(super) renews_on: String,
    pub(super) ends_on: String,
    pub(super) access_until: String,
    pub(super) access_over: bool,
    pub(super) ended: bool,
    pub(super) unpaid: bool,
    // Money.
    pub(super) amount: String,
    pub(super) charged: String,
    pub(super) partial: bool,
    pub(super) refunded: String,
    pub(super) discount: String,
    pub(super) tax: String,
    pub(super) lines: Vec<Line>,
    pub(super) period: String,
    pub(super) paid_on: String,
    pub(super) card: String,
    pub(super) card_expires: String,
    pub(super) card_expired: bool,
    pub(super) invoice_number: String,
    pub(super) invoice_url: String,
    pub(super) receipt_url: String,
    // Dunning.
    pub(super) level: &'static str,
    pub(super) attempts: String,
    pub(super) next_attempt: String,
    pub(super) since: String,
    // For the operator.
    pub(super) object: String,
    pub(super) reason: String,
    pub(super) due_by: String,
    pub(super) outcome: String,
    pub(super) error: String,
    pub(super) stripe_url: String,
}

/// What stands on an invoice.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) amount: String,
}

/// What values come from.
pub(super) struct Source<'a> {
    pub(super) letter: &'a Letter,
    pub(super) locale: &'a Locale,
    pub(super) effect: &'a Effect,
    pub(super) known: &'a Known,
    pub(super) now: i64,
    pub(super) config: &'a Mail,
    pub(super) brand: &'a Brand,
    pub(super) rulebook: &'a Rulebook,
    pub(super) links: &'a Links,
}

impl Source<'_> {
    /// Returns them.
    pub(super) fn values(&self) -> Values {
        let mut values = self.of_brand();
        self.fill_people(&mut values);
        if let Some(it) = &self.known.subscription {
            self.fill_subscription(&mut values, it);
        }
        if let Some(it) = letter::invoice(self.known) {
            self.fill_invoice(&mut values, it);
        }
        self.fill_access(&mut values);
        if let Some(it) = &self.known.payment_method {
            self.fill_card(&mut values, it);
        }
        self.fill_subject(&mut values);
        self.fill_effect(&mut values);
        values
    }

    fn of_brand(&self) -> Values {
        let Self { brand, config, links, .. } = self;
        let checked = |it: &Option<String>| self.link(it.as_deref());
        let app_url = links.checked(&brand.app_url);
        let account_url = match checked(&config.account_url) {
            it if it.is_empty() => app_url.clone(),
            it => it,
        };
        Values {
            brand: brand.name.clone(),
            logo: brand.logo.clone().unwrap_or_default(),
            support_email: brand.support_email.clone().unwrap_or_default(),
            survey_url: checked(&config.survey_url),
            account_url,
            app_url,
            ..Values::default()
        }
    }

    fn fill_people(&self, values: &mut Values) {
        let known = self.known;
        values.name = match self.letter.audience {
            letter::Audience::Customer => letter::name_of(known),
            letter::Audience::Operator => String::new(),
        };
        values.user_id = text(known.user_id.as_deref());
        let id = known.customer.as_ref().map(|it| it.id.as_str());
        values.customer = text(letter::address_of(known).or(known.name.as_deref()).or(id));
    }

    fn fill_subscription(&self, values: &mut Values, it: &Subscription) {
        let goes_on = it.ends_at().is_none()
            && !matches!(it.status, SubscriptionStatus::Canceled | SubscriptionStatus::Unpaid);
        values.plan = title(self.plan_of(it));
        values.trial = it.status == SubscriptionStatus::Trialing;
        values.trial_end = self.date(it.trial_end);
        values.renews_on = self.date(it.current_period_end.filter(|_| goes_on));
        values.ends_on = self.date(it.ends_at());
    }

    fn fill_invoice(&self, values: &mut Values, it: &Invoice) {
        let (currency, is_paid) = (it.currency.as_deref(), it.paid_at.is_some());
        let open = it.amount_remaining.filter(|it| *it > 0).or(it.amount_due);
        values.amount = self.money(if is_paid { it.amount_paid } else { open }, currency);
        values.discount = self.money(it.discount.filter(|it| *it > 0).map(|it| -it), currency);
        values.tax = self.money(it.tax.filter(|it| *it > 0), currency);
        values.paid_on = self.date(it.paid_at);
        values.period = self.period(it);
        values.invoice_number = text(it.number.as_deref());
        values.invoice_url = self.link(it.hosted_invoice_url.as_deref());
        values.attempts = count(it.attempt_count);
        values.next_attempt = self.date(it.next_payment_attempt);
        let line = |it: &tollgate_stripe::object::InvoiceLine| Line {
            text: line::told(&text(it.description.as_deref()), &self.locale.lines),
            amount: self.money(Some(it.amount), currency),
        };
        let is_receipt = self.letter.name == "receipt";
        let lines = it.lines.iter().filter(|_| is_receipt).map(line);
        values.lines = lines.filter(|it| !it.text.is_empty()).collect();
    }

    fn fill_access(&self, values: &mut Values) {
        let access = self.known.access.as_ref();
        let dunning = self.known.dunning.as_ref();
        let until = match dunning {
            Some(it) => it.access_until,
            None => access.and_then(|it| it.grace_until.or(it.until)),
        };
        values.access_until = self.date(until);
        values.access_over =
            until.is_some_and(|it| it <= self.now) || access.is_some_and(|it| !it.granted);
        values.unpaid = access.is_some_and(|it| {
            matches!(it.reason, Reason::GraceOver | Reason::PastDue | Reason::Unpaid)
        });
        if let Some(it) = dunning {
            values.attempts = count(it.attempts);
            values.next_attempt = self.date(it.next_attempt);
            values.since = self.date(Some(it.since));
        }
        values.level = letter::level(self.known);
        values.ended = letter::has_ended(self.known);
    }

    fn fill_subject(&self, values: &mut Values) {
        match &self.known.subject {
            Some(Object::CheckoutSession(it)) => self.fill_session(values, it),
            Some(Object::Charge(it)) => self.fill_charge(values, it),
            Some(Object::Dispute(it)) => self.fill_dispute(values, it),
            Some(Object::PaymentMethod(it)) => self.fill_card(values, it),
            _ => {}
        }
    }

    fn fill_card(&self, values: &mut Values, it: &PaymentMethod) {
        values.card = self.card(it);
        values.card_expires = expiry(it);
        let ends_at = card::expiry(it).map(|it| it.next().begins_at());
        values.card_expired = ends_at.is_some_and(|it| it <= self.now);
    }

    fn fill_session(&self, values: &mut Values, it: &CheckoutSession) {
        let named = it.metadata.plan.as_deref();
        values.plan = title(self.rulebook.plan_of_purchase(it.price_names(), named));
        values.amount = self.money(it.amount_total, it.currency.as_deref());
        values.paid_on = self.date(self.known.ordered_at.or(it.created));
    }

    fn fill_charge(&self, values: &mut Values, it: &Charge) {
        let currency = it.currency.as_deref();
        let refund = GivenBack::of_detail(&self.effect.detail)
            .filter(|_| self.effect.kind == EffectKind::PaymentRefunded);
        let taken = it.amount_captured.filter(|it| *it > 0).unwrap_or(it.amount);
        values.amount = self.money(Some(refund.map_or(taken, GivenBack::amount)), currency);
        values.charged = self.money(Some(taken), currency);
        values.partial = refund.is_some_and(|it| it.total < taken);
        let further = refund.filter(|it| it.amount() < it.total);
        values.refunded = self.money(further.map(|it| it.total), currency);
        values.receipt_url = self.link(it.receipt_url.as_deref());
        if let Some((brand, last4)) = it.brand.as_deref().zip(it.last4.as_deref()) {
            values.card = self.locale.card(&card_brand(brand), &plain::line(last4));
        }
    }

    fn fill_dispute(&self, values: &mut Values, it: &Dispute) {
        values.amount = self.money(Some(it.amount), it.currency.as_deref());
        values.reason =
            it.reason.as_deref().map(|it| plain::line(&self.locale.reason(it))).unwrap_or_default();
        values.due_by = self.date(it.due_by.filter(|it| *it > 0));
        values.outcome = text(Some(it.status.as_str()));
        values.stripe_url = self.links.of_stripe(&format!("disputes/{}", it.id.as_str()));
    }

    /// What only the fact itself says.
    fn fill_effect(&self, values: &mut Values) {
        let Effect { kind, subject, .. } = self.effect;
        values.object = text(Some(subject));
        match kind {
            EffectKind::TrialEnding => values.trial_end = self.date(self.effect.time()),
            EffectKind::CancellationScheduled => values.ends_on = self.date(self.effect.time()),
            EffectKind::RenewalUpcoming => values.renews_on = self.date(self.effect.time()),
            EffectKind::PlanChanged => {
                values.changed_on = self.date(self.effect.time());
                (values.old_plan, values.new_plan) = self.plans_of_change();
            }
            EffectKind::DoubleSubscription => {
                values.stripe_url = self.links.of_stripe(&format!("subscriptions/{subject}"));
            }
            EffectKind::EventFailed => values.error = text(self.known.failure.as_deref()),
            EffectKind::Silence => {
                values.since = self.date(self.effect.time());
                values.stripe_url = self.links.of_stripe("webhooks");
            }
            _ => {}
        }
    }

    /// The detail of a change of plans ends in `old>new`, and has the old price's lookup key before
    /// it; the subscription has the new one's. Where only the period is another, that is what tells
    /// them apart.
    fn plans_of_change(&self) -> (String, String) {
        let (before, pair) = self.effect.detail.rsplit_once(':').unwrap_or_default();
        let (old, new) = pair.split_once('>').unwrap_or_default();
        let old_key = before.split_once(':').map_or("", |(_, key)| key);
        let subscription = self.known.subscription.as_ref();
        let mut items = subscription.into_iter().flat_map(|it| &it.items);
        let item = items.find(|it| it.price.as_ref().is_some_and(|it| it.as_str() == new));
        let new_key = item.and_then(|it| it.lookup_key.as_deref()).unwrap_or_default();
        let (old, new) = ([old, old_key], [new, new_key]);
        let old_plan = self.rulebook.plan_of_prices(old.into_iter());
        let new_plan = self.rulebook.plan_of_prices(new.into_iter());
        let new_plan = new_plan.or_else(|| subscription.and_then(|it| self.plan_of(it)));
        let with_period = |plan: Option<&Plan>, refs: [&str; 2]| {
            let period =
                plan.and_then(|it| it.prices.iter().find(|(_, it)| refs.contains(&it.as_str())));
            let period = period.map(|(period, _)| format!(", {}", self.locale.period_name(period)));
            format!("{}{}", title(plan), period.unwrap_or_default())
        };
        match (title(old_plan), title(new_plan)) {
            (old_title, new_title) if old_title == new_title => {
                let (old, new) = (with_period(old_plan, old), with_period(new_plan, new));
                if old == new { (String::new(), new) } else { (old, new) }
            }
            titles => titles,
        }
    }

    fn plan_of(&self, it: &Subscription) -> Option<&Plan> {
        self.rulebook.plan_of_items(&it.items, it.metadata.plan.as_deref())
    }

    /// What was paid for: the line that lasts longest says it, else the subscription.
    fn period(&self, it: &Invoice) -> String {
        let lines = it.lines.iter().filter_map(|it| it.period_start.zip(it.period_end));
        let longest = lines.filter(|(from, to)| from < to).max_by_key(|(from, to)| (*to, -from));
        let subscription = self.known.subscription.as_ref();
        let current =
            || subscription.and_then(|it| it.current_period_start.zip(it.current_period_end));
        let period = longest.or_else(current);
        period.map(|(from, to)| self.locale.period(from, to)).unwrap_or_default()
    }

    fn date(&self, time: Option<i64>) -> String {
        time.map(|it| self.locale.date(it)).unwrap_or_default()
    }

    fn money(&self, amount: Option<i64>, currency: Option<&str>) -> String {
        let known =
            currency.filter(|it| it.len() == 3 && it.bytes().all(|it| it.is_ascii_alphabetic()));
        amount.zip(known).map(|(amount, it)| self.locale.money(amount, it)).unwrap_or_default()
    }

    fn link(&self, url: Option<&str>) -> String {
        url.map(|it| self.links.checked(it)).unwrap_or_default()
    }

    fn card(&self, it: &PaymentMethod) -> String {
        match (&it.brand, &it.last4, &it.kind) {
            (Some(brand), Some(last4), _) => {
                self.locale.card(&card_brand(brand), &plain::line(last4))
            }
            (_, _, Some(kind)) => self.locale.method(kind),
            _ => String::new(),
        }
    }
}

fn text(text: Option<&str>) -> String {
    text.map(plain::line).unwrap_or_default()
}

fn title(plan: Option<&Plan>) -> String {
    plan.map(|it| it.title.clone()).unwrap_or_default()
}

/// A number that says something.
fn count(number: i64) -> String {
    if number > 0 { number.to_string() } else { String::new() }
}

/// Until when a card is valid, as it stands on it.
fn expiry(it: &PaymentMethod) -> String {
    let valid = it.exp_month.zip(it.exp_year).filter(|(month, _)| (1..=12).contains(month));
    valid.map(|(month, year)| format!("{month:02}/{year}")).unwrap_or_default()
}

/// Stripe's words for the brands of cards, as people know them.
const BRANDS: &[(&str, &str)] = &[
    ("amex", "American Express"),
    ("cartes_bancaires", "Cartes Bancaires"),
    ("diners", "Diners Club"),
    ("discover", "Discover"),
    ("eftpos_au", "Eftpos"),
    ("jcb", "JCB"),
    ("mastercard", "Mastercard"),
    ("unionpay", "UnionPay"),
    ("visa", "Visa"),
];

fn card_brand(brand: &str) -> String {
    let known = BRANDS.iter().find(|(word, _)| *word == brand);
    known.map_or_else(|| plain::line(brand), |(_, name)| (*name).to_owned())
}
