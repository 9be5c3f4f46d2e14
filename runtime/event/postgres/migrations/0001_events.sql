-- What was accepted, in the order of each tenant. Positions are taken while the
-- transaction holds the lock that an INSERT takes on this table, and readers wait
-- for who holds it: a position below one that was read never appears later.
create sequence runnel.event_position;
create table runnel.events (
	position bigint primary key,
	tenant   text collate "C" not null,
	channel  text collate "C" not null,
	id       text, -- null: the position is the id
	payload  text not null,
	time     timestamptz not null
);
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
	primary key (tenant, channel, id)
);
create index event_ids_by_time on runnel.event_ids (tenant, time);
alter table runnel.event_ids set (autovacuum_vacuum_scale_factor = 0.05);

-- The last position of each tenant that retention has taken.
create table runnel.event_floors (
	tenant   text collate "C" primary key,
	position bigint not null
);

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
-- it: readers that are awake see the others by their locks.
create function runnel.wake() returns void language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
	if pg_try_advisory_xact_lock(8247619713025990515) then -- 'runnel_s'
		perform pg_notify('runnel_events', '');
	end if;
end
$$;

-- Which of the events with an id are new, by their places in the arrays, which is
-- also the order of places. It keeps their ids, and fails for an id that is known
-- with another payload.
create function runnel.claim_ids(tenant text, channels text[], ids text[], payloads text[]) returns int[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
	known_for constant interval := '10 minutes';
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
		on conflict on constraint event_ids_pkey do update set digest = excluded.digest, time = excluded.time
		where kept.time < clock_timestamp() - known_for
		returning kept.channel, kept.id
	)
	select coalesce(array_agg(g.place::int), '{}') into fresh from given g join claimed c using (channel, id);

	select e.channel, e.id into conflict
	from unnest(channels, ids, payloads) with ordinality as e (channel, id, payload, place)
	join runnel.event_ids k on k.tenant = claim_ids.tenant and k.channel = e.channel and k.id = e.id
	where not e.place = any (fresh) and k.digest <> sha256(convert_to(e.payload, 'UTF8'))
	limit 1;
	if found then
		raise exception 'the id % was used on the channel % with another payload', conflict.id, conflict.channel
			using errcode = 'unique_violation', constraint = 'event_ids_pkey', schema = 'runnel', table = 'event_ids';
	end if;
	return fresh;
end
$$;

-- Publishes events of one tenant, all or none, that were checked. It returns the
-- position of the last, or null where none was new.
create function runnel.publish_batch(tenant text, channels text[], ids text[], payloads text[]) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
	fresh int[];
	last bigint;
begin
	if current_setting('synchronous_commit') = 'off' then
		-- An event that others have seen must not be lost, nor its position be given again.
		perform set_config('synchronous_commit', 'on', true);
	end if;
	if exists (select from unnest(ids) as e (id) where e.id is not null) then
		fresh := runnel.claim_ids(tenant, channels, ids, payloads);
	end if;
	with added as (
		insert into runnel.events (position, tenant, channel, id, payload, time)
		select nextval('runnel.event_position'), publish_batch.tenant, e.channel, e.id, e.payload, clock_timestamp()
		from (
			select * from unnest(channels, ids, payloads) with ordinality as e (channel, id, payload, place)
			where e.id is null or e.place = any (fresh)
			order by e.place
		) as e
		returning position
	)
	select max(position) into last from added;
	return last;
end
$$;

-- runnel.publish is what back-ends call, in the transaction of their change. It
-- returns the position of the event, or null where its id was seen before.
create function runnel.publish(tenant text, channel text, payload text, id text default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
	position bigint;
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
	elsif payload is null then
		raise exception 'the payload is null: JSON''s null is written ''null''' using errcode = 'null_value_not_allowed';
	elsif octet_length(payload) > 8388608 then
		raise exception 'payload of % bytes: at most 8388608 are allowed', octet_length(payload) using errcode = 'program_limit_exceeded';
	end if;
	perform payload::json; -- fails where it is none
	position := runnel.publish_batch(tenant, array[channel], array[nullif(id, '')], array[payload]);
	if position is not null then
		perform runnel.wake();
	end if;
	return position;
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

-- Everyone may call the functions that ask runnel.grants, and nothing else.
revoke all on runnel.events, runnel.event_ids, runnel.event_floors, runnel.grants, runnel.revoked_grants from public;
revoke all on sequence runnel.event_position from public;
revoke all on function runnel.keep_revoked(), runnel.refuse_truncate(), runnel.wake(),
	runnel.claim_ids(text, text[], text[], text[]), runnel.publish_batch(text, text[], text[], text[]) from public;
grant usage on schema runnel to public;
grant execute on function runnel.publish(text, text, text, text), runnel.publish(text, text, json, text),
	runnel.publish(text, text, jsonb, text), runnel.publish_row() to public;
