;; Calls through a table of nothing, of a function of another type, of a host function by another
;; type, and past the end of the table.
;;
;; upload: admitted
;; run Subscription.null: RESOLVER_TRAP "invalid table access"
;; run Subscription.wrongType: RESOLVER_TRAP "indirect call type mismatch"
;; run Subscription.past: RESOLVER_TRAP "invalid table access"
;; run Subscription.far: RESOLVER_TRAP "invalid table access"
;; run Subscription.host: RESOLVER_TRAP "indirect call type mismatch"
(module
  (@custom "runnel.schema"
    "type Subscription {\n"
    "null: String @on(channel: \"c\")\n"
    "wrongType: String @on(channel: \"c\")\n"
    "past: String @on(channel: \"c\")\n"
    "far: String @on(channel: \"c\")\n"
    "host: String @on(channel: \"c\")\n"
    "ok: String @on(channel: \"c\")\n"
    "}\n")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (type $nothing (func))
  (type $number (func (result i32)))
  (table 3 funcref)
  (elem (i32.const 0) func $procedure)
  (elem (i32.const 2) func $output)
  (func $procedure)
  (func (export "Subscription.null") (result i32)
    (call_indirect (type $nothing) (i32.const 1))
    (i32.const 0))
  (func (export "Subscription.wrongType") (result i32)
    (call_indirect (type $number) (i32.const 0)))
  (func (export "Subscription.past") (result i32)
    (call_indirect (type $nothing) (i32.const 3))
    (i32.const 0))
  (func (export "Subscription.far") (result i32)
    (call_indirect (type $nothing) (i32.const -1))
    (i32.const 0))
  (func (export "Subscription.host") (result i32)
    (call_indirect (type $nothing) (i32.const 2))
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
