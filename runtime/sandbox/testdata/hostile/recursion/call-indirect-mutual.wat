;; Two functions that call each other through a table, by turns, with a value that grows.
;;
;; upload: admitted
;; run Subscription.f: RESOLVER_TRAP "stack"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (type $next (func (param i32) (result i32)))
  (table 2 funcref)
  (elem (i32.const 0) $even $odd)
  (func $even (param $n i32) (result i32)
    (i32.add (call_indirect (type $next) (i32.add (local.get $n) (i32.const 1)) (i32.const 1)) (i32.const 1)))
  (func $odd (param $n i32) (result i32)
    (i32.add (call_indirect (type $next) (i32.add (local.get $n) (i32.const 1)) (i32.const 0)) (i32.const 1)))
  (func (export "Subscription.f") (result i32)
    (call $even (i32.const 0)))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
