-- How often coupons and promotion codes were used, as the events tell it. Every discount is one use;
-- so is a completed visit to Checkout of whose discount no event told, as a one-time payment's.
create index object_given on object (id) where kind = 'discount';
create index object_taken_off on object (id)
    where kind = 'checkout.session' and state like '%"discounts":%';

create view discount as select
    id, account, owner_id as customer_id,
    {state} -> 'source' ->> 'coupon' as coupon_id,
    {state} ->> 'promotion_code' as promotion_code_id,
    {state} ->> 'subscription' as subscription_id,
    {state} ->> 'checkout_session' as checkout_session_id,
    cast({state} ->> 'start' as bigint) as start_at,
    observed_at, event_id, state
from object where kind = 'discount';

create view checkout_discount as select
    object.id as checkout_session_id, object.account as account, object.owner_id as customer_id,
    {state} ->> 'subscription' as subscription_id,
    item.value ->> 'coupon' as coupon_id,
    item.value ->> 'promotion_code' as promotion_code_id
from object, {discounts}
where object.kind = 'checkout.session' and object.state like '%"discounts":%'
    and {state} ->> 'status' = 'complete';

create view promotion_code_coupon as select
    id as promotion_code_id, {state} -> 'promotion' ->> 'coupon' as coupon_id
from object where kind = 'promotion_code';

create view redemption as
select id as source_id, customer_id, subscription_id, coupon_id, promotion_code_id
from discount
union all
select c.checkout_session_id, c.customer_id, c.subscription_id,
    coalesce(c.coupon_id, p.coupon_id), c.promotion_code_id
from checkout_discount c
left join promotion_code_coupon p on p.promotion_code_id = c.promotion_code_id
where not exists (
    select 1 from discount d
    where d.customer_id = c.customer_id
        and (d.checkout_session_id = c.checkout_session_id
            or d.subscription_id = c.subscription_id)
);
