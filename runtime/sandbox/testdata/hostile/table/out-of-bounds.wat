;; Table operations past the end of the table and of its segments.
;;
;; upload: admitted
;; run Subscription.get: RESOLVER_TRAP "invalid table access"
;; run Subscription.getFar: RESOLVER_TRAP "invalid table access"
;; run Subscription.set: RESOLVER_TRAP "invalid table access"
;; run Subscription.fill: RESOLVER_TRAP "invalid table access"
;; run Subscription.fillWraps: RESOLVER_TRAP "invalid table access"
;; run Subscription.copy: RESOLVER_TRAP "invalid table access"
;; run Subscription.init: RESOLVER_TRAP "invalid table access"
;; run Subscription.initAfterDrop: RESOLVER_TRAP "invalid table access"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "get: String @on(channel: \"c\")\n"
    "getFar: String @on(channel: \"c\")\n"
    "set: String @on(channel: \"c\")\n"
    "fill: String @on(channel: \"c\")\n"
    "fillWraps: String @on(channel: \"c\")\n"
    "copy: String @on(channel: \"c\")\n"
    "init: String @on(channel: \"c\")\n"
    "initAfterDrop: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (table 4 funcref)
  (elem $segment func $nothing $nothing)
  (func $nothing)
  (func (export "Subscription.get") (result i32)
    (drop (table.get (i32.const 4)))
    (i32.const 0))
  (func (export "Subscription.getFar") (result i32)
    (drop (table.get (i32.const -1)))
    (i32.const 0))
  (func (export "Subscription.set") (result i32)
    (table.set (i32.const 4) (ref.null func))
    (i32.const 0))
  (func (export "Subscription.fill") (result i32)
    (table.fill (i32.const 1) (ref.null func) (i32.const -1))
    (i32.const 0))
  (func (export "Subscription.fillWraps") (result i32)
    (table.fill (i32.const -1) (ref.null func) (i32.const 2))
    (i32.const 0))
  (func (export "Subscription.copy") (result i32)
    (table.copy (i32.const 0) (i32.const 3) (i32.const 2))
    (i32.const 0))
  (func (export "Subscription.init") (result i32)
    (table.init $segment (i32.const 0) (i32.const 1) (i32.const 2))
    (i32.const 0))
  (func (export "Subscription.initAfterDrop") (result i32)
    (elem.drop $segment)
    (table.init $segment (i32.const 0) (i32.const 0) (i32.const 1))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
