-- Postgres writes a row that changes into every index anew, unless no indexed column changes and the
-- row's page has room. So no index reads the state, which changes with every event, and pages of
-- objects keep some room. Cards are looked through once a day, sessions where uses are counted.
drop index object_card_expiry;
create index object_of_card on object (id) where kind = 'payment_method';
drop index object_taken_off;
create index object_of_session on object (id) where kind = 'checkout.session';
{keep_room}
