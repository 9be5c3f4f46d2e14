;; A function that calls itself with many parameters and results.
;;
;; upload: admitted
;; run Subscription.f: RESOLVER_TRAP "stack"
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func $self (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64 i64 i64)
    (call $self (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7) (local.get 8) (local.get 9) (local.get 10) (local.get 11)))
  (func (export "Subscription.f") (result i32)
    (call $self (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1))
    (drop)
    (drop)
    (drop)
    (i32.wrap_i64))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
