//! Stripe's test cards: numbers, names and how each behaves.
//!
//! After <https://docs.stripe.com/testing> (2026-11).

/// A card with a number that Stripe gives out for tests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TestCard {
    pub(crate) number: &'static str,
    /// What follows `pm_card_` and `tok_` in its names.
    names: &'static [&'static str],
    pub(crate) brand: Brand,
    pub(crate) funding: &'static str,
    pub(crate) country: &'static str,
    pub(crate) nature: Nature,
}

/// Who issues the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Brand {
    Visa,
    Mastercard,
    Amex,
    Discover,
    Diners,
    Jcb,
    Unionpay,
    VisaCartesBancaires,
    MastercardCartesBancaires,
}

/// How a card behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    Plain,
    /// Refused when it is attached and when it is charged, with this decline code.
    Declined(&'static str),
    /// It lets itself be attached, and is refused whenever it is charged.
    FailsWhenCharged,
    /// Stripe's own rules refuse it when it is charged.
    Blocked,
    /// It is charged, and Stripe finds that risky.
    Risky,
    Authenticates(When),
    Disputed(Case),
    /// Refunds take a while.
    RefundPends,
    /// Refunds seem to succeed, and come back.
    RefundFails,
    /// The bank finds a detail wrong, and pays all the same.
    Doubtful(Doubt),
}

/// When a card's bank wants to see the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// Not while the customer is away, once they agreed to that.
    UnlessSetUp,
    /// Only while the customer is there; they agreed before the card came to Stripe.
    OnSession,
    /// Always, and then it is refused with this decline code.
    ThenDeclined(&'static str),
}

/// What a dispute is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Fraudulent,
    NotReceived,
    Inquiry,
    /// Two cases at once.
    Multiple,
}

/// What the bank finds wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    Cvc,
    PostalCode,
    Line1,
    Address,
    /// The bank does not look at the address.
    Unchecked,
}

impl Brand {
    /// Returns the value of `brand`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Visa | Self::VisaCartesBancaires => "visa",
            Self::Mastercard | Self::MastercardCartesBancaires => "mastercard",
            Self::Amex => "amex",
            Self::Discover => "discover",
            Self::Diners => "diners",
            Self::Jcb => "jcb",
            Self::Unionpay => "unionpay",
        }
    }

    /// Returns the brand as tokens and people write it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Visa | Self::VisaCartesBancaires => "Visa",
            Self::Mastercard | Self::MastercardCartesBancaires => "MasterCard",
            Self::Amex => "American Express",
            Self::Discover => "Discover",
            Self::Diners => "Diners Club",
            Self::Jcb => "JCB",
            Self::Unionpay => "UnionPay",
        }
    }

    /// Returns the value of `display_brand`.
    pub(crate) fn display(self) -> &'static str {
        match self {
            Self::Amex => "american_express",
            Self::Diners => "diners_club",
            Self::Unionpay => "union_pay",
            _ if self.networks().len() > 1 => "other",
            _ => self.name(),
        }
    }

    /// Returns the networks that can carry a payment.
    pub(crate) fn networks(self) -> &'static [&'static str] {
        match self {
            Self::Visa => &["visa"],
            Self::Mastercard => &["mastercard"],
            Self::Amex => &["amex"],
            Self::Discover => &["discover"],
            Self::Diners => &["diners"],
            Self::Jcb => &["jcb"],
            Self::Unionpay => &["unionpay"],
            Self::VisaCartesBancaires => &["cartes_bancaires", "visa"],
            Self::MastercardCartesBancaires => &["cartes_bancaires", "mastercard"],
        }
    }

    /// Returns the network that carries a payment.
    pub(crate) fn network(self) -> &'static str {
        self.networks()[0]
    }
}

impl TestCard {
    pub(crate) fn last4(&self) -> &'static str {
        &self.number[self.number.len() - 4..]
    }

    /// Returns the decline of an attempt to attach the card.
    pub(crate) fn refuses_attaching(&self) -> Option<&'static str> {
        match self.nature {
            Nature::Declined(code) => Some(code),
            _ => None,
        }
    }

    const fn debit(mut self) -> Self {
        self.funding = "debit";
        self
    }

    const fn of_country(mut self, country: &'static str) -> Self {
        self.country = country;
        self
    }

    const fn prepaid(mut self) -> Self {
        self.funding = "prepaid";
        self
    }
}

const fn card(number: &'static str, brand: Brand, names: &'static [&'static str]) -> TestCard {
    TestCard { number, names, brand, funding: "credit", country: "US", nature: Nature::Plain }
}

const fn visa(number: &'static str, names: &'static [&'static str], nature: Nature) -> TestCard {
    TestCard { number, names, brand: Brand::Visa, funding: "credit", country: "US", nature }
}

const fn of(
    country: &'static str,
    number: &'static str,
    names: &'static [&'static str],
) -> TestCard {
    TestCard { country, ..visa(number, names, Nature::Plain) }
}

/// Every test card.
static CARDS: &[TestCard] = &[
    card("4242424242424242", Brand::Visa, &["visa", "us"]),
    card("4000056655665556", Brand::Visa, &["visa_debit"]).debit(),
    card("5555555555554444", Brand::Mastercard, &["mastercard"]),
    card("2223003122003222", Brand::Mastercard, &[]),
    card("5200828282828210", Brand::Mastercard, &["mastercard_debit"]).debit(),
    card("5105105105105100", Brand::Mastercard, &["mastercard_prepaid"]).prepaid(),
    card("378282246310005", Brand::Amex, &["amex"]),
    card("371449635398431", Brand::Amex, &[]),
    card("6011111111111117", Brand::Discover, &["discover"]),
    card("6011000990139424", Brand::Discover, &[]),
    card("6011981111111113", Brand::Discover, &["discover_debit"]).debit(),
    card("3056930009020004", Brand::Diners, &["diners"]),
    card("36227206271667", Brand::Diners, &["diners_14digits"]),
    card("3566002020360505", Brand::Jcb, &["jcb"]),
    card("6200000000000005", Brand::Unionpay, &["unionpay"]),
    card("6200000000000047", Brand::Unionpay, &["unionpay_debit"]).debit(),
    card("6205500000000000004", Brand::Unionpay, &[]),
    card("4000002500001001", Brand::VisaCartesBancaires, &["visa_cartesBancaires"])
        .of_country("FR"),
    card("5555552500001001", Brand::MastercardCartesBancaires, &["mastercard_cartesBancaires"])
        .of_country("FR"),
    of("AR", "4000000320000021", &["ar"]),
    of("BR", "4000000760000002", &["br"]),
    of("CA", "4000001240000000", &["ca"]),
    of("MX", "4000004840008001", &["mx"]),
    of("AT", "4000000400000008", &["at"]),
    of("BE", "4000000560000004", &["be"]),
    of("BG", "4000001000000000", &["bg"]),
    of("CZ", "4000002030000002", &["cz"]),
    of("DK", "4000002080000001", &["dk"]),
    of("EE", "4000002330000009", &["ee"]),
    of("FI", "4000002460000001", &["fi"]),
    of("FR", "4000002500000003", &["fr"]),
    of("DE", "4000002760000016", &["de"]),
    of("GR", "4000003000000030", &["gr"]),
    of("HU", "4000003480000005", &["hu"]),
    of("IE", "4000003720000005", &["ie"]),
    of("IT", "4000003800000008", &["it"]),
    of("NL", "4000005280000002", &["nl"]),
    of("NO", "4000005780000007", &["no"]),
    of("PL", "4000006160000005", &["pl"]),
    of("PT", "4000006200000007", &["pt"]),
    of("ES", "4000007240000007", &["es"]),
    of("SE", "4000007520000008", &["se"]),
    of("CH", "4000007560000009", &["ch"]),
    of("GB", "4000008260000000", &["gb"]),
    of("GB", "4000058260000005", &["gb_debit"]).debit(),
    of("AU", "4000000360000006", &["au"]),
    of("IN", "4000003560000008", &["in"]),
    of("JP", "4000003920000003", &["jp"]),
    of("SG", "4000007020000003", &["sg"]),
    visa(
        "4000000000000002",
        &["chargeDeclined", "visa_chargeDeclined"],
        Nature::Declined("generic_decline"),
    ),
    visa(
        "4000000000009995",
        &["chargeDeclinedInsufficientFunds", "visa_chargeDeclinedInsufficientFunds"],
        Nature::Declined("insufficient_funds"),
    ),
    visa(
        "4000000000009987",
        &["chargeDeclinedLostCard", "visa_chargeDeclinedLostCard"],
        Nature::Declined("lost_card"),
    ),
    visa(
        "4000000000009979",
        &["chargeDeclinedStolenCard", "visa_chargeDeclinedStolenCard"],
        Nature::Declined("stolen_card"),
    ),
    visa(
        "4000000000000069",
        &["chargeDeclinedExpiredCard", "visa_chargeDeclinedExpiredCard"],
        Nature::Declined("expired_card"),
    ),
    visa(
        "4000000000000127",
        &["chargeDeclinedIncorrectCvc", "visa_chargeDeclinedIncorrectCvc"],
        Nature::Declined("incorrect_cvc"),
    ),
    visa(
        "4000000000000119",
        &["chargeDeclinedProcessingError", "visa_chargeDeclinedProcessingError"],
        Nature::Declined("processing_error"),
    ),
    visa(
        "4000000000006975",
        &["chargeDeclinedVelocityLimitExceeded", "visa_chargeDeclinedVelocityLimitExceeded"],
        Nature::Declined("card_velocity_exceeded"),
    ),
    visa(
        "4000000000000341",
        &["chargeCustomerFail", "visa_chargeCustomerFail"],
        Nature::FailsWhenCharged,
    ),
    visa(
        "4100000000000019",
        &["chargeDeclinedFraudulent", "visa_chargeDeclinedFraudulent", "radarBlock"],
        Nature::Blocked,
    ),
    visa("4000000000009235", &["riskLevelElevated"], Nature::Risky),
    visa("4000000000000101", &["cvcCheckFail"], Nature::Doubtful(Doubt::Cvc)),
    visa("4000000000000036", &["avsZipFail"], Nature::Doubtful(Doubt::PostalCode)),
    visa("4000000000000028", &["avsLine1Fail"], Nature::Doubtful(Doubt::Line1)),
    visa("4000000000000010", &["avsFail"], Nature::Doubtful(Doubt::Address)),
    visa("4000000000000044", &["avsUnchecked"], Nature::Doubtful(Doubt::Unchecked)),
    visa("4000000000000259", &["createDispute"], Nature::Disputed(Case::Fraudulent)),
    visa(
        "4000000000002685",
        &["createDisputeProductNotReceived"],
        Nature::Disputed(Case::NotReceived),
    ),
    visa("4000000000001976", &["createDisputeInquiry"], Nature::Disputed(Case::Inquiry)),
    visa("4000000404000079", &["createMultipleDisputes"], Nature::Disputed(Case::Multiple))
        .of_country("AT"),
    visa("4000000000007726", &["pendingRefund"], Nature::RefundPends),
    visa("4000000000005126", &["refundFail"], Nature::RefundFails),
    visa("4000000000000077", &["bypassPending"], Nature::Plain),
    of("IE", "4000003720000278", &["bypassPendingInternational"]),
    visa(
        "4000000000003220",
        &["threeDSecure2Required", "threeDSecureRequired_2"],
        Nature::Authenticates(When::Always),
    ),
    visa("4000000000003063", &["threeDSecureRequired"], Nature::Authenticates(When::Always)),
    visa(
        "4000008400001629",
        &["threeDSecureRequiredChargeDeclined"],
        Nature::Authenticates(When::ThenDeclined("generic_decline")),
    ),
    visa(
        "4000008400001280",
        &["threeDSecureRequiredProcessingError"],
        Nature::Authenticates(When::ThenDeclined("processing_error")),
    ),
    visa("4000000000003055", &["threeDSecureOptional"], Nature::Plain),
    visa(
        "4000002500003155",
        &["authenticationRequiredOnSetup"],
        Nature::Authenticates(When::UnlessSetUp),
    )
    .of_country("FR"),
    visa("4000002760003184", &["authenticationRequired"], Nature::Authenticates(When::Always))
        .of_country("DE"),
    visa(
        "4000003800000446",
        &["authenticationRequiredSetupForOffSession"],
        Nature::Authenticates(When::OnSession),
    )
    .of_country("IT"),
    visa(
        "4000008260003178",
        &["authenticationRequiredChargeDeclinedInsufficientFunds"],
        Nature::Authenticates(When::ThenDeclined("insufficient_funds")),
    )
    .of_country("GB"),
];

/// Returns the card with a number.
pub(super) fn by_number(number: &str) -> Option<&'static TestCard> {
    CARDS.iter().find(|card| card.number == number)
}

/// Returns the card that a name such as `pm_card_visa` or `tok_visa` stands for.
pub(super) fn by_name(name: &str) -> Option<&'static TestCard> {
    let name = name.strip_prefix("pm_card_").or_else(|| name.strip_prefix("tok_"))?;
    CARDS.iter().find(|card| card.names.contains(&name))
}

/// Says whether a card number's last digit agrees with the others.
pub(super) fn is_number(number: &str) -> bool {
    let digits = number.bytes().rev().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    number.len() >= 13 && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_card_is_a_card_and_is_there_once() {
        for card in CARDS {
            assert!(is_number(card.number), "{}", card.number);
            assert_eq!(by_number(card.number), Some(card), "{} twice", card.number);
            for name in card.names {
                assert_eq!(by_name(&format!("pm_card_{name}")), Some(card), "{name} twice");
                assert_eq!(by_name(&format!("tok_{name}")), Some(card));
            }
        }
        assert!(!is_number("4242424242424241") && !is_number("4242"));
    }
}
