//! What people are told about an object: addresses, numbers, links and lines, as each version
//! wrote them.

use serde_json::{Value, json};
use tollgate_stripe::object::{
    Charge, CheckoutSession, Customer, Invoice, InvoiceLine, Kind, Object,
};

/// Reads an object, and on the way checks that storing loses nothing.
fn read(kind: Kind, body: &Value) -> Object {
    let object = Object::read(kind, &body.to_string()).expect("the object is readable");
    let stored = object.to_stored();
    assert_eq!(Object::parse_stored(&stored).as_ref(), Ok(&object), "stored as {stored}");
    object
}

fn invoice(body: &Value) -> Invoice {
    let Object::Invoice(it) = read(Kind::Invoice, body) else { panic!("it is an invoice") };
    it
}

#[test]
fn a_customer_says_where_to_write_and_in_which_language() {
    let body = json!({
        "id": "cus_1", "object": "customer", "email": "ada@example.com", "name": "Ada",
        "preferred_locales": ["de-AT", "en", null, 3, { "id": "fr" }]
    });
    let expected = Customer {
        id: "cus_1".into(),
        email: Some("ada@example.com".to_owned()),
        name: Some("Ada".to_owned()),
        preferred_locales: vec!["de-AT".to_owned(), "en".to_owned()],
        ..Customer::default()
    };
    let nothing = json!({ "id": "cus_1", "email": "", "name": null, "preferred_locales": "de" });
    assert_eq!(read(Kind::Customer, &body), Object::Customer(expected));
    let bare = Customer { id: "cus_1".into(), ..Customer::default() };
    assert_eq!(read(Kind::Customer, &nothing), Object::Customer(bare));
}

#[test]
fn an_invoice_says_its_number_its_page_and_what_it_is_for() {
    let it = invoice(&json!({
        "id": "in_1", "object": "invoice", "number": "A-0001",
        "hosted_invoice_url": "https://invoice.stripe.com/i/acct_1/test_1",
        "invoice_pdf": "https://pay.stripe.com/invoice/acct_1/test_1/pdf",
        "lines": { "object": "list", "has_more": false, "data": [
            { "id": "il_1", "description": "1 × Pro", "amount": 2900,
              "period": { "start": 1, "end": 2 } },
            { "id": "il_2", "description": null, "amount": -100, "period": null },
        ]}
    }));
    let named = InvoiceLine {
        description: Some("1 × Pro".to_owned()),
        amount: 2900,
        period_start: Some(1),
        period_end: Some(2),
    };
    assert_eq!(it.number.as_deref(), Some("A-0001"));
    let page = "https://invoice.stripe.com/i/acct_1/test_1";
    assert_eq!(it.hosted_invoice_url.as_deref(), Some(page));
    assert_eq!(it.lines, [named, InvoiceLine { amount: -100, ..InvoiceLine::default() }]);
}

/// Taxes were a number, then a list, then a list of another name.
#[test]
fn taxes_and_discounts_are_added_up_in_every_version() {
    for (version, taxes) in [
        ("2020-08-27", json!({ "tax": 463 })),
        ("2020-08-27, both", json!({ "tax": 463, "total_tax_amounts": [{ "amount": 463 }] })),
        ("2024-06-20", json!({ "total_tax_amounts": [{ "amount": 400 }, { "amount": 63 }] })),
        ("2025-03-31.basil", json!({ "total_taxes": [{ "amount": 400 }, { "amount": 63 }] })),
    ] {
        assert_eq!(invoice(&taxes).tax, Some(463), "{version}");
    }
    let taken = json!({ "total_discount_amounts": [{ "amount": 50 }, { "amount": 7 }] });
    assert_eq!(invoice(&taken).discount, Some(57));
    let none = invoice(&json!({ "tax": null, "total_taxes": [], "total_discount_amounts": null }));
    assert_eq!((none.tax, none.discount), (None, None));
}

#[test]
fn of_many_lines_the_first_are_kept() {
    let lines: Vec<Value> = (0..50).map(|it| json!({ "amount": it })).collect();
    let kept = invoice(&json!({ "id": "in_1", "lines": { "data": lines } })).lines;
    assert_eq!(kept.iter().map(|it| it.amount).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn a_charge_says_its_receipt_and_its_card() {
    let body = json!({
        "id": "ch_1", "object": "charge", "amount": 100,
        "receipt_url": "https://pay.stripe.com/receipts/x",
        "payment_method_details": { "type": "card", "card": {
            "brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030, "country": "US"
        }}
    });
    let Object::Charge(it) = read(Kind::Charge, &body) else { panic!("it is a charge") };
    let expected = Charge {
        id: "ch_1".into(),
        amount: 100,
        receipt_url: Some("https://pay.stripe.com/receipts/x".to_owned()),
        brand: Some("visa".to_owned()),
        last4: Some("4242".to_owned()),
        ..Charge::default()
    };
    assert_eq!(it, expected);
    let debit = json!({ "id": "ch_1", "payment_method_details": { "type": "sepa_debit" } });
    assert_eq!(
        read(Kind::Charge, &debit),
        Object::Charge(Charge { id: "ch_1".into(), ..Charge::default() })
    );
}

/// What they typed is newer than what the app knew.
#[test]
fn a_session_says_who_bought() {
    for (body, email, name) in [
        (json!({ "customer_email": "a@example.com" }), Some("a@example.com"), None),
        (
            json!({
                "customer_details": { "email": "b@example.com", "name": "Ada" },
                "customer_email": "a@example.com"
            }),
            Some("b@example.com"),
            Some("Ada"),
        ),
        (json!({ "customer_details": null, "customer_email": null }), None, None),
    ] {
        let mut body = body;
        body["id"] = json!("cs_1");
        let Object::CheckoutSession(it) = read(Kind::CheckoutSession, &body) else {
            panic!("it is a session")
        };
        assert_eq!((it.email.as_deref(), it.name.as_deref()), (email, name), "{body}");
    }
    let body = json!({ "id": "cs_1", "locale": "de" });
    let expected = CheckoutSession {
        id: "cs_1".into(),
        locale: Some("de".to_owned()),
        ..CheckoutSession::default()
    };
    assert_eq!(read(Kind::CheckoutSession, &body), Object::CheckoutSession(expected));
}
