package admin

import (
	"encoding/json"
	"net/http"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Parameters that several routes have.
var (
	pageLimit = parameter{"limit", "integer", "How many items to answer with, 1 to 1000; 100 without it."}
	pageAfter = parameter{"after", "string", "Where to go on: what the answer before gave as next."}
	paged     = []parameter{pageLimit, pageAfter}
)

// The scopes of the keys that may come a way, besides the admin token.
var (
	readers       = []tenant.Scope{tenant.ScopeRead}
	moduleReaders = []tenant.Scope{tenant.ScopeModules, tenant.ScopeRead}
	moduleWriters = []tenant.Scope{tenant.ScopeModules}
	publishers    = []tenant.Scope{tenant.ScopeEvents}
)

// routes is all that there is below /v1.
var routes = []route{
	{
		method: "POST", path: "/v1/tenants", serve: (*handler).createTenant,
		summary: "Create a tenant.",
		bodies:  []body{{media: typeJSON, example: createTenantRequest{}}},
		answers: []body{{http.StatusCreated, typeJSON, tenantAnswer{}}}, refuses: []int{http.StatusConflict},
	},
	{
		method: "GET", path: "/v1/tenants", query: paged, serve: (*handler).listTenants,
		summary: "List the tenants by id.",
		answers: []body{{http.StatusOK, typeJSON, tenantsAnswer{}}},
	},
	{
		method: "GET", path: "/v1/tenants/{tenant}", scopes: readers, serve: (*handler).getTenant,
		summary: "Show a tenant with its limits.",
		answers: []body{{http.StatusOK, typeJSON, tenantAnswer{}}},
	},
	{
		method: "PATCH", path: "/v1/tenants/{tenant}", serve: (*handler).patchTenant,
		summary: "Change what is named of a tenant, all of it or nothing; a limit of null stands for the default.",
		bodies:  []body{{media: typeJSON, example: patchTenantRequest{}}, {media: typeMergePatch, example: patchTenantRequest{}}},
		answers: []body{{http.StatusOK, typeJSON, tenantAnswer{}}},
	},
	{
		method: "DELETE", path: "/v1/tenants/{tenant}", serve: (*handler).deleteTenant,
		summary: "Delete a tenant with all that it has, and end what serves it.",
		answers: []body{{status: http.StatusNoContent}},
	},
	{
		method: "POST", path: "/v1/tenants/{tenant}/keys", serve: (*handler).createKey,
		summary: "Create an API key. The answer alone shows it.",
		bodies:  []body{{media: typeJSON, example: createKeyRequest{}}},
		answers: []body{{http.StatusCreated, typeJSON, newKeyAnswer{}}}, refuses: []int{http.StatusConflict},
	},
	{
		method: "GET", path: "/v1/tenants/{tenant}/keys", scopes: readers, query: paged, serve: (*handler).listKeys,
		summary: "List the tenant's keys by id, without the keys themselves.",
		answers: []body{{http.StatusOK, typeJSON, keysAnswer{}}},
	},
	{
		method: "DELETE", path: "/v1/tenants/{tenant}/keys/{key}", serve: (*handler).deleteKey,
		summary: "Revoke a key, by its id.",
		answers: []body{{status: http.StatusNoContent}},
	},
	{
		method: "GET", path: "/v1/tenants/{tenant}/auth", scopes: readers, serve: (*handler).getAuth,
		summary: "Show who may subscribe, without the secret.",
		answers: []body{{http.StatusOK, typeJSON, authAnswer{}}},
	},
	{
		method: "PUT", path: "/v1/tenants/{tenant}/auth", serve: (*handler).putAuth,
		summary: "Say who may subscribe, as a whole. Where that changes, live subscribers are judged anew.",
		bodies:  []body{{media: typeJSON, example: authRequest{}}},
		answers: []body{{http.StatusOK, typeJSON, authAnswer{}}},
	},
	{
		method: "DELETE", path: "/v1/tenants/{tenant}/auth", serve: (*handler).deleteAuth,
		summary: "Go back to refusing every subscriber.",
		answers: []body{{status: http.StatusNoContent}},
	},
	{
		method: "POST", path: "/v1/tenants/{tenant}/revocations", serve: (*handler).postRevocation,
		summary: "End what tokens of a subscriber (sub), or a token (jti), have opened, and refuse those that were issued before a time; without before, until now.",
		bodies:  []body{{media: typeJSON, example: revocationRequest{}}},
		answers: []body{{status: http.StatusNoContent}}, refuses: []int{http.StatusConflict},
	},
	{
		method: "GET", path: "/v1/tenants/{tenant}/modules", scopes: moduleReaders, query: paged, serve: (*handler).listModules,
		summary: "List the tenant's modules by name, each with its versions.",
		answers: []body{{http.StatusOK, typeJSON, modulesAnswer{}}},
	},
	{
		method: "PUT", path: "/v1/tenants/{tenant}/modules/{module}", scopes: moduleWriters, serve: (*handler).putModule,
		query:   []parameter{{"activate", "boolean", "Makes the version serve at once."}},
		summary: "Upload a version of a module. The same bytes again are the same version: 200.",
		bodies:  []body{{media: typeWasm}, {media: typeMultipart, example: uploadRequest{}}},
		answers: []body{{http.StatusOK, typeJSON, versionAnswer{}}, {http.StatusCreated, typeJSON, versionAnswer{}}},
		refuses: []int{http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	},
	{
		method: "GET", path: "/v1/tenants/{tenant}/modules/{module}", scopes: moduleReaders, serve: (*handler).getModule,
		summary: "Show a module with its versions.",
		answers: []body{{http.StatusOK, typeJSON, moduleAnswer{}}},
	},
	{
		method: "DELETE", path: "/v1/tenants/{tenant}/modules/{module}", scopes: moduleWriters, serve: (*handler).deleteModule,
		summary: "Delete a module with all its versions.",
		answers: []body{{status: http.StatusNoContent}}, refuses: []int{http.StatusConflict, http.StatusUnprocessableEntity},
	},
	{
		method: "DELETE", path: "/v1/tenants/{tenant}/modules/{module}/versions/{version}", scopes: moduleWriters, serve: (*handler).deleteVersion,
		summary: "Delete a version of a module, by its digest. The active one is refused.",
		answers: []body{{status: http.StatusNoContent}}, refuses: []int{http.StatusConflict},
	},
	{
		method: "POST", path: "/v1/tenants/{tenant}/modules/{module}/activate", scopes: moduleWriters, serve: (*handler).activateModule,
		summary: "Make a version serve, from the next event on.",
		bodies:  []body{{media: typeJSON, example: activateRequest{}}},
		answers: []body{{http.StatusOK, typeJSON, versionAnswer{}}}, refuses: []int{http.StatusConflict, http.StatusUnprocessableEntity},
	},
	{
		method: "POST", path: "/v1/tenants/{tenant}/modules/{module}/rollback", scopes: moduleWriters, serve: (*handler).rollbackModule,
		summary: "Make the version serve that did before.",
		answers: []body{{http.StatusOK, typeJSON, versionAnswer{}}}, refuses: []int{http.StatusConflict, http.StatusUnprocessableEntity},
	},
	{
		method: "PUT", path: "/v1/tenants/{tenant}/modules/{module}/config", scopes: moduleWriters, serve: (*handler).putConfig,
		summary: "Give a module a config, from the next event on: any JSON value, which it reads as input 4.",
		bodies:  []body{{media: typeJSON, example: json.RawMessage{}}},
		answers: []body{{status: http.StatusNoContent}}, refuses: []int{http.StatusUnprocessableEntity},
	},
	{
		method: "GET", path: "/v1/tenants/{tenant}/modules/{module}/config", scopes: moduleReaders, serve: (*handler).getConfig,
		summary: "Show a module's config, as it was sent.",
		answers: []body{{http.StatusOK, typeJSON, json.RawMessage{}}},
	},
	{
		method: "DELETE", path: "/v1/tenants/{tenant}/modules/{module}/config", scopes: moduleWriters, serve: (*handler).deleteConfig,
		summary: "Take a module's config away, from the next event on.",
		answers: []body{{status: http.StatusNoContent}}, refuses: []int{http.StatusUnprocessableEntity},
	},
	{
		method: "DELETE", path: "/v1/tenants/{tenant}/modules/{module}/quarantine", scopes: moduleWriters, serve: (*handler).releaseModule,
		summary: "End the quarantine of all resolvers of a module, on this node: the next event runs.",
		answers: []body{{status: http.StatusNoContent}},
	},
	{
		method: "GET", path: "/v1/tenants/{tenant}/schema", scopes: moduleReaders, serve: (*handler).getSchema,
		summary: "Show the schema that is composed of the active modules.",
		answers: []body{{status: http.StatusOK, media: typeText}},
	},
	{
		method: "GET", path: "/v1/tenants/{tenant}/logs", scopes: moduleReaders, serve: (*handler).getLogs,
		summary: "Show the last lines that the tenant's modules logged on this node, the oldest first; as an event stream go on with those that follow.",
		answers: []body{{http.StatusOK, typeJSON, logsAnswer{}}, {status: http.StatusOK, media: typeStream}}, refuses: []int{http.StatusTooManyRequests},
	},
	{
		method: "POST", path: EventsRoute, scopes: publishers, serve: (*handler).publishEvents,
		summary: "Publish an event, or a batch with one per line: all of it or nothing. CloudEvents 1.0 may be structured (as here), a batch, or binary, with headers ce-….",
		bodies: []body{
			{media: typeJSON, example: eventRequest{}},
			{media: typeNDJSON},
			{media: typeCloudEvent, example: cloudEventRequest{}},
			{media: typeCloudEvents, example: []cloudEventRequest{}},
		},
		answers: []body{{http.StatusAccepted, typeJSON, publishAnswer{}}}, refuses: []int{http.StatusConflict, http.StatusTooManyRequests},
	},
	{
		method: "GET", path: "/v1/tenants/{tenant}/subscriptions", scopes: readers, query: paged, serve: (*handler).listSubscriptions,
		summary: "List the live subscriptions of this node by id. A page may be short of its limit.",
		answers: []body{{http.StatusOK, typeJSON, subscriptionsAnswer{}}},
	},
	{
		method: "DELETE", path: "/v1/tenants/{tenant}/subscriptions/{subscription}", serve: (*handler).endSubscription,
		summary: "End a live subscription of this node with the error FORBIDDEN; its connection stays.",
		answers: []body{{status: http.StatusNoContent}},
	},
	{
		method: "GET", path: "/v1/tenants/{tenant}/usage", scopes: readers, serve: (*handler).getUsage,
		summary: "Show what the tenant has used on all nodes, its limits with what is used of them now on this node, and the resolvers in quarantine there.",
		answers: []body{{http.StatusOK, typeJSON, usageAnswer{}}},
	},
	{
		method: "GET", path: backupRoute, serve: (*handler).getBackup,
		summary: "Back up all that the store has, as one stream that runnel-server --restore takes. It ends with a checksum: what lacks it is of no use.",
		answers: []body{{status: http.StatusOK, media: typeBytes}}, refuses: []int{http.StatusTooManyRequests},
	},
	{
		method: "GET", path: "/v1/audit", query: paged, serve: (*handler).listAudit,
		summary: "List what was done to the server as a whole, the newest first: tenants created and deleted, backups taken.",
		answers: []body{{http.StatusOK, typeJSON, auditAnswer{}}},
	},
	{
		method: "GET", path: "/v1/tenants/{tenant}/audit", scopes: readers, query: paged, serve: (*handler).listAudit,
		summary: "List what was done to the tenant, the newest first, and what keys were refused that they are not for.",
		answers: []body{{http.StatusOK, typeJSON, auditAnswer{}}},
	},
}
