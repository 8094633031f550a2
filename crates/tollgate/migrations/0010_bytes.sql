-- What an event costs on disk. An object has few events, and those of one second are found among
-- them; without the second, Postgres keeps an object's id once for all of them. The room that
-- pages of objects kept cost more than the indexes that a row without it is written into anew.
drop index event_of_object;
create index event_of_object on event (object_id) where object_id is not null;
{keep_no_room}
-- Sessions are read all together, in no order.
drop index object_of_session;
create index object_of_session on object (kind) where kind = 'checkout.session';
