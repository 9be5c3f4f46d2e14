-- Since when a tenant is known to be deleted, by those who remove what is kept of
-- its changes; a change of the tenant sets it null.
alter table runnel.revisions add column gone timestamptz;
