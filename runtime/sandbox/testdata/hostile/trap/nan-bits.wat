;; A guest that makes its verdict of the bits of a NaN: two engines may differ, two runs may not.
;;
;; upload: admitted
;; run Subscription.f: skip
(module
  (@custom "runnel.schema" "type Subscription { f: String @on(channel: \"c\") ok: String @on(channel: \"c\") }")
  (import "runnel_v1" "output" (func $output (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\"ok\"")
  (func (export "Subscription.f") (result i32) (local $zero f64) (local $bits i64)
    (local.set $zero (f64.const 0))
    (local.set $bits (i64.reinterpret_f64 (f64.div (local.get $zero) (local.get $zero))))
    (local.set $bits (i64.and (local.get $bits) (i64.const 0x0007ffffffffffff)))
    (i32.wrap_i64 (i64.or (local.get $bits) (i64.shr_u (local.get $bits) (i64.const 32)))))
  (func (export "Subscription.ok") (result i32)
    (call $output (i32.const 16) (i32.const 4))
    (i32.const 1)))
