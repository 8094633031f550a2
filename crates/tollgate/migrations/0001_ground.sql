-- The tables of the ground floor. One text for both databases; {blob}, {state} and {items} are
-- filled in by `store::schema`. Times ending in `_at` are Unix seconds, in `_ms` milliseconds.

create table meta (
    key text primary key,
    value text not null
);

-- Every event that Stripe sent, as it came.
create table event (
    id text primary key,
    type text not null,
    created_at bigint not null,
    object_id text,
    account text,
    status text not null check (status in ('applied', 'ignored', 'failed')),
    error text,
    attempts integer not null,
    seen integer not null,
    retry_at bigint,
    received_ms bigint not null,
    payload {blob} not null
);
create index event_of_object on event (object_id, created_at) where object_id is not null;
create index event_received on event (received_ms);
create index event_to_retry on event (retry_at) where retry_at is not null;

-- What each of Stripe's objects is held to be, and the observation that says so.
create table object (
    id text primary key,
    kind text not null,
    account text,
    owner_id text,
    payment_id text,
    user_id text,
    -- 0 nothing, 1 bears on access, 2 ties a payment to what it paid, 3 a refund or dispute
    bearing bigint not null,
    observed_at bigint not null,
    event_id text not null,
    contested boolean not null,
    unsettled boolean not null,
    version bigint not null,
    state text not null
);
create index object_of_owner on object (owner_id, bearing) where owner_id is not null;
create index object_of_payment on object (payment_id) where payment_id is not null;
create index object_of_user on object (user_id) where user_id is not null;

-- The users whom the app named.
create table app_user (
    user_id text primary key,
    customer_id text,
    email text,
    name text,
    updated_at bigint not null
);
create index app_user_of_customer on app_user (customer_id) where customer_id is not null;

-- What each user may use.
create table access (
    user_id text primary key,
    customer_id text,
    granted boolean not null,
    plan text not null,
    features text not null,
    status text,
    reason text not null,
    until bigint,
    grace_until bigint,
    cancel_at bigint,
    due_at bigint,
    revision bigint not null,
    changed_at bigint not null
);
create index access_due on access (due_at) where due_at is not null;

-- The facts that somebody has to hear of, staged with the change that causes them.
create table outbox (
    id text primary key,
    kind text not null,
    subject_id text not null,
    event_id text,
    status text not null check (status in ('pending', 'done', 'skipped', 'dead')),
    created_at bigint not null
);

create view customer as select
    id, account, user_id,
    coalesce(cast({state} ->> 'deleted' as text), 'false') = 'true' as deleted,
    cast({state} ->> 'created' as bigint) as created_at,
    observed_at, event_id, state
from object where kind = 'customer';

create view subscription as select
    id, account, user_id,
    {state} ->> 'customer' as customer_id,
    {state} ->> 'status' as status,
    {state} ->> 'currency' as currency,
    cast({state} ->> 'created' as bigint) as created_at,
    cast({state} ->> 'trial_end' as bigint) as trial_end_at,
    cast({state} ->> 'cancel_at' as bigint) as cancel_at,
    cast({state} ->> 'canceled_at' as bigint) as canceled_at,
    cast({state} ->> 'ended_at' as bigint) as ended_at,
    {state} ->> 'latest_invoice' as latest_invoice_id,
    observed_at, event_id, state
from object where kind = 'subscription';

create view invoice as select
    id, account, owner_id as customer_id,
    {state} ->> 'status' as status,
    {state} ->> 'currency' as currency,
    {state} ->> 'billing_reason' as billing_reason,
    cast({state} ->> 'amount_due' as bigint) as amount_due,
    cast({state} ->> 'amount_paid' as bigint) as amount_paid,
    cast({state} ->> 'attempt_count' as bigint) as attempt_count,
    cast({state} ->> 'next_payment_attempt' as bigint) as next_attempt_at,
    cast({state} ->> 'created' as bigint) as created_at,
    observed_at, event_id, state
from object where kind = 'invoice';

create view payment as select
    id, account, owner_id as customer_id, payment_id as payment_intent_id,
    {state} ->> 'status' as status,
    {state} ->> 'currency' as currency,
    cast({state} ->> 'amount' as bigint) as amount,
    coalesce(cast({state} ->> 'amount_refunded' as bigint), 0) as amount_refunded,
    cast({state} ->> 'created' as bigint) as created_at,
    observed_at, event_id, state
from object where kind = 'charge';

create view refund as select
    id, account, owner_id as customer_id,
    {state} ->> 'charge' as charge_id,
    {state} ->> 'status' as status,
    {state} ->> 'currency' as currency,
    cast({state} ->> 'amount' as bigint) as amount,
    cast({state} ->> 'created' as bigint) as created_at,
    observed_at, event_id, state
from object where kind = 'refund';

create view dispute as select
    id, account, owner_id as customer_id,
    {state} ->> 'charge' as charge_id,
    {state} ->> 'status' as status,
    {state} ->> 'reason' as reason,
    {state} ->> 'currency' as currency,
    cast({state} ->> 'amount' as bigint) as amount,
    cast({state} ->> 'created' as bigint) as created_at,
    observed_at, event_id, state
from object where kind = 'dispute';

create view subscription_item as select
    item.value ->> 'id' as id, object.id as subscription_id, object.account as account,
    item.value -> 'price' ->> 'id' as price_id,
    item.value -> 'price' ->> 'product' as product_id,
    item.value -> 'price' ->> 'lookup_key' as lookup_key,
    cast(item.value ->> 'quantity' as bigint) as quantity,
    cast(item.value ->> 'current_period_start' as bigint) as period_start_at,
    cast(item.value ->> 'current_period_end' as bigint) as period_end_at
from object, {items}
where object.kind = 'subscription';

create view entitlement as select
    object.owner_id as customer_id, object.account as account,
    item.value ->> 'lookup_key' as feature,
    object.observed_at as observed_at, object.event_id as event_id
from object, {features}
where object.kind = 'entitlements.active_entitlement_summary';
