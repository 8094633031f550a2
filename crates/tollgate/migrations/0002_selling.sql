-- What we are about to make at Stripe for a user, noted before Stripe is asked: whoever asks again,
-- after a crash or from another node, asks for the same under the same key.
create table intent (
    user_id text not null,
    purpose text not null check (purpose in ('customer', 'checkout')),
    -- the parameters, as JSON
    request text not null,
    idempotency_key text not null,
    -- what Stripe made of it, once known
    object_id text,
    noted_ms bigint not null,
    primary key (user_id, purpose)
);
