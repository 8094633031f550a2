-- What two views did not say: that a customer is deleted (SQLite has 1 for JSON's true, Postgres
-- `true`), and that a subscription ends with its period, with that period's end (the latest of its
-- items', where they have it). Columns that are new stand last, so that Postgres can put the view
-- in the place of the old one, whatever an operator's own views make of it.
{unmake_view} customer;
{remake_view} customer as select
    id, account, user_id,
    coalesce(cast({state} ->> 'deleted' as text), 'false') in ('true', '1') as deleted,
    cast({state} ->> 'created' as bigint) as created_at,
    observed_at, event_id, state
from object where kind = 'customer';

{unmake_view} subscription;
{remake_view} subscription as select
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
    observed_at, event_id, state,
    coalesce(cast({state} ->> 'cancel_at_period_end' as text), 'false') in ('true', '1')
        as cancel_at_period_end,
    coalesce(
        (select max(cast(item.value ->> 'current_period_end' as bigint)) from {items}),
        cast({state} ->> 'current_period_end' as bigint)
    ) as period_end_at
from object where kind = 'subscription';
