-- Cards are looked for by the month in which they expire.
create view payment_method as select
    id, account, owner_id as customer_id,
    {state} ->> 'type' as type,
    {state} -> 'card' ->> 'brand' as brand,
    {state} -> 'card' ->> 'last4' as last4,
    cast({state} -> 'card' ->> 'exp_year' as bigint) as exp_year,
    cast({state} -> 'card' ->> 'exp_month' as bigint) as exp_month,
    observed_at, event_id, state
from object where kind = 'payment_method';

create index object_card_expiry on object (
    (cast({state} -> 'card' ->> 'exp_year' as bigint)),
    (cast({state} -> 'card' ->> 'exp_month' as bigint)),
    id
) where kind = 'payment_method';
