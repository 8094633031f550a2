//! The world: every object, every clock, every event. It answers calls and moves time, and that
//! is all that ever changes it.
//!
//! - [`call`]: the way of one API call: key, idempotency, route, parameters, answer.
//! - [`saved`]: the answers kept under idempotency keys.
//! - [`change`]: how objects come, change and go, each with its event.
//! - [`before`]: what an object's old versions showed until then.
//! - [`clock`], [`table`], [`event`], [`mod@page`], [`search`], [`expand`], [`settings`]: what that rests on.

mod before;
mod call;
pub(crate) mod change;
pub(crate) mod clock;
pub(crate) mod event;
mod expand;
mod page;
mod saved;
mod search;
mod settings;
mod table;

use std::collections::{BTreeMap, HashMap};

use crate::delivery::Deliveries;
use crate::dice::Ids;
use crate::life;
use crate::object::Id;
use crate::object::active_entitlement::ActiveEntitlement;
use crate::object::balance_transaction::BalanceTransaction;
use crate::object::charge::Charge;
use crate::object::checkout_session::CheckoutSession;
use crate::object::coupon::Coupon;
use crate::object::customer::Customer;
use crate::object::discount::Discount;
use crate::object::dispute::Dispute;
use crate::object::event_destination::EventDestination;
use crate::object::feature::{Feature, ProductFeature};
use crate::object::invoice::Invoice;
use crate::object::invoice_payment::InvoicePayment;
use crate::object::invoiceitem::InvoiceItem;
use crate::object::payment_intent::PaymentIntent;
use crate::object::payment_method::PaymentMethod;
use crate::object::portal_configuration::PortalConfiguration;
use crate::object::portal_session::PortalSession;
use crate::object::price::Price;
use crate::object::product::Product;
use crate::object::promotion_code::PromotionCode;
use crate::object::refund::Refund;
use crate::object::setup_intent::SetupIntent;
use crate::object::subscription::Subscription;
use crate::object::subscription_schedule::SubscriptionSchedule;
use crate::object::test_clock::TestClock;
use crate::object::token::Token;
use crate::object::webhook_endpoint::WebhookEndpoint;
use crate::payments::declines::Decline;
use crate::version::Payment;

pub use call::{Answer, Method, Request};
pub(crate) use call::{Call, Outcome, Route};
pub(crate) use clock::{ClockId, Clocks, Wake};
pub(crate) use event::Events;
pub(crate) use page::page;
pub use settings::{AfterLastRetry, Settings};
pub(crate) use table::Table;

/// One Stripe account in test mode, with everything in it.
#[derive(Debug)]
pub struct World {
    pub(crate) ids: Ids,
    pub(crate) clocks: Clocks,
    pub(crate) settings: Settings,
    pub(crate) events: Events,
    /// The call that is being answered; `None` while time moves.
    request: Option<call::Asking>,
    saved: saved::SavedAnswers,
    read_ids: Ids,
    write_ids: Ids,
    pub(crate) products: Table<Product>,
    pub(crate) prices: Table<Price>,
    pub(crate) coupons: Table<Coupon>,
    /// Coupons that were deleted: discounts still refer to them.
    pub(crate) past_coupons: BTreeMap<Id, Coupon>,
    pub(crate) promotion_codes: Table<PromotionCode>,
    pub(crate) discounts: Table<Discount>,
    pub(crate) features: Table<Feature>,
    pub(crate) product_features: Table<ProductFeature>,
    pub(crate) active_entitlements: Table<ActiveEntitlement>,
    pub(crate) test_clocks: Table<TestClock>,
    pub(crate) customers: Table<Customer>,
    pub(crate) payment_methods: Table<PaymentMethod>,
    pub(crate) tokens: Table<Token>,
    pub(crate) payment_intents: Table<PaymentIntent>,
    pub(crate) charges: Table<Charge>,
    pub(crate) balance_transactions: Table<BalanceTransaction>,
    pub(crate) setup_intents: Table<SetupIntent>,
    pub(crate) refunds: Table<Refund>,
    pub(crate) disputes: Table<Dispute>,
    /// Whose payments are declined whatever the card; `None` is everybody.
    pub(crate) failing: BTreeMap<Option<Id>, &'static Decline>,
    pub(crate) subscriptions: Table<Subscription>,
    pub(crate) subscription_schedules: Table<SubscriptionSchedule>,
    pub(crate) invoices: Table<Invoice>,
    pub(crate) invoiceitems: Table<InvoiceItem>,
    pub(crate) invoice_payments: Table<InvoicePayment>,
    /// Where the pages are: [`Settings::public_url`], shared by what names it.
    pub(crate) public_url: Id,
    pub(crate) sessions: Table<CheckoutSession>,
    pub(crate) portal_sessions: Table<PortalSession>,
    pub(crate) portal_configurations: Table<PortalConfiguration>,
    pub(crate) webhook_endpoints: Table<WebhookEndpoint>,
    pub(crate) event_destinations: Table<EventDestination>,
    pub(crate) deliveries: Deliveries,
    /// The payment that the last event about an invoice showed, for previous attributes.
    told: HashMap<Id, Payment>,
}

impl World {
    /// Makes an empty account. `now` is the main clock's time, in Unix seconds.
    pub fn new(seed: u64, now: i64) -> Self {
        Self::with(seed, now, Settings::default())
    }

    /// Makes an empty account that behaves as `settings` say.
    pub fn with(seed: u64, now: i64, settings: Settings) -> Self {
        let public_url = match settings.public_url.as_str() {
            "" => "http://127.0.0.1:4243".into(),
            url => url.into(),
        };
        Self {
            ids: Ids::new(seed, "world", "sandbox"),
            clocks: Clocks::new(now),
            settings,
            events: Events::default(),
            request: None,
            saved: saved::SavedAnswers::default(),
            read_ids: Ids::new(seed, "reads", "sandbox"),
            write_ids: Ids::new(seed, "writes", "sandbox"),
            products: Table::default(),
            prices: Table::default(),
            coupons: Table::default(),
            past_coupons: BTreeMap::new(),
            promotion_codes: Table::default(),
            discounts: Table::default(),
            features: Table::default(),
            product_features: Table::default(),
            active_entitlements: Table::default(),
            test_clocks: Table::default(),
            customers: Table::default(),
            payment_methods: Table::default(),
            tokens: Table::default(),
            payment_intents: Table::default(),
            charges: Table::default(),
            balance_transactions: Table::default(),
            setup_intents: Table::default(),
            refunds: Table::default(),
            disputes: Table::default(),
            failing: BTreeMap::new(),
            subscriptions: Table::default(),
            subscription_schedules: Table::default(),
            invoices: Table::default(),
            invoiceitems: Table::default(),
            invoice_payments: Table::default(),
            public_url,
            webhook_endpoints: Table::default(),
            event_destinations: Table::default(),
            deliveries: Deliveries::new(seed),
            told: HashMap::new(),
            sessions: Table::default(),
            portal_sessions: Table::default(),
            portal_configurations: Table::default(),
        }
    }

    /// Returns the main clock's time, in Unix seconds.
    pub fn now(&self) -> i64 {
        self.clocks.now(&None)
    }

    /// Returns when something next happens by the main clock, in Unix seconds.
    pub fn next_wake(&self) -> Option<i64> {
        self.clocks.next_wake(&None)
    }

    /// Moves the main clock, never backward, and lets happen what is due by then, in order.
    pub fn advance(&mut self, to: i64) {
        self.advance_clock(&None, to);
    }

    pub(crate) fn advance_clock(&mut self, clock: &ClockId, to: i64) {
        self.alone(|world| {
            while let Some(wake) = world.clocks.next_due(clock, to) {
                life::wake(world, &wake);
            }
        });
        self.clocks.set(clock, to);
    }

    /// Lets happen what no call asks for, so that its events name none.
    pub(crate) fn alone(&mut self, happen: impl FnOnce(&mut Self)) {
        let asking = self.request.take();
        happen(self);
        self.request = asking;
    }

    /// Makes an id such as `pi_3…`: the time in it, so that newer ones look newer.
    pub(crate) fn new_id(&mut self, prefix: &str) -> Id {
        let now = self.now();
        match prefix {
            "cs_" => self.ids.plain("cs_test_a1", 56).into(),
            "cus_" | "prod_" | "si_" => self.ids.short(prefix, now).into(),
            "pi_" | "ch_" | "re_" | "py_" | "pyr_" => {
                self.ids.timed(&format!("{prefix}3"), now).into()
            }
            _ => self.ids.timed(&format!("{prefix}1"), now).into(),
        }
    }

    /// Makes a word that nobody can guess in Stripe, for secrets and codes.
    pub(crate) fn new_word(&mut self, length: usize) -> String {
        self.ids.plain("", length)
    }
}
