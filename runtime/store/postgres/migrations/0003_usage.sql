-- What nodes have counted of a tenant. Each writes its records every few seconds:
-- with room on its pages an update needs no new index entry.
create table runnel.usage (like runnel.tenants including all) with (fillfactor = 50);
