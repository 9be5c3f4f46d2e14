-- One table for each store.Table. Ids are compared by their bytes. Records are
-- JSON, and text, since jsonb would not give back the bytes that were put:
-- select id, record::jsonb -> 'limits' from runnel.tenants;
create table runnel.tenants (
	tenant text collate "C" not null,
	id     text collate "C" not null,
	record text not null,
	primary key (tenant, id)
);
create table runnel.keys        (like runnel.tenants including all);
create table runnel.revocations (like runnel.tenants including all);
create table runnel.modules     (like runnel.tenants including all);
create table runnel.audit       (like runnel.tenants including all);
create table runnel.settings    (like runnel.tenants including all);
create table runnel.binaries (
	tenant text collate "C" not null,
	id     text collate "C" not null,
	record bytea not null,
	primary key (tenant, id)
);
-- Megabytes that hardly shrink: to compress them costs more than it saves.
alter table runnel.binaries alter column record set storage external;

-- The change that concerned a tenant last, by which nodes find what they have
-- not been notified of. Numbers of one tenant only grow.
create sequence runnel.revision;
create table runnel.revisions (
	tenant   text collate "C" primary key,
	revision bigint not null
);
