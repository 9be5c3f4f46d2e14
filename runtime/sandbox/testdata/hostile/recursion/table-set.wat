;; A function that calls itself through a table into which it was put only at run time.
;;
;; upload: admitted
;; run Subscription.f: RESOLVER_TRAP "stack"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (type $nothing (func))
  (table 1 funcref)
  (elem declare func $self)
  (func $self (call_indirect (type $nothing) (i32.const 0)))
  (func (export "Subscription.f") (result i32)
    (table.set (i32.const 0) (ref.func $self))
    (call $self)
    (i32.const 0))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
