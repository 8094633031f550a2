//! How often coupons and promotion codes were used, counted from what the events said.

use std::collections::BTreeMap;

use super::sql::{Row, Statement, Type, params};
use super::{Db, StoreError};

pub(super) const STATEMENTS: &[&Statement] = &[&COUPONS, &CODES];

static COUPONS: Statement = Statement::batch(
    "count_coupons",
    &[("id", Type::Text)],
    "select u.coupon_id, count(*) from redemption as u
     join {rows} as r on r.id = u.coupon_id group by u.coupon_id",
);

static CODES: Statement = Statement::batch(
    "count_promotion_codes",
    &[("id", Type::Text)],
    "select u.promotion_code_id, count(*) from redemption as u
     join {rows} as r on r.id = u.promotion_code_id group by u.promotion_code_id",
);

/// Returns how often each of these coupons was used; one that is missing was not.
///
/// # Errors
/// As the database says.
pub async fn of_coupons(db: &Db, ids: &[&str]) -> Result<BTreeMap<String, i64>, StoreError> {
    count(db, &COUPONS, ids).await
}

/// Returns how often each of these promotion codes was used; one that is missing was not.
///
/// # Errors
/// As the database says.
pub async fn of_codes(db: &Db, ids: &[&str]) -> Result<BTreeMap<String, i64>, StoreError> {
    count(db, &CODES, ids).await
}

async fn count(
    db: &Db,
    statement: &'static Statement,
    ids: &[&str],
) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows = db.fetch_rows(statement, ids.iter().map(|it| params![*it]).collect()).await?;
    rows.iter().map(|row: &Row| Ok((row.get(0)?, row.get(1)?))).collect()
}
