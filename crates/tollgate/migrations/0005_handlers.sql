-- Changes of access that time brought and that a handler of the app's refused: tried again later.
create table due_failure (
    user_id text primary key,
    attempts bigint not null,
    error text not null,
    retry_at bigint not null
);
create index due_failure_retry on due_failure (retry_at);
