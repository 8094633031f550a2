-- A fact is told to several, each at its own pace: how far that has come stands with the telling.
alter table outbox drop column status;

create table delivery (
    effect_id text not null references outbox (id) on delete cascade,
    -- who is told, by the name that it has in the configuration
    destination text not null,
    -- what is told in order: of these, the next one waits until this one is settled
    stream text,
    place bigint not null,
    status text not null check (status in ('pending', 'done', 'skipped', 'dead')),
    attempts bigint not null,
    -- while it is being told, the end of the lease: from then on somebody else may
    due_ms bigint not null,
    -- what the last attempt failed of, or why it is not told
    error text,
    settled_ms bigint,
    primary key (effect_id, destination)
);
create index delivery_due on delivery (destination, due_ms) where status = 'pending';
create index delivery_dead on delivery (destination) where status = 'dead';
create index delivery_place on delivery (stream, destination, place) where stream is not null;
