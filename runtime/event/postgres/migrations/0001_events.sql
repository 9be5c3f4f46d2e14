-- What was accepted, in the order of each tenant. Positions are taken while the
-- transaction holds the lock that an INSERT takes on this table, and readers wait
-- for who holds it: a position below one that was read never appears later.
create sequence runnel.event_position;
create table runnel.events (
	position bigint primary key default nextval('runnel.event_position'),
	tenant   text collate "C" not null,
	channel  text collate "C" not null,
	id       text, -- null: the position is the id
	payload  text not null,
	time     timestamptz not null default clock_timestamp(),
	wakes    boolean not null default true -- readers are woken when it is committed
);
alter sequence runnel.event_position owned by runnel.events.position;
create index events_of_tenant  on runnel.events (tenant, position);
create index events_of_channel on runnel.events (tenant, channel, position);
-- Payloads live for an hour or so: to compress them costs more than it saves.
alter table runnel.events alter column payload set storage external;
alter table runnel.events set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);

-- The ids that publishers gave within the window in which they count.
create table runnel.event_ids (
	tenant  text collate "C" not null,
	channel text collate "C" not null,
	id      text collate "C" not null,
	digest  bytea not null, -- SHA-256 of the payload
	time    timestamptz not null,
	position bigint, -- of the event; null only within the transaction that publishes it
	primary key (tenant, channel, id)
) with (fillfactor = 70);
create index event_ids_by_time on runnel.event_ids (tenant, time);
alter table runnel.event_ids set (autovacuum_vacuum_scale_factor = 0.05);

-- The last position of each tenant that retention has taken.
create table runnel.event_floors (
	tenant   text collate "C" primary key,
	position bigint not null
);
create index event_floors_by_position on runnel.event_floors (position);

-- Where the database was put back to an earlier state: no event lies behind
-- "from", up to and with "to", and those that did are lost.
create table runnel.event_rewinds (
	"from" bigint not null,
	"to"   bigint primary key,
	time   timestamptz not null default clock_timestamp()
);

-- What the events were kept on last. One row.
create table runnel.event_server (
	identity text not null
);

-- The row that a commit locks while it wakes the readers. One row.
create table runnel.event_wake ();
insert into runnel.event_wake default values;

-- Which role may publish for which tenant. Roles are kept by their oid: a new role
-- of the same name has none of this.
create table runnel.grants (
	role   regrole not null,
	tenant text collate "C" not null,
	primary key (role, tenant)
);

-- A transaction may have published before its grant was taken away: readers still
-- have to know for which tenants it may have.
create table runnel.revoked_grants (
	role    oid not null,
	tenant  text collate "C" not null,
	primary key (role, tenant)
);
create function runnel.keep_revoked() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
	insert into runnel.revoked_grants (role, tenant) values (old.role, old.tenant) on conflict do nothing;
	return null;
end
$$;
create trigger keep_revoked after delete or update on runnel.grants for each row execute function runnel.keep_revoked();
-- TRUNCATE would go past that trigger.
create function runnel.refuse_truncate() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
	raise exception 'truncate runnel.grants: use delete' using errcode = 'feature_not_supported';
end
$$;
create trigger refuse_truncate before truncate on runnel.grants for each statement execute function runnel.refuse_truncate();

-- Wakes the readers when the transaction commits. A commit with a notification
-- excludes all others with one, so of those that run at the same time only one has
-- it: readers that are awake see the others by their locks. It runs as the owner,
-- since who could lock that row otherwise could keep everyone from waking.
create function runnel.wake() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
	if current_setting('synchronous_commit') = 'off' then
		-- An event that others have seen must not be lost, nor its position be given again.
		perform set_config('synchronous_commit', 'on', true);
	end if;
	perform from runnel.event_wake for update skip locked;
	if found then
		perform pg_notify('runnel_events', '');
	end if;
	return null;
end
$$;
create constraint trigger wake after insert on runnel.events deferrable initially deferred
	for each row when (new.wakes) execute function runnel.wake();

-- Which of the events with an id are new, by their places in the arrays. It keeps
-- their ids, and fails for an id that is known with another payload; the detail of
-- that error is the place.
create function runnel.claim_ids(tenant text, channels text[], ids text[], payloads text[], known_for interval) returns int[]
language plpgsql set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
	fresh int[];
	conflict record;
begin
	with given as (
		select distinct on (e.channel collate "C", e.id collate "C") e.channel, e.id, sha256(convert_to(e.payload, 'UTF8')) as digest, e.place
		from unnest(channels, ids, payloads) with ordinality as e (channel, id, payload, place)
		where e.id is not null
		order by e.channel collate "C", e.id collate "C", e.place -- all transactions wait for each other in one order
	), claimed as (
		insert into runnel.event_ids as kept (tenant, channel, id, digest, time)
		select claim_ids.tenant, g.channel, g.id, g.digest, clock_timestamp() from given g
		on conflict on constraint event_ids_pkey do update set digest = excluded.digest, time = excluded.time, position = null
		where kept.time < clock_timestamp() - known_for
		returning kept.channel, kept.id
	)
	select coalesce(array_agg(g.place::int), '{}') into fresh from given g join claimed c using (channel, id);

	select e.channel, e.id, e.place into conflict
	from unnest(channels, ids, payloads) with ordinality as e (channel, id, payload, place)
	where e.id is not null and e.place not in (select unnest(fresh)) and sha256(convert_to(e.payload, 'UTF8')) <>
		(select k.digest from runnel.event_ids k where k.tenant = claim_ids.tenant and k.channel = e.channel and k.id = e.id)
	order by e.place limit 1;
	if found then
		raise exception 'the id % was used on the channel % with another payload', conflict.id, conflict.channel
			using errcode = 'unique_violation', constraint = 'event_ids_pkey', schema = 'runnel', table = 'event_ids', detail = conflict.place;
	end if;
	return fresh;
end
$$;

-- Publishes events of one tenant, all or none, that were checked. last is the
-- position of the last, which is that of its first where its id was seen before, and
-- added how many were not. Nothing waits for another transaction once positions are taken.
create function runnel.publish_batch(tenant text, channels text[], ids text[], payloads text[], known_for interval, out last bigint, out added bigint)
language plpgsql set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$ -- plans are made while tables are small
declare
	fresh int[];
	places constant int := cardinality(channels);
begin
	if known_for <= interval '0' or array_remove(ids, null) = '{}' then
		with added as (
			insert into runnel.events (position, tenant, channel, id, payload, time, wakes)
			select nextval('runnel.event_position'), publish_batch.tenant, e.channel, e.id, e.payload, clock_timestamp(), e.place = places
			from unnest(channels, ids, payloads) with ordinality as e (channel, id, payload, place)
			returning position
		)
		select max(position), count(*) into last, added from added;
		return;
	end if;
	fresh := runnel.claim_ids(tenant, channels, ids, payloads, known_for);
	with numbered as materialized (
		select nextval('runnel.event_position') as position, e.* from (
			select *, row_number() over (order by e.place desc) = 1 as wakes
			from unnest(channels, ids, payloads) with ordinality as e (channel, id, payload, place)
			where e.id is null or e.place in (select unnest(fresh))
			order by e.place
		) as e
	), placed as (
		update runnel.event_ids k set position = n.position from (
			select n.position, (select i.ctid from runnel.event_ids i where i.tenant = publish_batch.tenant and i.channel = n.channel and i.id = n.id) as row
			from numbered n where n.id is not null
		) n where k.ctid = n.row
	), added as (
		insert into runnel.events (position, tenant, channel, id, payload, time, wakes)
		select n.position, publish_batch.tenant, n.channel, n.id, n.payload, clock_timestamp(), n.wakes from numbered n
		returning position
	)
	select max(position), count(*) into last, added from added;
	if ids[places] is not null then
		select k.position into last from runnel.event_ids k
		where k.tenant = publish_batch.tenant and k.channel = channels[places] and k.id = ids[places];
	end if;
end
$$;

-- runnel.publish is what back-ends call, in the transaction of their change. It
-- returns the position of the event, or null where its id was seen before.
create function runnel.publish(tenant text, channel text, payload text, id text default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
	result record;
begin
	-- session_user is who has connected: SET ROLE does not change it. current_user is the owner here.
	if session_user <> current_user and not exists (
		select from runnel.grants g where g.role = to_regrole(quote_ident(session_user)) and g.tenant = publish.tenant
	) then
		raise exception 'the role % may not publish for the tenant %', session_user, coalesce(tenant, 'null')
			using errcode = 'insufficient_privilege';
	end if;
	if channel is null or channel !~ '^[A-Za-z0-9_.:-]{1,200}$' then
		raise exception 'channel %: 1 to 200 of the characters A-Z a-z 0-9 _ . : - are allowed', coalesce(quote_literal(left(channel, 200)), 'null')
			using errcode = 'invalid_parameter_value';
	elsif octet_length(id) > 200 then
		raise exception 'id of % bytes: at most 200 are allowed', octet_length(id) using errcode = 'invalid_parameter_value';
	elsif id ~ '[\u0001-\u001f\u007f-\u009f]' then
		raise exception 'id %: no control characters are allowed', quote_literal(id) using errcode = 'invalid_parameter_value';
	elsif payload is null then
		raise exception 'the payload is null: JSON''s null is written ''null''' using errcode = 'null_value_not_allowed';
	elsif octet_length(payload) > 8388608 then
		raise exception 'payload of % bytes: at most 8388608 are allowed', octet_length(payload) using errcode = 'program_limit_exceeded';
	end if;
	perform payload::json; -- fails where it is none
	result := runnel.publish_batch(tenant, array[channel], array[nullif(id, '')], array[payload], interval '10 minutes');
	return case when result.added > 0 then result.last end;
end
$$;
create function runnel.publish(tenant text, channel text, payload json, id text default null) returns bigint
language sql set search_path = pg_catalog, pg_temp as $$ select runnel.publish(tenant, channel, payload::text, id) $$;
create function runnel.publish(tenant text, channel text, payload jsonb, id text default null) returns bigint
language sql set search_path = pg_catalog, pg_temp as $$ select runnel.publish(tenant, channel, payload::text, id) $$;

-- runnel.publish_row is a row trigger: create trigger … execute function
-- runnel.publish_row('TENANT', 'CHANNEL'). It runs as who changes the row, since a
-- type may bring code of its own owner for its JSON.
create function runnel.publish_row() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
declare
	change jsonb := jsonb_build_object('op', lower(tg_op));
begin
	if tg_nargs <> 2 or tg_level <> 'ROW' or tg_when <> 'AFTER' then
		raise exception 'trigger %: it is written AFTER … FOR EACH ROW EXECUTE FUNCTION runnel.publish_row(''TENANT'', ''CHANNEL'')', tg_name
			using errcode = 'trigger_protocol_violated';
	end if;
	if tg_op <> 'DELETE' then
		change := change || jsonb_build_object('new', to_jsonb(new));
	end if;
	if tg_op <> 'INSERT' then
		change := change || jsonb_build_object('old', to_jsonb(old));
	end if;
	perform runnel.publish(tg_argv[0], tg_argv[1], change::text);
	return null;
end
$$;

-- What the events are kept on: a backup that is put back, and a standby that
-- becomes the primary, are something else.
create function runnel.server_identity() returns text language sql
set search_path = pg_catalog, pg_temp as $$
	select concat_ws(' ', (select system_identifier from pg_control_system()), left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) /* the timeline, at once after a promotion */,
		(select oid from pg_database where datname = current_database()), 'runnel.events'::regclass::oid)
$$;

-- Has positions go on above all that was ever given, where the database may have
-- come back in an earlier state than readers have seen; seen is the last position that one
-- has. Positions start at the time in microseconds and rise by less than one
-- in each, so that the time lies above all of them.
create function runnel.rewound(seen bigint default null) returns void language plpgsql
set search_path = pg_catalog, pg_temp as $$
declare
	present constant text := runnel.server_identity();
	before bigint;
	after bigint;
begin
	lock table runnel.events in share row exclusive mode; -- whoever has taken positions has ended
	if seen is not null then
		if exists (select from runnel.event_rewinds r where r."to" > seen) then
			return; -- another node has told
		end if;
	elsif exists (select from runnel.event_server s where s.identity = present) then
		return;
	end if;
	before := greatest((select max(position) from runnel.events), (select max(position) from runnel.event_floors), (select max("to") from runnel.event_rewinds));
	after := greatest((select last_value from runnel.event_position), seen, (extract(epoch from clock_timestamp()) * 1000000)::bigint) + 1;
	perform setval('runnel.event_position', after);
	insert into runnel.event_rewinds ("from", "to") values (before, after);
	update runnel.event_server set identity = present;
end
$$;
select setval('runnel.event_position', (extract(epoch from clock_timestamp()) * 1000000)::bigint);
insert into runnel.event_server (identity) values (runnel.server_identity());
insert into runnel.event_rewinds ("from", "to") select 0, last_value from runnel.event_position;

-- Everyone may call the functions that ask runnel.grants, and nothing else.
revoke all on runnel.events, runnel.event_ids, runnel.event_floors, runnel.event_rewinds, runnel.event_server, runnel.event_wake,
	runnel.grants, runnel.revoked_grants from public;
revoke all on sequence runnel.event_position from public;
revoke all on function runnel.keep_revoked(), runnel.refuse_truncate(), runnel.wake(), runnel.server_identity(), runnel.rewound(bigint),
	runnel.claim_ids(text, text[], text[], text[], interval), runnel.publish_batch(text, text[], text[], text[], interval) from public;
grant usage on schema runnel to public;
grant execute on function runnel.publish(text, text, text, text), runnel.publish(text, text, json, text),
	runnel.publish(text, text, jsonb, text), runnel.publish_row() to public;
