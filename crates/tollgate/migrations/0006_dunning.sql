-- Whose money is missing stands with the access that depends on it, so that both change at once.
-- JSON; null where nothing is missing.
alter table access add column dunning text;

create view dunning as select
    access.user_id as user_id,
    item.value ->> 'subscription_id' as subscription_id,
    item.value ->> 'invoice_id' as invoice_id,
    cast(item.value ->> 'since' as bigint) as since_at,
    cast(item.value ->> 'attempts' as bigint) as attempts,
    cast(item.value ->> 'next_attempt' as bigint) as next_attempt_at,
    item.value ->> 'level' as level,
    cast(item.value ->> 'access_until' as bigint) as access_until_at,
    cast(item.value ->> 'decides' as boolean) as decides
from access, {dunning};
