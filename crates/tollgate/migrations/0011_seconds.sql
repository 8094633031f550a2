-- Events come nearly in the order of their seconds, so an index that begins with the second grows at
-- its end; one that begins with the object is written all over, a page for nearly every event. What
-- is asked for all the time is an object's events of one second. All events about an object are
-- asked for where a rebuild mends it, which may read the whole index.
drop index event_of_object;
create index event_of_second on event (created_at, object_id) where object_id is not null;
